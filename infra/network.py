"""The stack's private network, and the tags that its firewalls go by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_digitalocean as digitalocean
from pulumi import Output, ResourceOptions


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What Network needs: what its names begin with, the region's slug, the groups that hosts come in."""

    prefix: str
    region: str
    groups: Sequence[str]


class Network(pulumi.ComponentResource):
    """A private network of the stack's own.

    Children: the network (digitalocean.Vpc; the cloud picks a free range), the tag of all the stack's hosts
    and one of each group (digitalocean.Tag). Outputs: vpc_id, ip_range, host_tag, group_tags.
    """

    vpc_id: Output[str]
    ip_range: Output[str]
    host_tag: Output[str]
    group_tags: Mapping[str, Output[str]]

    def __init__(self, name: str, args: NetworkArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("seatrial:network:Network", name, None, opts)
        child = ResourceOptions(parent=self)
        vpc = digitalocean.Vpc(f"{name}-vpc", name=args.prefix, region=args.region, opts=child)
        tag = digitalocean.Tag(f"{name}-tag", name=args.prefix, opts=child)
        self.vpc_id = vpc.id
        self.ip_range = vpc.ip_range
        self.host_tag = tag.name
        self.group_tags = {
            group: digitalocean.Tag(f"{name}-tag-{group}", name=f"{args.prefix}-{group}", opts=child).name
            for group in args.groups
        }
        self.register_outputs(
            {
                "vpc_id": self.vpc_id,
                "ip_range": self.ip_range,
                "host_tag": self.host_tag,
                "group_tags": self.group_tags,
            }
        )

    def tags(self, group: str) -> list[Output[str]]:
        """The tags of a host of a group (empty: of none)."""
        return [self.host_tag, *([self.group_tags[group]] if group else [])]
