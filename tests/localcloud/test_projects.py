"""Projects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.localcloud.client import Client

MakeDroplet = Callable[..., dict[str, Any]]
SHOP = {"name": "shop", "purpose": "Web Application"}


def urns(api: Client, project: str) -> set[str]:
    return {each["urn"] for each in api.get(f"/v2/projects/{project}/resources")["resources"]}


def test_there_is_a_default_project_from_the_beginning(api: Client) -> None:
    project = api.get("/v2/projects/default")["project"]
    assert project["is_default"] is True
    assert api.get(f"/v2/projects/{project['id']}")["project"] == project
    assert api.delete(f"/v2/projects/{project['id']}", expect=412)["message"].startswith("cannot delete")


def test_what_is_made_is_in_the_default_project_and_can_be_moved(
    api: Client, make_droplet: MakeDroplet
) -> None:
    droplet = f"do:droplet:{make_droplet()['id']}"
    api.post("/v2/domains", {"name": "example.com"})
    ip = api.post("/v2/reserved_ips", {"region": "fra1"}, expect=202)["reserved_ip"]["ip"]
    assert urns(api, "default") == {droplet, "do:domain:example.com", f"do:floatingip:{ip}"}
    id = api.post("/v2/projects", SHOP)["project"]["id"]
    moved = {"resources": [droplet, f"do:reservedip:{ip}"]}
    api.post(f"/v2/projects/{id}/resources", moved, expect=200)
    assert urns(api, id) == {droplet, f"do:floatingip:{ip}"}
    assert urns(api, "default") == {"do:domain:example.com"}
    assert api.get(f"/v2/reserved_ips/{ip}")["reserved_ip"]["project_id"] == id
    refused = api.delete(f"/v2/projects/{id}", expect=412)
    assert "cannot delete a project with resources" in refused["message"]
    api.post("/v2/projects/default/resources", moved, expect=200)
    api.delete(f"/v2/projects/{id}")


def test_a_project_is_changed_in_part(api: Client) -> None:
    project = api.post("/v2/projects", SHOP | {"purpose": "Other: fun", "environment": "production"})[
        "project"
    ]
    assert (project["purpose"], project["environment"]) == ("fun", "Production")
    changed = api.patch(f"/v2/projects/{project['id']}", {"description": "sells things"})["project"]
    assert (changed["name"], changed["description"]) == ("shop", "sells things")
    api.patch(f"/v2/projects/{project['id']}", {"is_default": True})
    assert api.get("/v2/projects/default")["project"]["name"] == "shop"


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"name": ""}, 422), ({"purpose": None}, 422), ({"environment": "Moon"}, 422), ({"name": "local"}, 409)],
)
def test_a_project_that_cannot_be_is_refused(api: Client, fields: dict[str, Any], status: int) -> None:
    api.get("/v2/projects")
    api.post("/v2/projects", SHOP | fields, expect=status)
    assert len(api.get("/v2/projects")["projects"]) == 1


def test_what_is_no_resource_cannot_be_moved(api: Client) -> None:
    refused = api.post("/v2/projects/default/resources", {"resources": ["do:droplet:7"]}, expect=422)
    assert "do:droplet:7" in refused["message"]
