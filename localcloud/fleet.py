"""What the API needs of the droplets' machines: the seam between what is promised and what runs."""

from __future__ import annotations

from typing import Protocol

from localcloud.machine_types import Firewall, MachineSpec, PowerState


class Fleet(Protocol):
    """All machines of one cloud. Every method may be called again for what is already so."""

    def start(self) -> None:
        """Bring up what is meant to be on, and keep it so."""

    def suspend(self) -> None:
        """Power everything off in order, to be on again at the next start."""

    def create(self, spec: MachineSpec) -> None:
        """Make a machine and start it."""

    def power_on(self, droplet: int) -> None:
        """Start a machine that is off."""

    def power_off(self, droplet: int, graceful: bool) -> None:
        """Stop a machine: by asking it to shut down, or at once."""

    def reboot(self, droplet: int) -> None:
        """Shut a machine down and start it again."""

    def delete(self, droplet: int) -> None:
        """Remove a machine with its disk."""

    def resize(self, droplet: int, hostname: str, memory_mb: int, vcpus: int) -> None:
        """Give a machine other limits."""

    def set_firewall(self, droplet: int, firewall: Firewall | None) -> None:
        """Enforce these rules and no others; None lets everything pass. May come before the machine."""

    def add_public_address(self, droplet: int, address: str) -> None:
        """Let a machine answer on one more public address."""

    def remove_public_address(self, droplet: int, address: str) -> None:
        """Take an added public address away."""

    def ensure_network(self, name: str, cidr: str, internal: bool) -> None:
        """Make a network; an internal one has no way out."""

    def remove_network(self, name: str) -> None:
        """Remove a network."""

    def status(self, droplet: int) -> PowerState:
        """Whether a machine runs, is off, or is not there."""
