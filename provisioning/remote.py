"""A host in a rollout: calls the verbs of its `seatrial-host` over one SSH connection."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from provisioning.connection import Connection, ConnectionFailed
from provisioning.request import Host

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

    def call(
        self, verb: str, facts: dict[str, Any], stdin: Iterable[bytes] = (), *, quiet: bool = False
    ) -> dict[str, Any]:
        """Have a verb done and return its result. Raises HostFailure."""
        if self._connection is None:
            self.connect()
        assert self._connection is not None
        request = json.dumps({"site": self._site, **facts}).encode() + b"\n"
        end: dict[str, Any] = {}
        stray: list[str] = []

        def read(line: str) -> None:
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                stray.append(line)
                return
            if event.get("event") == "detail":
                if not quiet:
                    self._told(self.name, event["text"])
            else:
                end.update(event)

        try:
            done = self._connection.run(
                f"{COMMAND} {verb}", chain([request], stdin), on_line=read, hold=verb == "build"
            )
        except ConnectionFailed as error:
            raise HostFailure(
                self.name, str(error), next_step="run `make up` again", kind="unreachable"
            ) from None
        if end.get("event") == "result":
            return end
        if end.get("event") == "error":
            raise HostFailure(
                self.name, end["cause"], next_step=end["next"], log=end["log"], kind=end["kind"]
            )
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
