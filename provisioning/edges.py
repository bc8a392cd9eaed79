"""The edges of a rollout: they send an app host no visitors while it changes, and send them again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from provisioning.fleet import Reach, Told, gathered
from provisioning.remote import HostFailure, Remote
from provisioning.request import Host

_AT_ONCE = 8
"""Fewer than sshd lets through one connection."""
_REJOIN_SECONDS = 30.0
"""How long an edge's health check may take to find a host up."""
_OUT = ("DRAIN", "MAINT")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Left:
    """How a host left the edges: whether it did, after how many seconds, with how many requests still open.

    It stays in where it is the only one that serves.
    """

    out: bool
    seconds: float
    open: int


class Edges:
    """All edges of a site; there may be none, and then every word to them is done at once."""

    def __init__(
        self, hosts: Sequence[Host], site: str, private_key: str, told: Told, reach: Reach = Remote
    ) -> None:
        self.remotes = [reach(host, site, private_key, told) for host in hosts]
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE)
        self._found: dict[str, list[dict[str, Any]]] = {}

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """Reach all of them while something else is done. Raises HostFailure."""

        def reach(edge: Remote) -> dict[str, Any]:
            edge.connect()
            return edge.call("edge-status", {})

        reached = {edge.name: self._pool.submit(reach, edge) for edge in self.remotes}
        yield
        self._found = {name: said["servers"] for name, said in gathered(reached).items()}

    def left_out(self, servers: Sequence[str]) -> list[str]:
        """Which of these app hosts an edge had been told to leave out when it was reached.

        Raises HostFailure for unknown ones.
        """
        out: set[str] = set()
        for edge, entries in self._found.items():
            states = {entry["server"]: entry["state"] for entry in entries}
            unknown = [server for server in servers if server not in states]
            if unknown:
                raise HostFailure(
                    edge,
                    f"the edge knows no app host {', '.join(unknown)}",
                    next_step="run `make up` again, which provisions the edge",
                )
            out |= {server for server in servers if states[server] in _OUT}
        return [server for server in servers if server in out]

    def drain(self, servers: Sequence[str], patience: float) -> dict[str, Left]:
        """Send these hosts no new requests, and wait at most `patience` seconds for the open ones to end.

        Raises HostFailure where an edge can't be told.
        """
        began = time.monotonic()
        for server in servers if len(servers) > 1 else ():
            # One after the other: an edge keeps the last host that serves, which two at once would not see.
            self._each([server], lambda edge, server: _drain(edge, server, 0))
        found = self._each(servers, lambda edge, server: _drain(edge, server, patience))
        seconds = round(time.monotonic() - began, 2)
        left = {}
        for server in servers:
            answers = [said[server] for said in found.values()]
            open_requests = sum(int(answer["sessions"]) for answer in answers)
            left[server] = Left(all(answer["drained"] for answer in answers), seconds, open_requests)
        return left

    def ready(self, servers: Sequence[str]) -> float:
        """Send these hosts requests again, each once its edge's health check finds it up; seconds it took.

        Raises HostFailure where one is not found up, or an edge can't be told.
        """
        began = time.monotonic()
        facts = {"timeout_seconds": _REJOIN_SECONDS}
        self._each(servers, lambda edge, server: edge.call("edge-ready", {"server": server, **facts}))
        return round(time.monotonic() - began, 2)

    def close(self) -> None:
        """End all connections."""
        for edge in self.remotes:
            edge.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _each(self, servers: Iterable[str], work: Callable[[Remote, str], _T]) -> dict[str, dict[str, _T]]:
        """The same for each of these app hosts on every edge, at once: results by edge and app host."""
        pairs = [(edge, server) for edge in self.remotes for server in servers]
        done = gathered(
            {f"{edge.name} {server}": self._pool.submit(work, edge, server) for edge, server in pairs}
        )
        found: dict[str, dict[str, _T]] = {edge.name: {} for edge in self.remotes}
        for edge, server in pairs:
            found[edge.name][server] = done[f"{edge.name} {server}"]
        return found


def _drain(edge: Remote, server: str, patience: float) -> dict[str, Any]:
    return edge.call("edge-drain", {"server": server, "timeout_seconds": patience})
