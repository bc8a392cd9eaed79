"""Keeps the machines' packet filters in step with the cloud firewalls."""

from __future__ import annotations

import logging
import threading

from localcloud import machine_types
from localcloud.fleet import Fleet
from localcloud.permissions import permitted
from localcloud.store import Store

log = logging.getLogger(__name__)


class Enforcer:
    """Hands a machine its rules whenever they differ from those it was given last."""

    def __init__(self, store: Store, fleet: Fleet) -> None:
        self._store = store
        self._fleet = fleet
        self._lock = threading.Lock()
        self._given: dict[int, machine_types.Firewall | None] = {}
        self._ready: set[int] = set()

    def begin(self, droplet_id: int) -> None:
        """A machine is about to be made, or is taken over from an earlier run: give it its rules now.

        Raises what the machine's side raises.
        """
        with self._lock:
            self._ready.add(droplet_id)
            self._given.pop(droplet_id, None)
            with self._store.read() as state:
                droplet = state.droplet(droplet_id)
                wanted = permitted(state, droplet) if droplet else None
            self._fleet.set_firewall(droplet_id, wanted)
            self._given[droplet_id] = wanted

    def end(self, droplet_id: int) -> None:
        """A machine is going: leave it alone from now on."""
        with self._lock:
            self._ready.discard(droplet_id)
            self._given.pop(droplet_id, None)

    def apply(self) -> None:
        """Bring every machine in step. What fails is logged, kept for `status`, and tried again next time."""
        failures = []
        with self._lock:
            with self._store.read() as state:
                wanted = {
                    droplet.id: permitted(state, droplet)
                    for droplet in state.live_droplets()
                    if droplet.id in self._ready
                }
            for id, firewall in wanted.items():
                if id in self._given and self._given[id] == firewall:
                    continue
                try:
                    self._fleet.set_firewall(id, firewall)
                    self._given[id] = firewall
                except Exception as error:
                    log.exception("the firewall of droplet %s was not changed", id)
                    self._given.pop(id, None)
                    failures.append((f"firewall of droplet {id}", str(error)))
        if failures:
            with self._store.change() as state:
                for what, why in failures:
                    state.fail(what, why)
