"""A cloud firewall as the text that nft reads. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from localcloud.machine_types import Firewall, Rule

TABLE = "inet seatrial_cloud"
DOCKER_RESOLVER = "127.0.0.11"

# Without these an IPv6 host cannot find its neighbours; they are no traffic of the droplet's own.
_NEIGHBOURS = "nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert"


def render(firewall: Firewall | None, *, docker_resolver: bool = False) -> str:
    """The nft script that makes `firewall` the whole truth, in one transaction; None takes it away.

    Everything is denied in both directions but what a rule permits, answers to it, and the droplet's
    own loopback. Docker's resolver on 127.0.0.11 answers from outside the droplet's network, so it is
    closed unless `docker_resolver` says that the droplet has no other.

    Raises:
        ValueError: an address is no CIDR, or a port range is none.
    """
    # The first line makes sure that there is a table for the second to delete.
    lines = [f"table {TABLE} {{ }}", f"delete table {TABLE}"]
    if firewall is None:
        return "\n".join(lines) + "\n"
    lines.append(f"table {TABLE} {{")
    lines += _chain("input", "iifname", "saddr", firewall.inbound, closed=())
    lines += _chain(
        "output", "oifname", "daddr", firewall.outbound, closed=() if docker_resolver else (DOCKER_RESOLVER,)
    )
    lines.append("}")
    return "\n".join(lines) + "\n"


def _chain(hook: str, interface: str, side: str, rules: Sequence[Rule], closed: Sequence[str]) -> list[str]:
    body = [
        f"type filter hook {hook} priority filter; policy drop;",
        *(f"ip {side} {address} drop" for address in closed),
        f'{interface} "lo" accept',
        "ct state established,related accept",
        "ct state invalid drop",
        f"icmpv6 type {{ {_NEIGHBOURS} }} accept",
    ]
    for rule in rules:
        body += _permit(rule, side)
    return [f"\tchain {hook} {{", *(f"\t\t{line}" for line in body), "\t}"]


def _permit(rule: Rule, side: str) -> Iterator[str]:
    networks = [ipaddress.ip_network(address, strict=False) for address in rule.addresses]
    # Collapsed, because nft refuses a set whose intervals overlap.
    v4 = list(ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv4Network)))
    v6 = list(ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv6Network)))
    for word, family, chosen in (("ip", "ipv4", v4), ("ip6", "ipv6", v6)):
        if not chosen:
            continue
        if any(network.prefixlen == 0 for network in chosen):
            origin = f"meta nfproto {family}"
        else:
            origin = f"{word} {side} {{ {', '.join(str(network) for network in chosen)} }}"
        yield f"{origin} {_what(rule, family)} accept"


def _what(rule: Rule, family: str) -> str:
    if rule.protocol == "icmp":
        return f"meta l4proto {'icmp' if family == 'ipv4' else 'ipv6-icmp'}"
    if rule.ports is None:
        return f"meta l4proto {rule.protocol}"
    first, last = rule.ports
    if not 0 < first <= last <= 65535:
        raise ValueError(f"{first}-{last} is no range of ports: 1 to 65535, the lower one first")
    return f"{rule.protocol} dport {first if first == last else f'{first}-{last}'}"
