"""A stand-in for the droplets' containers that only notes what it is asked for."""

from __future__ import annotations

import threading

from localcloud.machine_types import Firewall, MachineError, MachineSpec, PowerState


class RecordingFleet:
    """Machines that are up at once and never fail, but for the droplet names in `broken`."""

    def __init__(self) -> None:
        self.specs: dict[int, MachineSpec] = {}
        self.power: dict[int, PowerState] = {}
        self.firewalls: dict[int, Firewall | None] = {}
        self.extra: dict[int, list[str]] = {}
        self.networks: dict[str, tuple[str, bool]] = {}
        self.sizes: dict[int, tuple[int, int]] = {}
        self.calls: list[str] = []
        self.broken: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()

    def start(self) -> None:
        self.calls.append("start")

    def suspend(self) -> None:
        self.calls.append("suspend")

    def create(self, spec: MachineSpec) -> None:
        self.gate.wait(10)
        if spec.hostname in self.broken:
            raise MachineError("no base image could be made")
        assert spec.private_network in self.networks, "its network is there first"
        self.specs[spec.id] = spec
        self.power[spec.id] = "active"
        self.extra.setdefault(spec.id, [])

    def power_on(self, droplet: int) -> None:
        self.power[droplet] = "active"

    def power_off(self, droplet: int, graceful: bool) -> None:
        self.calls.append("shutdown" if graceful else "power_off")
        self.power[droplet] = "off"

    def reboot(self, droplet: int) -> None:
        self.calls.append("reboot")
        self.power[droplet] = "active"

    def delete(self, droplet: int) -> None:
        for known in (self.specs, self.power, self.firewalls, self.extra, self.sizes):
            known.pop(droplet, None)

    def resize(self, droplet: int, hostname: str, memory_mb: int, vcpus: int) -> None:
        assert self.specs[droplet].hostname == hostname
        self.sizes[droplet] = (memory_mb, vcpus)

    def set_firewall(self, droplet: int, firewall: Firewall | None) -> None:
        self.firewalls[droplet] = firewall

    def add_public_address(self, droplet: int, address: str) -> None:
        self.extra[droplet].append(address)

    def remove_public_address(self, droplet: int, address: str) -> None:
        self.extra[droplet].remove(address)

    def ensure_network(self, name: str, cidr: str, internal: bool = True) -> None:
        self.networks[name] = (cidr, internal)

    def remove_network(self, name: str) -> None:
        self.networks.pop(name, None)

    def status(self, droplet: int) -> PowerState:
        return self.power.get(droplet, "missing")
