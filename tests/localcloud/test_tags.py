"""Tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.localcloud.client import Client

MakeDroplet = Callable[..., dict[str, Any]]


def test_making_a_tag_that_is_there_succeeds(api: Client) -> None:
    api.post("/v2/tags", {"name": "web"})
    api.post("/v2/tags", {"name": "web"})
    assert api.get("/v2/tags")["meta"]["total"] == 1


def test_the_first_spelling_of_a_tag_stays(api: Client, make_droplet: MakeDroplet) -> None:
    assert api.post("/v2/tags", {"name": "Web"})["tag"]["name"] == "Web"
    assert api.post("/v2/tags", {"name": "WEB"})["tag"]["name"] == "Web"
    assert make_droplet(tags=["web"])["tags"] == ["Web"]


def test_a_tag_counts_its_resources(api: Client, make_droplet: MakeDroplet) -> None:
    make_droplet(tags=["web", "web"])
    resources = api.get("/v2/tags/web")["tag"]["resources"]
    assert resources["count"] == 1
    assert resources["droplets"]["count"] == 1
    for kind in ("images", "volumes", "volume_snapshots", "databases"):
        assert resources[kind] == {"count": 0}


@pytest.mark.parametrize("name", ["", "a b", "x" * 256, "ü"])
def test_a_name_that_is_no_tag_is_refused(api: Client, name: str) -> None:
    assert "Tags may contain" in api.post("/v2/tags", {"name": name}, expect=422)["message"]


def test_droplets_are_tagged_and_untagged(api: Client, make_droplet: MakeDroplet) -> None:
    id = make_droplet()["id"]
    api.post("/v2/tags", {"name": "web"})
    resources = {"resources": [{"resource_id": str(id), "resource_type": "droplet"}]}
    api.send("POST", "/v2/tags/web/resources", resources, 204)
    api.send("POST", "/v2/tags/web/resources", resources, 204)
    assert api.get(f"/v2/droplets/{id}")["droplet"]["tags"] == ["web"]
    api.delete("/v2/tags/web/resources", resources)
    assert api.get(f"/v2/droplets/{id}")["droplet"]["tags"] == []


def test_what_cannot_be_tagged_is_refused(api: Client) -> None:
    api.post("/v2/tags", {"name": "web"})
    for kind, id, status in (("droplet", "7", 404), ("droplet", "x", 404), ("volume", "1", 422)):
        resources = {"resources": [{"resource_id": id, "resource_type": kind}]}
        api.send("POST", "/v2/tags/web/resources", resources, status)
    api.send("POST", "/v2/tags/none/resources", {"resources": []}, 404)


def test_a_removed_tag_is_gone_from_droplets_and_rules(api: Client, make_droplet: MakeDroplet) -> None:
    id = make_droplet(tags=["web"])["id"]
    rule = {"protocol": "tcp", "ports": "22", "sources": {"tags": ["web"]}}
    wall = api.post("/v2/firewalls", {"name": "wall", "inbound_rules": [rule], "tags": ["web"]}, expect=202)[
        "firewall"
    ]
    api.delete("/v2/tags/web")
    assert api.get(f"/v2/droplets/{id}")["droplet"]["tags"] == []
    left = api.get(f"/v2/firewalls/{wall['id']}")["firewall"]
    assert (left["tags"], left["inbound_rules"][0]["sources"]) == ([], {})
    api.get("/v2/tags/web", expect=404)
