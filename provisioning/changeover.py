"""What visitors could notice of a rollout: hosts leave the edges, change, and join again, or go back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioning.edges import Edges, Left
from provisioning.fleet import Fleet
from provisioning.plan import Status
from provisioning.progress import Progress
from provisioning.remote import HostFailure, Remote
from provisioning.request import Request

_HASTY_SECONDS = 5.0
"""How long a host's open requests have when it goes back: meanwhile others serve what failed."""


class Changeover:
    """Switches hosts to a release batch by batch, and knows how to put back all that it touched."""

    def __init__(
        self,
        request: Request,
        fleet: Fleet,
        edges: Edges,
        statuses: Mapping[str, Status],
        progress: Progress,
    ) -> None:
        self._request = request
        self._fleet = fleet
        self._edges = edges
        self._statuses = statuses
        self._progress = progress
        self._started: list[Remote] = []
        self._touched: list[list[Remote]] = []
        self.per_host: dict[str, dict[str, Any]] = {name: {} for name in fleet.names}

    def take_in(self, servers: Sequence[str]) -> None:
        """Hosts that an interrupted rollout left out of the edges get visitors again, if they are well."""
        for server in servers:
            try:
                self._edges.ready([server])
                self._progress.say(f"  {server}: was left out by an interrupted release, serves again")
            except HostFailure as failure:
                self._progress.say(f"  {server}: gets no visitors: {failure.cause}")

    def start(self, names: Sequence[str], release: str) -> None:
        """Start a release beside what serves, on all these hosts at once, and find it well on each.

        Raises HostFailure; `put_back` is to follow. Nobody has noticed anything then.
        """
        self._started = self._fleet.some(names)
        done = self._fleet.each(lambda remote: self._tell(remote, "start", release), self._started)
        for name, facts in done.items():
            slot, start, healthy = facts["slot"], facts["start_seconds"], facts["healthy_seconds"]
            self.per_host[name].update(slot=slot, start_seconds=start, healthy_seconds=healthy)
            self._progress.detail(name, f"{slot} started in {start} s, healthy in {healthy} s")

    def switch(self, names: Sequence[str], release: str) -> None:
        """Bring the release that was started live on these hosts at once: without visitors, where an edge can
        spare them.

        Raises HostFailure; `put_back` is to follow.
        """
        batch = self._fleet.some(names)
        with self._progress.phase("switch", shown=self._shown(names)):
            self._touched.append(batch)
            # Hosts on which nothing is live have no visitors.
            serving = [name for name in names if self._statuses[name]["live"]]
            left = self._edges.drain(serving, self._request.drain_seconds)
            self._fleet.each(lambda remote: self._tell(remote, "switch", release), batch)
            rejoined = self._edges.ready(names)
            for name in names:
                self._note(name, left.get(name), rejoined)

    def settle(self) -> None:
        """End the slots that were live before. From here on nothing is put back. Raises HostFailure."""
        facts = {"drain_seconds": self._request.drain_seconds}
        hosts = [remote for batch in self._touched for remote in batch]
        ended = self._fleet.each(lambda remote: self._fleet.call(remote, "settle", facts), hosts)
        for name, settled in ended.items():
            self.per_host[name]["drain_seconds"] = settled["drain_seconds"]
            cut = f", {settled['cut_off']} requests cut off" if settled["cut_off"] else ""
            self._progress.detail(name, f"old slot empty after {settled['drain_seconds']} s{cut}")
        self._touched, self._started = [], []

    def put_back(self) -> list[str]:
        """Every host that was touched serves again what it did before, the last one first; what was done."""
        notes: list[str] = []
        for batch in reversed(self._touched):
            names = [remote.name for remote in batch]
            try:
                self._edges.drain(names, min(_HASTY_SECONDS, self._request.drain_seconds))
            except HostFailure as failure:
                notes.append(f"{', '.join(names)} went back with visitors on: {failure}")
            back = [remote.name for remote in batch if self._restore(remote, notes)]
            for name in back:
                self._rejoin(name, notes)
        switched = [remote for batch in self._touched for remote in batch]
        for remote in self._started:
            if remote not in switched:
                # It served all along; only what was started beside ends.
                self._restore(remote, notes, told=False)
        self._touched, self._started = [], []
        return notes

    def _tell(self, remote: Remote, verb: str, release: str) -> dict[str, Any]:
        facts = {
            "release": release,
            "configuration": self._request.configurations[remote.name],
            "health_path": self._request.health_path,
        }
        return self._fleet.call(remote, verb, facts)

    def _note(self, name: str, left: Left | None, rejoined: float) -> None:
        facts = self.per_host[name]
        text = f"{facts['slot']} is live"
        if left and left.out:
            facts.update(leave_seconds=left.seconds, left_open=left.open)
            still = f" with {left.open} requests still open" if left.open else ""
            text = f"left in {left.seconds} s{still}, {text}"
        if self._edges.remotes:
            facts["rejoin_seconds"] = rejoined
            text += f", serves again after {rejoined} s"
        self._progress.detail(name, text)

    def _restore(self, remote: Remote, notes: list[str], *, told: bool = True) -> bool:
        status = self._statuses[remote.name]
        live = status["live"] or {"slot": None, "id": None}
        facts = {"slot": live["slot"], "previous": live["id"], "earlier": status["previous"]}
        try:
            try:
                self._fleet.call(remote, "restore", facts)
            except HostFailure as failure:
                if failure.kind != "unreachable":
                    raise
                remote.connect(patience=10)
                self._fleet.call(remote, "restore", facts)
        except HostFailure as failure:
            out = ", and gets no visitors until the next release" if self._edges.remotes else ""
            notes.append(f"{remote.name} could not be put back{out}: {failure.cause}")
            return False
        if told:
            notes.append(f"{remote.name} was put back to {live['id'] or 'no release'}")
        return True

    def _rejoin(self, name: str, notes: list[str]) -> None:
        if not self._statuses[name]["live"]:
            # Nothing serves there again; the release that brings something lets visitors in.
            return
        try:
            self._edges.ready([name])
        except HostFailure as failure:
            notes.append(f"{name} was put back, but gets no visitors: {failure}")

    def _shown(self, names: Sequence[str]) -> str:
        if len(self._fleet.remotes) == 1:
            return "switch"
        return names[0] if len(names) == 1 else f"{len(names)} hosts"
