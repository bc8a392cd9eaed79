"""The cloud firewalls: what may reach the hosts, and what they may reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_digitalocean as digitalocean
from pulumi import Input, ResourceOptions
from pulumi_digitalocean import FirewallInboundRuleArgs as Inbound
from pulumi_digitalocean import FirewallOutboundRuleArgs as Outbound

from infra.topology import Opening

EVERYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, kw_only=True)
class FirewallArgs:
    """What Firewall needs.

    `account_name` is what its names in the account begin with, `tag` is on every host, `group_tags` has the
    tag of each group; `ssh_allowed` are CIDR ranges, `openings` what else is open.
    """

    account_name: str
    tag: Input[str]
    group_tags: Mapping[str, Input[str]]
    ssh_allowed: Sequence[str]
    openings: Sequence[Opening]


class Firewall(pulumi.ComponentResource):
    """What guards the hosts from the moment they exist, by their tags.

    In: SSH from the given ranges only, ICMP (path MTU discovery needs it), and the openings.
    Out: everything, for packages, git, mail and time. Whatever is not allowed is dropped, also between hosts.
    Children: a firewall over all hosts, and one over each group that has openings of its own; their rules
    add up (digitalocean.Firewall). Outputs: none.
    """

    def __init__(self, name: str, args: FirewallArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("seatrial:firewall:Firewall", name, None, opts)
        child = ResourceOptions(parent=self)
        digitalocean.Firewall(
            f"{name}-rules",
            name=args.account_name,
            tags=[args.tag],
            inbound_rules=[
                *_inbound(args, ""),
                Inbound(protocol="tcp", port_range="22", source_addresses=args.ssh_allowed),
                Inbound(protocol="icmp", source_addresses=EVERYWHERE),
            ],
            outbound_rules=[
                Outbound(protocol="tcp", port_range="1-65535", destination_addresses=EVERYWHERE),
                Outbound(protocol="udp", port_range="1-65535", destination_addresses=EVERYWHERE),
                Outbound(protocol="icmp", destination_addresses=EVERYWHERE),
            ],
            opts=child,
        )
        for group in dict.fromkeys(opening.to for opening in args.openings if opening.to):
            digitalocean.Firewall(
                f"{name}-{group}",
                name=f"{args.account_name}-{group}",
                tags=[args.group_tags[group]],
                inbound_rules=_inbound(args, group),
                opts=child,
            )
        self.register_outputs({})


def _inbound(args: FirewallArgs, group: str) -> list[Inbound]:
    """One rule a port, whoever may reach it: two for the same port are one too many for the API."""
    sources: dict[int, list[str]] = {}
    for opening in args.openings:
        for port in opening.ports if opening.to == group else ():
            sources.setdefault(port, []).append(opening.source)
    return [
        Inbound(protocol="tcp", port_range=str(port), source_tags=[args.group_tags[name] for name in names])
        if all(names)
        else Inbound(protocol="tcp", port_range=str(port), source_addresses=EVERYWHERE)
        for port, names in sources.items()
    ]
