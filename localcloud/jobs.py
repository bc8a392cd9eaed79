"""The actions under way: each is worked off in a thread, whatever the request that asked for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Literal

from localcloud.enforcement import Enforcer
from localcloud.faults import Faults
from localcloud.fleet import Fleet
from localcloud.machine_types import PUBLIC_NETWORK, MachineSpec
from localcloud.state import Action, Droplet, State, now
from localcloud.store import Store

log = logging.getLogger(__name__)
WORKERS = 8


class ActionFailed(Exception):
    """An action cannot be done; the message is the reason."""


def network_name(vpc_id: str) -> str:
    """The machines' name for a VPC's network."""
    return f"vpc-{vpc_id}"


class Jobs:
    """Works off actions. A failed one ends errored, its reason in the log and in the state's failures."""

    def __init__(
        self,
        *,
        store: Store,
        fleet: Fleet,
        enforcer: Enforcer,
        faults: Faults,
        delay: Callable[[], float],
        public_network: str,
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._enforcer = enforcer
        self._faults = faults
        self._delay = delay
        self._public_network = public_network
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="job")
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._stuck: set[int] = set()

    def submit(self, action_id: int) -> Future[None]:
        """Begin an action that stands in the state as in progress."""
        return self._pool.submit(self._run, action_id)

    def release(self) -> None:
        """Let stuck actions go on."""
        with self._lock:
            stuck, self._stuck = self._stuck, set()
        for action_id in sorted(stuck):
            self.submit(action_id)

    def resume(self) -> None:
        """After a start: bring the machines to where the state has them, and go on with what was begun."""
        self._pool.submit(self._resume)

    def observe(self) -> None:
        """Note which droplets were powered off, or on, by other ways than an action."""
        with self._store.read() as state:
            settled = {
                droplet.id: droplet.status
                for droplet in state.live_droplets()
                if droplet.status != "new" and not state.pending(droplet.id)
            }
        seen: dict[int, Literal["active", "off"]] = {}
        for id, status in settled.items():
            with suppress(Exception):  # who cannot say keeps the status it had
                power: Literal["active", "off"] = "active" if self._fleet.status(id) == "active" else "off"
                if power != status:
                    seen[id] = power
        if seen:
            with self._store.change() as state:
                for id, power in seen.items():
                    droplet = state.droplet(id)
                    if droplet and not state.pending(id):
                        droplet.status = power

    def close(self) -> None:
        """Begin nothing more and wait for what is being done."""
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def remove(self, droplet_id: int) -> None:
        """Remove a droplet that is marked as deleting, machine and all. Raises what its machine raises."""
        self._enforcer.end(droplet_id)
        try:
            self._fleet.delete(droplet_id)
        except Exception as error:
            self._failed(f"delete droplet {droplet_id}", error)
            raise
        with self._store.change() as state:
            state.droplets.pop(droplet_id, None)

    def _run(self, action_id: int) -> None:
        if self._stopping.wait(self._delay()):
            return
        with self._store.read() as state:
            action = state.actions[action_id].model_copy(deep=True)
        if self._faults.for_action("stuck_action", action.type):
            with self._lock:
                self._stuck.add(action_id)
            return
        try:
            fault = self._faults.for_action("failed_action", action.type)
            if fault:
                raise ActionFailed(fault.message)
            outcome = self._perform(action)
        except Exception as error:
            self._failed(f"{action.type} of {action.resource_type} {action.resource_id}", error)
            self._abandon(action)
            return
        with self._store.change() as state:
            outcome(state)
            self._end(state, action.id, "completed")
        self._enforcer.apply()
        log.info("%s of %s %s is done", action.type, action.resource_type, action.resource_id)

    def _perform(self, action: Action) -> Callable[[State], None]:
        """Do it on the machine; returns what then changes in the state."""
        if action.resource_type == "reserved_ip":
            return self._move_address(action)
        if action.resource_id is None:
            raise ActionFailed(f"{action.type} names no droplet")
        with self._store.read() as state:
            droplet = state.droplets[action.resource_id].model_copy(deep=True)
        status = droplet.status
        changes: dict[str, object] = {}
        match action.type:
            case "create" | "rebuild":
                if action.type == "rebuild":
                    self._enforcer.end(droplet.id)
                    self._fleet.delete(droplet.id)
                    droplet.image = str(action.parameters["image"])
                    changes["image"] = droplet.image
                self._create(droplet)
                status = "active"
            case "power_on":
                self._fleet.power_on(droplet.id)
                status = "active"
            case "power_off" | "shutdown":
                self._fleet.power_off(droplet.id, graceful=action.type == "shutdown")
                status = "off"
            case "reboot":
                self._fleet.reboot(droplet.id)
            case "power_cycle":
                self._fleet.power_off(droplet.id, graceful=False)
                self._fleet.power_on(droplet.id)
                status = "active"
            case "resize":
                size = action.parameters["memory"], action.parameters["vcpus"]
                self._fleet.resize(droplet.id, droplet.name, *size)
                changes |= action.parameters
            case "rename":
                changes["name"] = action.parameters["name"]
            case "enable_backups":
                changes["features"] = [*droplet.features, "backups"]
            case "disable_backups":
                changes["features"] = [name for name in droplet.features if name != "backups"]
            case other:
                raise ActionFailed(f"no droplet action is called {other}")

        def outcome(state: State) -> None:
            now_there = state.droplets[droplet.id]
            now_there.status = status
            now_there.locked = False
            for name, value in changes.items():
                setattr(now_there, name, value)

        return outcome

    def _create(self, droplet: Droplet) -> None:
        with self._store.change() as state:
            vpc = state.vpcs[droplet.vpc]
            vpc.made = True
            ip_range = vpc.ip_range
        self._fleet.ensure_network(PUBLIC_NETWORK, self._public_network, internal=False)
        self._fleet.ensure_network(network_name(droplet.vpc), ip_range, internal=True)
        self._enforcer.begin(droplet.id)
        self._fleet.create(
            MachineSpec(
                id=droplet.id,
                hostname=droplet.name,
                image=droplet.image,
                memory_mb=droplet.memory,
                vcpus=droplet.vcpus,
                disk_gb=droplet.disk,
                public_address=droplet.public_address,
                private_address=droplet.private_address,
                private_network=network_name(droplet.vpc),
                user_data=droplet.user_data,
                ssh_keys=tuple(droplet.keys),
            )
        )
        with self._store.read() as state:
            reserved = [ip.ip for ip in state.reserved_ips.values() if ip.droplet_id == droplet.id]
        for address in reserved:
            self._fleet.add_public_address(droplet.id, address)

    def _move_address(self, action: Action) -> Callable[[State], None]:
        address = str(action.parameters["ip"])
        target = action.parameters.get("droplet_id")
        with self._store.read() as state:
            if address not in state.reserved_ips:
                raise ActionFailed(f"{address} is no longer reserved")
            holder = state.reserved_ips[address].droplet_id
            if target is not None and state.droplet(target) is None:
                raise ActionFailed(f"droplet {target} is gone")
        if holder is not None and holder != target:
            self._fleet.remove_public_address(holder, address)
        if target is not None:
            self._fleet.add_public_address(target, address)

        def outcome(state: State) -> None:
            state.reserved_ips[address].droplet_id = target

        return outcome

    def _resume(self) -> None:
        with self._store.read() as state:
            unfinished = [action.id for action in state.actions.values() if action.status == "in-progress"]
            settled = [droplet.id for droplet in state.live_droplets() if droplet.status != "new"]
            doomed = [droplet.id for droplet in state.droplets.values() if droplet.deleting]
        try:
            if settled or doomed:
                self._fleet.start()
                for id in settled:
                    self._enforcer.begin(id)
        except Exception as error:
            self._failed("bring the droplets up again", error)
        for id in unfinished:
            self.submit(id)
        for id in doomed:
            self._pool.submit(self.remove, id)

    def _abandon(self, action: Action) -> None:
        """Leave nothing half-made: a droplet that could not be created is gone."""
        id = action.resource_id
        failed_create = action.type == "create" and action.resource_type == "droplet" and id is not None
        if failed_create and id is not None:
            self._enforcer.end(id)
            with suppress(Exception):  # the reason that counts is already noted
                self._fleet.delete(id)
        with self._store.change() as state:
            self._end(state, action.id, "errored")
            if failed_create and id is not None:
                forget_droplet(state, id)
                state.droplets.pop(id, None)
            elif action.resource_type == "droplet" and id in state.droplets:
                state.droplets[id].locked = False
        self._enforcer.apply()

    def _end(self, state: State, action_id: int, status: str) -> None:
        action = state.actions[action_id]
        action.completed_at = now()
        action.status = "completed" if status == "completed" else "errored"

    def _failed(self, what: str, error: Exception) -> None:
        log.error("%s failed: %s", what, error, exc_info=not isinstance(error, ActionFailed))
        with self._store.change() as state:
            state.fail(what, str(error) or type(error).__name__)


def forget_droplet(state: State, droplet_id: int) -> None:
    """Take a droplet out of everything that names it: firewalls, reserved addresses, projects."""
    for firewall in state.firewalls.values():
        firewall.droplet_ids = [id for id in firewall.droplet_ids if id != droplet_id]
        for rule in (*firewall.inbound, *firewall.outbound):
            rule.peers.droplet_ids = [id for id in rule.peers.droplet_ids if id != droplet_id]
    for ip in state.reserved_ips.values():
        if ip.droplet_id == droplet_id:
            ip.droplet_id = None
    state.urns.pop(f"do:droplet:{droplet_id}", None)
