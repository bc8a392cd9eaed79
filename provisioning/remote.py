"""A host in a rollout: calls the verbs of its `seatrial-host` over one SSH connection."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from provisioning.connection import Connection
from provisioning.request import Host
from provisioning.session import ConnectionFailed, Session

COMMAND = "sudo -n seatrial-host"


class HostFailure(Exception):
    """A step that failed on a host: the cause in one line, what to do next, and the log lines behind it."""

    def __init__(
        self, host: str, cause: str, *, next_step: str = "", log: Iterable[str] = (), kind: str = "failed"
    ) -> None:
        super().__init__(f"{host}: {cause}")
        self.host = host
        self.cause = cause
        self.next_step = next_step
        self.log = [*log]
        self.kind = kind
        self.also: list[HostFailure] = []
        """What failed on other hosts at the same time."""


class Remote:
    """One host. `told` gets the short lines that a verb says while it works."""

    def __init__(self, host: Host, site: str, private_key: str, told: Callable[[str, str], None]) -> None:
        self.host = host
        self.name = host.name
        self._site = site
        self._private_key = private_key
        self._told = told
        self._connection: Connection | None = None
        self._idle: list[Session] = []

    def connect(self, patience: float = 30.0) -> None:
        """Open the connection, or open it anew. Raises HostFailure."""
        self.close()
        try:
            self._connection = Connection.open(
                self.host.address,
                user=self.host.user,
                private_key=self._private_key,
                host_key=self.host.host_key,
                port=self.host.port,
                patience=patience,
            )
        except ConnectionFailed as error:
            raise HostFailure(self.name, str(error), kind="unreachable") from None

    def close(self) -> None:
        """End the connection; a build that runs over it ends too."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._idle = []

    def call(
        self, verb: str, facts: dict[str, Any], content: Sequence[bytes] = (), *, quiet: bool = False
    ) -> dict[str, Any]:
        """Have a verb done, on this `content` where it takes any; its result. Raises HostFailure."""
        question = {"site": self._site, "verb": verb, "bytes": sum(map(len, content)), **facts}
        try:
            session = self._session()
            session.send([json.dumps(question).encode() + b"\n", *content])
            stray: list[str] = []
            for line in session.lines():
                event = _event(line)
                if event is None:
                    stray.append(line)
                elif event["event"] == "detail":
                    if not quiet:
                        self._told(self.name, event["text"])
                elif event["event"] == "result":
                    self._idle.append(session)
                    return event
                else:
                    cause, log = event["cause"], event["log"]
                    raise HostFailure(self.name, cause, next_step=event["next"], log=log, kind=event["kind"])
            done = session.end()
        except ConnectionFailed as error:
            raise HostFailure(
                self.name, str(error), next_step="run `make up` again", kind="unreachable"
            ) from None
        said = [*stray, *done.errors]
        missing = any("seatrial-host" in line and "not found" in line for line in said)
        raise HostFailure(
            self.name,
            "the host has no seatrial-host"
            if missing
            else f"`seatrial-host {verb}` ended with {done.status}",
            next_step="run `make up` again, which provisions the host",
            log=said[-30:],
        )

    def _session(self) -> Session:
        """One that nobody talks to now, or another one: each answers one verb at a time."""
        if self._connection is None:
            self.connect()
        assert self._connection is not None
        with suppress(IndexError):
            return self._idle.pop()
        return self._connection.session(f"{COMMAND} serve")


def _event(line: str) -> dict[str, Any] | None:
    """What a line tells; None for one that is no event."""
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
