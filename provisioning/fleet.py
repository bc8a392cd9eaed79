"""The hosts of a rollout together: work on all at once, and the lock that keeps every other rollout away."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, TypeVar

from provisioning import process
from provisioning.remote import HostFailure, Remote
from provisioning.request import Host

Told = Callable[[str, str], None]
Reach = Callable[[Host, str, str, Told], Remote]
"""How a host is reached: `Remote`, but in tests."""

_HEARTBEAT_SECONDS = 20.0
_T = TypeVar("_T")


def gathered(futures: Mapping[str, Future[_T]]) -> dict[str, _T]:
    """What came of works on several hosts, when all have ended, so that nothing runs on behind one's back.

    Raises the first HostFailure, with the others in its `also`.
    """
    wait(futures.values())
    errors = [future.exception() for future in futures.values()]
    failures = [error for error in errors if isinstance(error, HostFailure)]
    if failures:
        failures[0].also = failures[1:]
        raise failures[0]
    return {name: future.result() for name, future in futures.items()}


class Fleet:
    """Several hosts, in the order they are released on."""

    def __init__(
        self, hosts: Sequence[Host], site: str, private_key: str, told: Told, reach: Reach = Remote
    ) -> None:
        self.remotes = [reach(host, site, private_key, told) for host in hosts]
        self.owner = f"{getpass.getuser()}@{socket.gethostname()} (process {os.getpid()})"
        self._token = secrets.token_hex(8)
        self._locked: list[Remote] = []
        self._released = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=max(4, len(hosts)))

    @property
    def names(self) -> list[str]:
        return [remote.name for remote in self.remotes]

    @property
    def is_locked(self) -> bool:
        return bool(self._locked)

    def some(self, names: Iterable[str]) -> list[Remote]:
        """The hosts with these names, in order."""
        wanted = set(names)
        return [remote for remote in self.remotes if remote.name in wanted]

    def each(self, work: Callable[[Remote], _T], on: Sequence[Remote] | None = None) -> dict[str, _T]:
        """Do something on all hosts (or those `on`) at once; results by name. Raises as `gathered` does."""
        chosen = self.remotes if on is None else on
        return gathered({remote.name: self._pool.submit(work, remote) for remote in chosen})

    def call(
        self, remote: Remote, verb: str, facts: dict[str, Any] | None = None, content: Sequence[bytes] = ()
    ) -> dict[str, Any]:
        """A verb under this rollout's lock. Raises HostFailure."""
        return remote.call(verb, {"token": self._token, **(facts or {})}, content)

    def lock(self, holders: Mapping[str, Mapping[str, Any] | None], run: Mapping[str, Any]) -> dict[str, str]:
        """Take the lock on every host and keep it alive; who lost it by having ended or gone silent, by host.

        `holders` says who held it, by host, when last looked at; `run` is what is on record of this one
        until it has ended, and for good where it dies.
        Raises HostFailure of kind `locked`, with no lock taken, where somebody else holds one.
        """
        first, *rest = sorted(self.remotes, key=lambda remote: remote.name)

        def take(remote: Remote) -> str:
            held = (holders.get(remote.name) or {}).get("process", "")
            facts = {"owner": self.owner, "process": process.identity(), "run": run}
            taken = self.call(remote, "lock", {**facts, "gone": held if process.is_gone(held) else ""})
            self._locked.append(remote)
            return str(taken["taken_over_from"] or "")

        try:
            # One host before all others: two rollouts meet there, and only one of them goes on.
            owners = {first.name: take(first), **self.each(take, rest)}
        except BaseException:
            self.unlock(None)
            raise
        for remote in self._locked:
            # One each: a host that is slow to answer must not cost the others their lock.
            threading.Thread(target=self._keep_alive, args=[remote], daemon=True).start()
        return {name: owner for name, owner in owners.items() if owner}

    def unlock(self, record: dict[str, Any] | None) -> None:
        """Give the locks back, and leave the record of this run on the hosts, but for those that are gone."""
        self._released.set()

        def free(remote: Remote) -> None:
            # A host that can't be reached frees its lock by itself.
            with suppress(HostFailure):
                self.call(remote, "unlock", {"record": record})

        self.each(free, self._locked)
        self._locked = []

    def reconnect(self) -> None:
        """New connections; a build that runs over the old ones ends. Hosts that are gone are left out."""
        for remote in self.remotes:
            with suppress(HostFailure):
                remote.connect(patience=10)

    def close(self) -> None:
        """End all connections."""
        self._released.set()
        for remote in self.remotes:
            remote.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _keep_alive(self, remote: Remote) -> None:
        while not self._released.wait(_HEARTBEAT_SECONDS):
            # A lost lock shows at the next verb, which the host then refuses.
            with suppress(HostFailure):
                remote.call("lock", {"token": self._token, "owner": self.owner}, quiet=True)
