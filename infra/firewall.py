"""The cloud firewall: what may reach the hosts, and what they may reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_digitalocean as digitalocean
from pulumi import Input, ResourceOptions
from pulumi_digitalocean import FirewallInboundRuleArgs as Inbound
from pulumi_digitalocean import FirewallOutboundRuleArgs as Outbound

EVERYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, kw_only=True)
class FirewallArgs:
    """What Firewall needs: its name in the account, whom it guards, who may connect by SSH (CIDR ranges)."""

    account_name: str
    tag: Input[str]
    ssh_allowed: Sequence[str]


class Firewall(pulumi.ComponentResource):
    """A firewall over all hosts with a tag, from the moment a host exists.

    In: HTTP and HTTPS from everywhere, SSH from the given ranges only, ICMP (path MTU discovery needs it).
    Out: everything, for packages, git, mail and time. Whatever is not allowed is dropped.
    Children: the firewall (digitalocean.Firewall). Outputs: none.
    """

    def __init__(self, name: str, args: FirewallArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("seatrial:firewall:Firewall", name, None, opts)
        digitalocean.Firewall(
            f"{name}-rules",
            name=args.account_name,
            tags=[args.tag],
            inbound_rules=[
                Inbound(protocol="tcp", port_range="80", source_addresses=EVERYWHERE),
                Inbound(protocol="tcp", port_range="443", source_addresses=EVERYWHERE),
                Inbound(protocol="tcp", port_range="22", source_addresses=args.ssh_allowed),
                Inbound(protocol="icmp", source_addresses=EVERYWHERE),
            ],
            outbound_rules=[
                Outbound(protocol="tcp", port_range="1-65535", destination_addresses=EVERYWHERE),
                Outbound(protocol="udp", port_range="1-65535", destination_addresses=EVERYWHERE),
                Outbound(protocol="icmp", destination_addresses=EVERYWHERE),
            ],
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})
