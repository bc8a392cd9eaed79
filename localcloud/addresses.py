"""Which addresses and ranges to hand out. Pure: what is taken is given."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

PRIVATE_SPACE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
VPC_PREFIX = 20


class NothingFree(Exception):
    """A network has no address or range left."""


def free_address(network: IPv4Network, taken: Collection[str], last: str = "") -> str:
    """The next free address after `last`, so that one just given back is not used at once.

    The first address is the network's gateway. Raises NothingFree.
    """
    hosts = [str(host) for host in network.hosts()][1:] if network.prefixlen >= 24 else None
    candidates: Iterable[str]
    if hosts is None:
        candidates = (str(network[n]) for n in range(2, network.num_addresses - 1))
    else:
        start = hosts.index(last) + 1 if last in hosts else 0
        candidates = [*hosts[start:], *hosts[:start]]
    for candidate in candidates:
        if candidate not in taken:
            return candidate
    raise NothingFree(f"no address is left in {network}")


def free_range(first: IPv4Network, taken: Collection[IPv4Network]) -> IPv4Network:
    """The first range of a VPC's size, from `first` up, that overlaps none taken. Raises NothingFree."""
    start = int(first.network_address)
    end = int(PRIVATE_SPACE[0].broadcast_address)
    for address in range(start, end, 2 ** (32 - VPC_PREFIX)):
        candidate = IPv4Network((IPv4Address(address), VPC_PREFIX))
        if not any(candidate.overlaps(other) for other in taken):
            return candidate
    raise NothingFree(f"no range is left from {first} up")


def machine_routes(table: Path = Path("/proc/net/route")) -> list[IPv4Network]:
    """The networks this machine has routes to, but for wide ones such as the default route."""
    networks = []
    for line in table.read_text().splitlines()[1:] if table.exists() else []:
        fields = line.split()
        address, mask = (int.from_bytes(bytes.fromhex(fields[n]), "little") for n in (1, 7))
        network = IPv4Network((address, bin(mask).count("1")))
        if network.prefixlen >= 16:
            networks.append(network)
    return networks
