"""Tags: names that droplets are grouped by, and that firewalls go by."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request

from localcloud.api.answers import paged
from localcloud.api.bodies import Body
from localcloud.cloud import Cloud
from localcloud.errors import not_found, refused
from localcloud.state import State

NAME = re.compile(r"[a-zA-Z0-9_:-]{1,255}")


class NewTag(Body):
    """A tag to make."""

    name: str


class Resource(Body):
    """Something to tag."""

    resource_id: str
    resource_type: str


class Resources(Body):
    """Things to tag or untag."""

    resources: list[Resource]


def routes(cloud: Cloud) -> APIRouter:
    """The routes under /v2/tags."""
    router = APIRouter(prefix="/v2/tags")

    @router.get("")
    def list_tags(request: Request) -> dict[str, Any]:
        with cloud.store.read() as state:
            return paged(request, "tags", [describe(state, tag) for tag in state.tags])

    @router.post("", status_code=201)
    def make(body: NewTag) -> dict[str, Any]:
        with cloud.store.change() as state:
            return {"tag": describe(state, ensure(state, body.name))}

    @router.get("/{name}")
    def get_tag(name: str) -> dict[str, Any]:
        with cloud.store.read() as state:
            return {"tag": describe(state, find(state, name))}

    @router.delete("/{name}", status_code=204)
    def remove(name: str) -> None:
        with cloud.store.change() as state:
            state.tags.remove(find(state, name))
            for droplet in state.droplets.values():
                droplet.tags = [tag for tag in droplet.tags if tag != name]
            for firewall in state.firewalls.values():
                firewall.tags = [tag for tag in firewall.tags if tag != name]
                for rule in (*firewall.inbound, *firewall.outbound):
                    rule.peers.tags = [tag for tag in rule.peers.tags if tag != name]
        cloud.enforcer.apply()

    @router.post("/{name}/resources", status_code=204)
    def tag_resources(name: str, body: Resources) -> None:
        with cloud.store.change() as state:
            find(state, name)
            for id in droplet_ids(state, body.resources):
                if name not in state.droplets[id].tags:
                    state.droplets[id].tags.append(name)
        cloud.enforcer.apply()

    @router.delete("/{name}/resources", status_code=204)
    def untag_resources(name: str, body: Resources) -> None:
        with cloud.store.change() as state:
            find(state, name)
            for id in droplet_ids(state, body.resources):
                state.droplets[id].tags = [tag for tag in state.droplets[id].tags if tag != name]
        cloud.enforcer.apply()

    return router


def describe(state: State, name: str) -> dict[str, Any]:
    """A tag as the API answers it, with how many resources of each kind have it."""
    ids = [droplet.id for droplet in state.tagged(name)]
    droplets: dict[str, Any] = {"count": len(ids)}
    if ids:
        droplets["last_tagged_uri"] = f"https://api.digitalocean.com/v2/droplets/{ids[-1]}"
    others = ("images", "volumes", "volume_snapshots", "databases")
    resources = {**droplets, "droplets": droplets} | {kind: {"count": 0} for kind in others}
    return {"name": name, "resources": resources}


def find(state: State, name: str) -> str:
    """The tag itself. Raises ApiError where there is none."""
    if name not in state.tags:
        raise not_found()
    return name


def ensure(state: State, name: str) -> str:
    """The tag of a name, made where it is new; the first spelling of its letters' case stays."""
    if not NAME.fullmatch(name):
        raise refused("Tags may contain letters, numbers, colons, dashes and underscores, 255 at most")
    for tag in state.tags:
        if tag.lower() == name.lower():
            return tag
    state.tags.append(name)
    return name


def droplet_ids(state: State, resources: list[Resource]) -> list[int]:
    """The droplets that are meant. Raises ApiError for what is not there or cannot have tags here."""
    ids = []
    for resource in resources:
        if resource.resource_type != "droplet":
            raise refused(f"resource_type {resource.resource_type} cannot be tagged here: only droplet can")
        if not resource.resource_id.isdecimal() or state.droplet(int(resource.resource_id)) is None:
            raise not_found()
        ids.append(int(resource.resource_id))
    return ids
