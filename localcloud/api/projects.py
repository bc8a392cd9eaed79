"""Projects, and which resources are in which."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from localcloud.api.answers import paged
from localcloud.api.bodies import Body
from localcloud.cloud import Cloud
from localcloud.errors import ApiError, not_found, refused
from localcloud.state import Assignment, Project, State, now

ENVIRONMENTS = ("Development", "Staging", "Production")


class ProjectBody(Body):
    """A project, whole or in part."""

    name: str | None = None
    description: str | None = None
    purpose: str | None = None
    environment: str | None = None
    is_default: bool | None = None


class Resources(Body):
    """Resources to move into a project, as URNs."""

    resources: list[str]


def routes(cloud: Cloud) -> APIRouter:
    """The routes under /v2/projects; `default` stands for the default project's id."""
    router = APIRouter(prefix="/v2/projects")

    @router.get("")
    def list_projects(request: Request) -> dict[str, Any]:
        with cloud.store.change() as state:
            state.default_project()
            found = [describe(state, project) for project in state.projects.values()]
        return paged(request, "projects", found)

    @router.post("", status_code=201)
    def make(body: ProjectBody) -> dict[str, Any]:
        with cloud.store.change() as state:
            state.default_project()
            for name in ("name", "purpose"):
                if not getattr(body, name):
                    raise refused(f"{name} is required")
            project = Project(name="", purpose="")
            fill(state, project, body)
            state.projects[project.id] = project
            return {"project": describe(state, project)}

    @router.get("/{id}")
    def get_project(id: str) -> dict[str, Any]:
        with cloud.store.change() as state:
            return {"project": describe(state, find(state, id))}

    @router.put("/{id}")
    @router.patch("/{id}")
    def change(id: str, body: ProjectBody) -> dict[str, Any]:
        with cloud.store.change() as state:
            project = find(state, id)
            fill(state, project, body)
            if body.is_default:
                for other in state.projects.values():
                    other.is_default = other is project
            project.updated_at = now()
            return {"project": describe(state, project)}

    @router.delete("/{id}", status_code=204)
    def remove(id: str) -> None:
        with cloud.store.change() as state:
            project = find(state, id)
            if project.is_default:
                raise ApiError(412, "cannot delete the default project")
            if any(place.project_id == project.id for place in state.urns.values()):
                raise ApiError(
                    412, "cannot delete a project with resources. move or remove the resources first"
                )
            del state.projects[project.id]

    @router.get("/{id}/resources")
    def list_resources(request: Request, id: str) -> dict[str, Any]:
        with cloud.store.change() as state:
            project = find(state, id)
            found = [
                describe_resource(request, urn, place)
                for urn, place in state.urns.items()
                if place.project_id == project.id
            ]
        return paged(request, "resources", found)

    @router.post("/{id}/resources")
    def move(request: Request, id: str, body: Resources) -> dict[str, Any]:
        with cloud.store.change() as state:
            project = find(state, id)
            moved = []
            for given in body.resources:
                urn = given.replace("do:reservedip:", "do:floatingip:")
                if urn not in state.urns:
                    raise refused(f"{given} is no resource of this account that a project can have")
                state.urns[urn] = Assignment(project_id=project.id)
                address = urn.removeprefix("do:floatingip:")
                if address in state.reserved_ips:
                    state.reserved_ips[address].project_id = project.id
                moved.append(describe_resource(request, urn, state.urns[urn]) | {"status": "assigned"})
        return {"resources": moved}

    return router


def describe(state: State, project: Project) -> dict[str, Any]:
    """A project as the API answers it."""
    return {
        "id": project.id,
        "owner_uuid": state.account_id,
        "owner_id": 1,
        "name": project.name,
        "description": project.description,
        "purpose": project.purpose,
        "environment": project.environment,
        "is_default": project.is_default,
        "created_at": project.created_at,
        "updated_at": project.updated_at,
    }


def describe_resource(request: Request, urn: str, place: Assignment) -> dict[str, Any]:
    """A project's resource as the API answers it."""
    _, kind, name = urn.split(":", 2)
    folder = {"droplet": "droplets", "domain": "domains", "floatingip": "floating_ips"}[kind]
    return {
        "urn": urn,
        "assigned_at": place.assigned_at,
        "links": {"self": f"{str(request.base_url).rstrip('/')}/v2/{folder}/{name}"},
        "status": "ok",
    }


def find(state: State, id: str) -> Project:
    """The project of an id. Raises ApiError where there is none."""
    if id == "default":
        return state.default_project()
    if id not in state.projects:
        raise not_found()
    return state.projects[id]


def fill(state: State, project: Project, body: ProjectBody) -> None:
    """Give a project what a body says. Raises ApiError."""
    if body.environment:
        environment = body.environment.capitalize()
        if environment not in ENVIRONMENTS:
            raise refused(f"environment must be one of {', '.join(ENVIRONMENTS)}")
        project.environment = environment
    if body.name is not None:
        if any(other.name == body.name and other is not project for other in state.projects.values()):
            raise ApiError(409, "name is already in use")
        project.name = body.name
    if body.purpose is not None:
        project.purpose = body.purpose.removeprefix("Other: ")
    if body.description is not None:
        project.description = body.description
