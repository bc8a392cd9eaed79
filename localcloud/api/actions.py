"""Actions: what is being done, and was done, to droplets and reserved addresses."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request

from localcloud.api.answers import paged
from localcloud.cloud import Cloud
from localcloud.errors import not_found
from localcloud.state import Action, State

MOST_KEPT = 500
"""How many finished actions are remembered."""


def routes(cloud: Cloud) -> APIRouter:
    """The routes under /v2/actions."""
    router = APIRouter(prefix="/v2/actions")

    @router.get("")
    def list_actions(request: Request) -> dict[str, Any]:
        with cloud.store.read() as state:
            found = [describe(cloud, action) for action in newest_first(state)]
        return paged(request, "actions", found)

    @router.get("/{id}")
    def get_action(id: int) -> dict[str, Any]:
        with cloud.store.read() as state:
            if id not in state.actions:
                raise not_found()
            return {"action": describe(cloud, state.actions[id])}

    return router


def describe(cloud: Cloud, action: Action) -> dict[str, Any]:
    """An action as the API answers it."""
    return {
        "id": action.id,
        "status": action.status,
        "type": action.type,
        "started_at": action.started_at,
        "completed_at": action.completed_at,
        "resource_id": action.resource_id,
        "resource_type": action.resource_type,
        "region": cloud.catalog.describe_region(action.region),
        "region_slug": action.region,
    }


def newest_first(
    state: State, resource_type: Literal["droplet", "reserved_ip"] | None = None, resource_id: int = 0
) -> list[Action]:
    """All actions, or those on one resource."""
    return [
        action
        for action in sorted(state.actions.values(), key=lambda action: action.id, reverse=True)
        if resource_type is None
        or (action.resource_type == resource_type and action.resource_id == resource_id)
    ]


def begin(
    state: State,
    type: str,
    resource_type: Literal["droplet", "reserved_ip"],
    resource_id: int,
    region: str,
    **parameters: Any,
) -> Action:
    """Note an action as in progress; the jobs are told of it once the state is saved."""
    action = Action(
        id=state.take_id(),
        type=type,
        resource_id=resource_id,
        resource_type=resource_type,
        region=region,
        parameters=parameters,
    )
    state.actions[action.id] = action
    finished = [known.id for known in state.actions.values() if known.status != "in-progress"]
    for id in finished[:-MOST_KEPT]:
        del state.actions[id]
    return action


def link(request: Request, action: Action, rel: str) -> dict[str, Any]:
    """The link to an action that stands beside what it is about."""
    return {
        "id": action.id,
        "rel": rel,
        "href": f"{str(request.base_url).rstrip('/')}/v2/actions/{action.id}",
    }
