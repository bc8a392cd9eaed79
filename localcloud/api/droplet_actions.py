"""What is done to a droplet, or to all of a tag: power, size, name, image."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from localcloud.api.actions import begin, describe, newest_first
from localcloud.api.answers import droplet_or_404, paged
from localcloud.api.bodies import Body
from localcloud.api.droplets import HOSTNAME
from localcloud.cloud import Cloud
from localcloud.errors import PENDING_EVENT, not_found, refused
from localcloud.state import Action, Droplet, State

OFFERED = (
    "power_on",
    "power_off",
    "shutdown",
    "reboot",
    "power_cycle",
    "resize",
    "rename",
    "rebuild",
    "enable_backups",
    "disable_backups",
)
NEEDS_POWER = ("power_off", "shutdown", "reboot", "power_cycle")


class NewAction(Body):
    """What to do."""

    type: str
    size: str | None = None
    disk: bool = False
    name: str | None = None
    image: str | None = None


def routes(cloud: Cloud) -> APIRouter:
    """The routes under /v2/droplets that are about actions."""
    router = APIRouter(prefix="/v2/droplets")

    @router.post("/actions", status_code=201)
    def act_on_tagged(tag_name: str, body: NewAction) -> dict[str, Any]:
        cloud.jobs.observe()
        with cloud.store.change() as state:
            if tag_name not in state.tags:
                raise not_found()
            actions = [ask(cloud, state, droplet, body) for droplet in state.tagged(tag_name)]
            described = [describe(cloud, action) for action in actions]
        for action in actions:
            cloud.jobs.submit(action.id)
        return {"actions": described}

    @router.get("/{id}/actions")
    def list_actions(request: Request, id: int) -> dict[str, Any]:
        with cloud.store.read() as state:
            droplet_or_404(state, id)
            found = [describe(cloud, action) for action in newest_first(state, "droplet", id)]
        return paged(request, "actions", found)

    @router.post("/{id}/actions", status_code=201)
    def act(id: int, body: NewAction) -> dict[str, Any]:
        cloud.jobs.observe()
        with cloud.store.change() as state:
            action = ask(cloud, state, droplet_or_404(state, id), body)
            described = describe(cloud, action)
        cloud.jobs.submit(action.id)
        return {"action": described}

    @router.get("/{id}/actions/{action_id}")
    def get_action(id: int, action_id: int) -> dict[str, Any]:
        with cloud.store.read() as state:
            for action in newest_first(state, "droplet", id):
                if action.id == action_id:
                    return {"action": describe(cloud, action)}
        raise not_found()

    return router


def ask(cloud: Cloud, state: State, droplet: Droplet, body: NewAction) -> Action:
    """Begin an action on a droplet, which is locked meanwhile. Raises ApiError."""
    if state.pending(droplet.id):
        raise refused(PENDING_EVENT)
    if body.type not in OFFERED:
        raise refused(
            f"the action {body.type} is not available in the local cloud; there are {', '.join(OFFERED)}"
        )
    if body.type in NEEDS_POWER and droplet.status == "off" and body.type != "power_cycle":
        raise refused(
            "Droplet is already powered off." if body.type != "reboot" else "Droplet is powered off."
        )
    if body.type == "power_on" and droplet.status == "active":
        raise refused("Droplet is already powered on.")
    parameters: dict[str, Any] = {}
    if body.type == "resize":
        parameters = resized(cloud, droplet, body)
    elif body.type == "rename":
        if not HOSTNAME.fullmatch(body.name or ""):
            raise refused("Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)")
        parameters = {"name": body.name}
    elif body.type == "rebuild":
        image = cloud.catalog.image(body.image or "")
        if image is None or not image.bootable:
            raise refused("You specified an invalid image for Droplet creation.")
        parameters = {"image": image.slug}
    droplet.locked = True
    return begin(state, body.type, "droplet", droplet.id, droplet.region, **parameters)


def resized(cloud: Cloud, droplet: Droplet, body: NewAction) -> dict[str, Any]:
    """What of a droplet a resize changes. Raises ApiError."""
    if body.size not in cloud.catalog.sizes:
        raise refused("You specified an invalid size.")
    if droplet.status != "off":
        raise refused("Droplet must be powered off to be resized.")
    size = cloud.catalog.sizes[body.size]
    if size.disk < droplet.disk:
        raise refused("This size is not available because it has a smaller disk.")
    changes: dict[str, Any] = {"size": size.slug, "memory": size.memory, "vcpus": size.vcpus}
    return changes | ({"disk": size.disk} if body.disk else {})
