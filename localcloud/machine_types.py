"""What a local droplet and its firewall are: the words between the HTTP API and the containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Protocol = Literal["tcp", "udp", "icmp"]
PowerState = Literal["active", "off", "missing"]


@dataclass(frozen=True, kw_only=True)
class MachineSpec:
    """A droplet as it was asked for. Memory is in MiB, disk in GiB; addresses are plain IPv4 text.

    `image` is a slug of `localcloud.images`; `ssh_keys` are OpenSSH public key lines;
    `private_network` names a network made by `Machines.ensure_network`.
    """

    id: int
    hostname: str
    image: str
    memory_mb: int
    vcpus: int
    disk_gb: int
    public_address: str
    private_address: str
    private_network: str
    user_data: str
    ssh_keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One permission. `ports` is an inclusive range, None for every port (and for icmp).

    `addresses` are resolved CIDRs of either family, sources of an inbound rule or destinations of an
    outbound one. No address permits nothing.
    """

    protocol: Protocol
    ports: tuple[int, int] | None
    addresses: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Firewall:
    """Everything one droplet may receive and send; what no rule permits is dropped."""

    inbound: tuple[Rule, ...]
    outbound: tuple[Rule, ...]


PUBLIC_NETWORK = "public"
"""The name under which `Machines.ensure_network` makes the network of the public addresses."""


class MachineError(Exception):
    """Something a user can read and act on, in one line."""
