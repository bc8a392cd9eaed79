"""Which packets a droplet may receive and send: cloud firewalls with their tags and droplets resolved."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_network

from localcloud import machine_types
from localcloud.state import Droplet, Firewall, FirewallRule, Peers, State


def applies(firewall: Firewall, droplet: Droplet) -> bool:
    """Whether a firewall is on a droplet, by its id or by a tag."""
    return droplet.id in firewall.droplet_ids or not set(firewall.tags).isdisjoint(droplet.tags)


def addresses(state: State, droplet: Droplet) -> tuple[str, ...]:
    """Every address a droplet has, public, private and reserved."""
    reserved = [ip.ip for ip in state.reserved_ips.values() if ip.droplet_id == droplet.id]
    return (droplet.public_address, droplet.private_address, *sorted(reserved))


def permitted(state: State, droplet: Droplet) -> machine_types.Firewall | None:
    """The union of all firewalls on a droplet, addresses resolved; None where there is none."""
    firewalls = [firewall for firewall in state.firewalls.values() if applies(firewall, droplet)]
    if not firewalls:
        return None
    return machine_types.Firewall(
        inbound=_rules(state, firewalls, lambda firewall: firewall.inbound),
        outbound=_rules(state, firewalls, lambda firewall: firewall.outbound),
    )


def _rules(
    state: State, firewalls: Iterable[Firewall], side: Callable[[Firewall], list[FirewallRule]]
) -> tuple[machine_types.Rule, ...]:
    rules = {
        machine_types.Rule(
            protocol=rule.protocol, ports=port_range(rule.ports), addresses=_resolve(state, rule.peers)
        ): None
        for firewall in firewalls
        for rule in side(firewall)
    }
    return tuple(rules)


def port_range(ports: str) -> tuple[int, int] | None:
    """An inclusive range from what the API stores ("0", "22", "8000-9000"); None for all.

    Raises ValueError for what is none of these.
    """
    if ports == "0":
        return None
    first, _, last = ports.partition("-")
    low, high = int(first), int(last or first)
    if not 1 <= low <= high <= 65535:
        raise ValueError(ports)
    return None if (low, high) == (1, 65535) else (low, high)


def _resolve(state: State, peers: Peers) -> tuple[str, ...]:
    members = {droplet.id: droplet for id in peers.droplet_ids if (droplet := state.droplet(id))}
    for tag in peers.tags:
        members |= {droplet.id: droplet for droplet in state.tagged(tag)}
    found = {str(ip_network(address, strict=False)) for address in peers.addresses}
    for droplet in members.values():
        found |= {str(ip_network(address)) for address in addresses(state, droplet)}
    return tuple(sorted(found))
