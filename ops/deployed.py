"""What is on a stack's hosts now, told by the hosts themselves; the way to them is in the stack's state.

The state knows it from the first provisioning on, also while an update is at work and after one that failed,
when the stack's outputs are still those of the last good one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ops.errors import OpsError
from ops.summary import by_number
from provisioning import plan
from provisioning.connection import Connection
from provisioning.remote import COMMAND, HostFailure, Remote
from provisioning.request import Host
from provisioning.session import ConnectionFailed

_PATIENCE = 10.0
"""Seconds for a host to answer: it is up, or it is not."""


class DeployedError(OpsError):
    """There are no hosts, or they do not answer; one line for the operator."""


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A site's app hosts, and the key to them."""

    site: str
    hosts: tuple[Host, ...]
    private_key: str = field(repr=False)

    def statuses(self) -> dict[str, dict[str, Any]]:
        """What each host says of its releases. Raises DeployedError where none of them answers."""
        failures: list[str] = []

        def ask(host: Host) -> tuple[str, dict[str, Any] | None]:
            remote = Remote(host, self.site, self.private_key, lambda _host, _text: None)
            try:
                remote.connect(_PATIENCE)
                return host.name, remote.call("status", {}, quiet=True)
            except HostFailure as failure:
                failures.append(str(failure))
                return host.name, None
            finally:
                remote.close()

        with ThreadPoolExecutor(max_workers=len(self.hosts)) as pool:
            told = {name: status for name, status in pool.map(ask, self.hosts) if status}
        if not told:
            raise DeployedError(failures[0])
        return told

    def run(self, arguments: Sequence[str]) -> int:
        """Run a management command on the first host as functional tests may; returns its exit status.

        Its output is printed. Raises DeployedError where the host can't be reached.
        """
        host = self.hosts[0]
        request = json.dumps({"site": self.site, "arguments": [*arguments]}).encode() + b"\n"
        try:
            with Connection.open(
                host.address,
                user=host.user,
                private_key=self.private_key,
                host_key=host.host_key,
                patience=_PATIENCE,
            ) as connection:
                done = connection.run(f"{COMMAND} test-command", request, on_line=print)
        except ConnectionFailed as error:
            raise DeployedError(f"{host.name}: {error}") from None
        for line in done.errors:
            print(line, file=sys.stderr)
        return done.status


def of_state(resources: Sequence[Mapping[str, Any]], site: str = "") -> Deployed:
    """The site that a stack's state knows, the one named `site` where it knows two.

    Raises DeployedError where it has no hosts yet.
    """
    sites = [name for name, _ in _all(resources, "seatrial:site:Site")]
    found = site if site in sites else next(iter(sites), "")
    components = [
        facts for name, facts in _all(resources, "seatrial:host:Host") if name.startswith(f"{found}-")
    ]
    hosts = [
        Host(
            name=facts["name"], address=facts["ssh_address"], host_key=facts["host_key"], roles=facts["roles"]
        )
        for facts in components
        if "app" in facts.get("roles", [])
    ]
    keys = [
        facts["privateKeyOpenssh"]
        for name, facts in _all(resources, "tls:index/privateKey:PrivateKey")
        if name == f"{found}-keys-access"
    ]
    if not hosts or not keys:
        raise DeployedError("nothing is live on this stack yet; first: make up")
    return Deployed(
        site=found,
        hosts=tuple(sorted(hosts, key=lambda host: by_number(host.name))),
        private_key=json.loads(keys[0]["plaintext"]),
    )


def releases(statuses: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """`release` and `previous_release` (id, revision, subject) as the hosts tell them; empty where none."""
    live = next((status["live"] for status in statuses.values() if status["live"]), None)
    if live is None:
        return {"release": {}, "previous_release": {}}
    before = plan.previous(statuses, live["id"])
    release = {"id": live["id"], "revision": live["commit"], "subject": live["subject"]}
    return {"release": release, "previous_release": dict(before or {})}


def _all(resources: Sequence[Mapping[str, Any]], type_: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (str(resource["urn"]).rsplit("::", 1)[-1], resource.get("outputs") or {})
        for resource in resources
        if resource["type"] == type_ and not resource.get("delete")
    ]
