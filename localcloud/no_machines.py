# ruff: noqa: ARG002
"""Stands where droplets would run, in a cloud started with --api-only: it has none, and says so."""

from __future__ import annotations

from localcloud.machine_types import Firewall, MachineError, MachineSpec, PowerState

REASON = "this local cloud was started with --api-only, so droplets cannot be made in it"


class NoMachines:
    """What needs a machine is refused; what only takes one away finds nothing to do."""

    def start(self) -> None:
        """Nothing is to be brought up."""

    def suspend(self) -> None:
        """Nothing runs."""

    def create(self, spec: MachineSpec) -> None:
        """Raises MachineError."""
        raise MachineError(f"{spec.hostname}: {REASON}")

    def power_on(self, droplet: int) -> None:
        """Raises MachineError."""
        raise MachineError(f"droplet {droplet}: {REASON}")

    def power_off(self, droplet: int, graceful: bool) -> None:
        """It is off."""

    def reboot(self, droplet: int) -> None:
        """Raises MachineError."""
        raise MachineError(f"droplet {droplet}: {REASON}")

    def delete(self, droplet: int) -> None:
        """It is gone."""

    def resize(self, droplet: int, hostname: str, memory_mb: int, vcpus: int) -> None:
        """Raises MachineError."""
        raise MachineError(f"droplet {droplet}: {REASON}")

    def set_firewall(self, droplet: int, firewall: Firewall | None) -> None:
        """No packet reaches it."""

    def add_public_address(self, droplet: int, address: str) -> None:
        """Raises MachineError."""
        raise MachineError(f"droplet {droplet}: {REASON}")

    def remove_public_address(self, droplet: int, address: str) -> None:
        """It has none."""

    def ensure_network(self, name: str, cidr: str, internal: bool) -> None:
        """No machine needs it."""

    def remove_network(self, name: str) -> None:
        """It was never made."""

    def status(self, droplet: int) -> PowerState:
        """Always missing."""
        return "missing"
