"""VPCs: private networks, one default in each region."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from typing import Any

from fastapi import APIRouter, Request

from localcloud.addresses import PRIVATE_SPACE
from localcloud.api.answers import paged
from localcloud.api.bodies import Body
from localcloud.cloud import Cloud
from localcloud.errors import ApiError, not_found, refused
from localcloud.jobs import network_name
from localcloud.state import State, Vpc

NAME = re.compile(r"[a-zA-Z0-9.-]+")


class NewVpc(Body):
    """A VPC to make."""

    name: str
    region: str
    description: str | None = None
    ip_range: str | None = None


class VpcChange(Body):
    """What may change in a VPC."""

    name: str | None = None
    description: str | None = None
    default: bool | None = None


def routes(cloud: Cloud) -> APIRouter:
    """The routes under /v2/vpcs."""
    router = APIRouter(prefix="/v2/vpcs")

    @router.get("")
    def list_vpcs(request: Request) -> dict[str, Any]:
        with cloud.store.read() as state:
            return paged(request, "vpcs", [describe(vpc) for vpc in state.vpcs.values()])

    @router.post("", status_code=201)
    def make(body: NewVpc) -> dict[str, Any]:
        region = body.region.lower()
        if region not in cloud.catalog.regions:
            raise refused("Region is not available")
        with cloud.store.change() as state:
            check_name(state, body.name)
            ip_range = check_range(state, body.ip_range) if body.ip_range else cloud.pick_range(state)
            vpc = Vpc(name=body.name, description=body.description or "", region=region, ip_range=ip_range)
            state.vpcs[vpc.id] = vpc
            cloud.default_vpc(state, region)
            return {"vpc": describe(vpc)}

    @router.get("/{id}")
    def get_vpc(id: str) -> dict[str, Any]:
        with cloud.store.read() as state:
            return {"vpc": describe(find(state, id))}

    @router.put("/{id}")
    @router.patch("/{id}")
    def change(id: str, body: VpcChange) -> dict[str, Any]:
        with cloud.store.change() as state:
            vpc = find(state, id)
            if body.default is False and vpc.default:
                raise ApiError(403, "Can not unset default VPCs")
            if body.name is not None and body.name != vpc.name:
                check_name(state, body.name)
                vpc.name = body.name
            if body.description is not None:
                vpc.description = body.description
            if body.default:
                for other in state.vpcs.values():
                    if other.region == vpc.region:
                        other.default = other is vpc
            return {"vpc": describe(vpc)}

    @router.delete("/{id}", status_code=204)
    def remove(id: str) -> None:
        with cloud.store.change() as state:
            vpc = find(state, id)
            if vpc.default:
                raise ApiError(403, "Can not delete default VPCs")
            if members(cloud, state, vpc):
                raise ApiError(409, "Can not delete VPC with members")
            del state.vpcs[id]
            if vpc.made:
                cloud.fleet.remove_network(network_name(id))

    @router.get("/{id}/members")
    def list_members(request: Request, id: str, resource_type: str = "") -> dict[str, Any]:
        with cloud.store.read() as state:
            found = members(cloud, state, find(state, id))
        wanted = [entry for entry in found if resource_type in ("", "droplet") and entry]
        return paged(request, "members", wanted)

    @router.get("/{id}/peerings")
    def list_peerings(request: Request, id: str) -> dict[str, Any]:
        with cloud.store.read() as state:
            find(state, id)
        return paged(request, "peerings", [])

    return router


def describe(vpc: Vpc) -> dict[str, Any]:
    """A VPC as the API answers it."""
    return {
        "id": vpc.id,
        "urn": f"do:vpc:{vpc.id}",
        "name": vpc.name,
        "description": vpc.description,
        "region": vpc.region,
        "ip_range": vpc.ip_range,
        "default": vpc.default,
        "created_at": vpc.created_at,
    }


def find(state: State, id: str) -> Vpc:
    """The VPC of an id. Raises ApiError where there is none."""
    if id not in state.vpcs:
        raise not_found()
    return state.vpcs[id]


def members(cloud: Cloud, state: State, vpc: Vpc) -> list[dict[str, str]]:
    """The droplets of a VPC, those included that are just going."""
    there = [
        {"urn": f"do:droplet:{droplet.id}", "name": droplet.name, "created_at": droplet.created_at}
        for droplet in state.droplets.values()
        if droplet.vpc == vpc.id
    ]
    gone = [{"urn": urn, "name": urn, "created_at": vpc.created_at} for urn in cloud.lingering(vpc.id)]
    return there + gone


def check_name(state: State, name: str) -> None:
    """Raises ApiError for a name that cannot be, or is already, a VPC's."""
    if not NAME.fullmatch(name):
        raise refused("Name may only contain letters, numbers, dashes and periods (a-z, A-Z, 0-9, - and .)")
    if any(vpc.name == name for vpc in state.vpcs.values()):
        raise refused(f"A VPC with the name {name} already exists")


def check_range(state: State, text: str) -> str:
    """A range that a VPC may have, normalised. Raises ApiError."""
    try:
        wanted = IPv4Network(text)
    except ValueError as error:
        raise refused(f"ip_range {text!r} is not a network in CIDR notation") from error
    if not 16 <= wanted.prefixlen <= 28:
        raise refused(f"ip_range {text} has an invalid size: it must be between /16 and /28")
    if not any(wanted.subnet_of(space) for space in PRIVATE_SPACE):
        raise refused(f"ip_range {text} is not a private network (RFC 1918)")
    for vpc in state.vpcs.values():
        if wanted.overlaps(IPv4Network(vpc.ip_range)):
            raise refused(
                f"This range/size overlaps with another VPC network in your account: {vpc.ip_range}"
            )
    return str(wanted)
