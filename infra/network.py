"""The stack's private network, and the tag that its firewalls go by."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_digitalocean as digitalocean
from pulumi import Output, ResourceOptions


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What Network needs: what its names begin with, and the region's slug."""

    prefix: str
    region: str


class Network(pulumi.ComponentResource):
    """A private network of the stack's own.

    Children: the network (digitalocean.Vpc; the cloud picks a free range), the tag of the stack's hosts
    (digitalocean.Tag). Outputs: vpc_id, ip_range, host_tag.
    """

    vpc_id: Output[str]
    ip_range: Output[str]
    host_tag: Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("seatrial:network:Network", name, None, opts)
        child = ResourceOptions(parent=self)
        vpc = digitalocean.Vpc(f"{name}-vpc", name=args.prefix, region=args.region, opts=child)
        tag = digitalocean.Tag(f"{name}-tag", name=args.prefix, opts=child)
        self.vpc_id = vpc.id
        self.ip_range = vpc.ip_range
        self.host_tag = tag.name
        self.register_outputs({"vpc_id": self.vpc_id, "ip_range": self.ip_range, "host_tag": self.host_tag})
