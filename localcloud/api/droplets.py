"""Droplets: made, listed, described and removed. What is done to one later is in droplet_actions."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field

from localcloud.api.account import find_key
from localcloud.api.actions import begin, link
from localcloud.api.answers import droplet_or_404, paged
from localcloud.api.bodies import Body, Listed
from localcloud.api.firewalls import describe as describe_firewall
from localcloud.api.tags import ensure as ensure_tag
from localcloud.api.vpcs import find as find_vpc
from localcloud.cloud import Cloud
from localcloud.errors import PENDING_EVENT, ApiError, not_found, refused
from localcloud.jobs import forget_droplet
from localcloud.permissions import applies
from localcloud.state import Action, Assignment, Droplet, State

HOSTNAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]{0,253}[a-zA-Z0-9])?")
MOST_AT_ONCE = 10
MOST_USER_DATA = 64 * 1024


class NewDroplet(Body):
    """A droplet to make, or several with `names`."""

    name: str | None = None
    names: Listed[str] = Field(default_factory=list)
    region: str | None = None
    size: str
    image: str
    ssh_keys: Listed[str] = Field(default_factory=list)
    backups: bool | None = None
    ipv6: bool | None = None
    monitoring: bool | None = None
    with_droplet_agent: bool | None = None
    public_networking: bool | None = None
    tags: Listed[str] = Field(default_factory=list)
    user_data: str | None = None
    vpc_uuid: str | None = None
    volumes: Listed[Any] = Field(default_factory=list)


def routes(cloud: Cloud) -> APIRouter:
    """The routes under /v2/droplets, but for actions."""
    router = APIRouter(prefix="/v2/droplets")

    @router.get("")
    def list_droplets(request: Request, tag_name: str = "", name: str = "") -> dict[str, Any]:
        cloud.jobs.observe()
        with cloud.store.read() as state:
            found = [
                describe(cloud, state, droplet)
                for droplet in state.live_droplets()
                if (not tag_name or tag_name in droplet.tags) and (not name or name == droplet.name)
            ]
        return paged(request, "droplets", found)

    @router.post("", status_code=202)
    def make(request: Request, body: NewDroplet) -> dict[str, Any]:
        names = body.names or ([body.name] if body.name else [])
        with cloud.store.change() as state:
            check(cloud, state, body, names)
            made = [place(cloud, state, body, name) for name in names]
            actions = [begin(state, "create", "droplet", each.id, each.region) for each in made]
            described = [describe(cloud, state, each) for each in made]
        for action in actions:
            cloud.jobs.submit(action.id)
        links = {"actions": [link(request, action, "create") for action in actions]}
        answer = {"droplets": described} if body.names else {"droplet": described[0]}
        return answer | {"links": links}

    @router.delete("", status_code=204)
    def remove_tagged(tag_name: str) -> None:
        with cloud.store.read() as state:
            if tag_name not in state.tags:
                raise not_found()
            ids = [droplet.id for droplet in state.tagged(tag_name)]
            if any(state.pending(id) for id in ids):
                raise refused(PENDING_EVENT)
        for id in ids:
            remove(cloud, id)

    @router.get("/{id}")
    def get_droplet(id: int) -> dict[str, Any]:
        cloud.jobs.observe()
        with cloud.store.read() as state:
            return {"droplet": describe(cloud, state, droplet_or_404(state, id))}

    @router.delete("/{id}", status_code=204)
    def remove_one(id: int) -> None:
        remove(cloud, id)

    @router.get("/{id}/firewalls")
    def list_firewalls(request: Request, id: int) -> dict[str, Any]:
        with cloud.store.read() as state:
            droplet = droplet_or_404(state, id)
            found = [
                describe_firewall(state, firewall)
                for firewall in state.firewalls.values()
                if applies(firewall, droplet)
            ]
        return paged(request, "firewalls", found)

    @router.get("/{id}/backups")
    def list_backups(request: Request, id: int) -> dict[str, Any]:
        with cloud.store.read() as state:
            droplet_or_404(state, id)
        return paged(request, "backups", [])

    @router.get("/{id}/snapshots")
    def list_snapshots(request: Request, id: int) -> dict[str, Any]:
        with cloud.store.read() as state:
            droplet_or_404(state, id)
        return paged(request, "snapshots", [])

    return router


def describe(cloud: Cloud, state: State, droplet: Droplet) -> dict[str, Any]:
    """A droplet as the API answers it; it has no networks before it is active."""
    gateway, netmask = cloud.public_network[1], cloud.public_network.netmask
    public = {
        "ip_address": droplet.public_address,
        "netmask": str(netmask),
        "gateway": str(gateway),
        "type": "public",
    }
    network = cloud.vpc_network(state, droplet.vpc)
    private = {
        "ip_address": droplet.private_address,
        "netmask": str(network.netmask),
        "gateway": str(network[1]),
        "type": "private",
    }
    return {
        "id": droplet.id,
        "name": droplet.name,
        "memory": droplet.memory,
        "vcpus": droplet.vcpus,
        "disk": droplet.disk,
        "disk_info": [{"type": "local", "size": {"amount": droplet.disk, "unit": "gib"}}],
        "locked": droplet.locked,
        "status": droplet.status,
        "kernel": None,
        "created_at": droplet.created_at,
        "features": droplet.features,
        "backup_ids": [],
        "next_backup_window": None,
        "snapshot_ids": [],
        "image": cloud.catalog.describe_image(droplet.image),
        "volume_ids": [],
        "size": cloud.catalog.describe_size(droplet.size),
        "size_slug": droplet.size,
        "networks": {"v4": [] if droplet.status == "new" else [private, public], "v6": []},
        "region": cloud.catalog.describe_region(droplet.region),
        "tags": droplet.tags,
        "vpc_uuid": droplet.vpc,
    }


def check(cloud: Cloud, state: State, body: NewDroplet, names: list[str]) -> None:
    """Raises ApiError for droplets that cannot be made as asked for."""
    if not names:
        raise refused("Name can't be blank")
    if len(names) > MOST_AT_ONCE:
        raise refused(f"at most {MOST_AT_ONCE} droplets can be created at once")
    for name in names:
        if not HOSTNAME.fullmatch(name):
            raise refused("Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)")
    if cloud.catalog.region(body.region) is None:
        raise refused("Region is not available")
    if body.size.lower() not in cloud.catalog.sizes:
        raise refused("You specified an invalid size for Droplet creation.")
    image = cloud.catalog.image(body.image)
    if image is None:
        raise refused("You specified an invalid image for Droplet creation.")
    if not image.bootable:
        offered = ", ".join(cloud.catalog.bootable)
        raise refused(f"{image.slug} cannot be made on this machine; the local cloud has {offered}")
    unknown = [key for key in body.ssh_keys if not known_key(state, key)]
    if unknown:
        raise refused(f"{', '.join(unknown)} are invalid key identifiers for Droplet creation.")
    if len((body.user_data or "").encode()) > MOST_USER_DATA:
        raise refused("User data is too long: 64 KiB at most")
    for wanted, what in (
        (body.ipv6, "ipv6 is"),
        (body.public_networking is False, "a droplet without public networking is"),
        (bool(body.volumes), "volumes are"),
    ):
        if wanted:
            raise refused(f"{what} not available in the local cloud")
    if sum(1 for _ in state.live_droplets()) + len(names) > state.droplet_limit:
        raise refused("creating this/these droplet(s) will exceed your droplet limit")


def known_key(state: State, identifier: str) -> bool:
    """Whether the account has a key of this id or fingerprint."""
    try:
        return bool(find_key(state, identifier))
    except ApiError:
        return False


def place(cloud: Cloud, state: State, body: NewDroplet, name: str) -> Droplet:
    """Put one droplet into the state: still new, its addresses taken. Raises ApiError."""
    region = cloud.catalog.region(body.region) or ""
    vpc = find_vpc(state, body.vpc_uuid) if body.vpc_uuid else cloud.default_vpc(state, region)
    if vpc.region != region:
        if body.region and body.region.lower() in cloud.catalog.regions:
            raise refused(f"the VPC {vpc.name} is in {vpc.region}, not in {region}")
        region = vpc.region
    size = cloud.catalog.sizes[body.size.lower()]
    image = cloud.catalog.image(body.image)
    features = ["private_networking"]
    features += ["monitoring"] if body.monitoring else []
    features += ["backups"] if body.backups else []
    features += ["droplet_agent"] if body.with_droplet_agent else []
    droplet = Droplet(
        id=state.take_id(),
        name=name,
        region=region,
        size=size.slug,
        image=image.slug if image else "",
        memory=size.memory,
        vcpus=size.vcpus,
        disk=size.disk,
        features=features,
        tags=list(dict.fromkeys(ensure_tag(state, tag) for tag in body.tags)),
        vpc=vpc.id,
        public_address=cloud.take_public_address(state),
        private_address=cloud.take_private_address(state, vpc),
        keys=list(dict.fromkeys(find_key(state, key).public_key for key in body.ssh_keys)),
        user_data=body.user_data or "",
    )
    state.droplets[droplet.id] = droplet
    state.urns[f"do:droplet:{droplet.id}"] = Assignment(project_id=state.default_project().id)
    return droplet


def remove(cloud: Cloud, id: int) -> None:
    """Remove a droplet: gone for clients at once, and from everything that names it. Raises ApiError."""
    with cloud.store.change() as state:
        droplet = droplet_or_404(state, id)
        if state.pending(id):
            raise refused(PENDING_EVENT)
        droplet.deleting = True
        forget_droplet(state, id)
        destroyed(state, droplet)
    cloud.enforcer.apply()
    cloud.jobs.remove(id)
    cloud.linger(droplet.vpc, id)


def destroyed(state: State, droplet: Droplet) -> Action:
    """Note the end of a droplet among the actions."""
    action = begin(state, "destroy", "droplet", droplet.id, droplet.region)
    action.status = "completed"
    action.completed_at = action.started_at
    return action
