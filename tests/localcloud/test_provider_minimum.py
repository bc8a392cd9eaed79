"""Fields without which DigitalOcean's real Terraform provider, and so Pulumi's, crashes or drifts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.localcloud.client import Client
from tests.localcloud.keys import public_key
from tests.localcloud.recording import RecordingFleet

MakeDroplet = Callable[..., dict[str, Any]]


def assert_whole_droplet(droplet: dict[str, Any]) -> None:
    assert droplet["region"]["slug"]
    assert droplet["size"]["slug"]
    assert isinstance(droplet["size"]["price_monthly"], float)
    assert isinstance(droplet["networks"]["v4"], list)
    assert isinstance(droplet["networks"]["v6"], list)
    for name in ("features", "volume_ids", "tags", "backup_ids", "snapshot_ids"):
        assert isinstance(droplet[name], list), name
    assert isinstance(droplet["id"], int)
    assert droplet["created_at"]
    assert droplet["vpc_uuid"]


def test_a_droplet_is_whole_while_new_and_when_active(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    fleet.gate.clear()
    asked = {"name": "w", "region": "FRA1", "size": "s-1vcpu-1gb", "image": "debian-13-x64", "tags": None}
    made = api.post(
        "/v2/droplets", asked | {"ssh_keys": None, "user_data": None, "volumes": None}, expect=202
    )
    path = f"/v2/droplets/{made['droplet']['id']}"
    for droplet in (made["droplet"], api.get(path)["droplet"]):
        assert droplet["status"] == "new"
        assert_whole_droplet(droplet)
    fleet.gate.set()
    api.until_done(made["links"]["actions"][0]["id"])
    active = api.get(path)["droplet"]
    assert_whole_droplet(active)
    assert active["region"]["slug"] == "fra1"
    assert {network["type"] for network in active["networks"]["v4"]} == {"public", "private"}
    assert_whole_droplet(make_droplet(monitoring=True))


def test_asked_for_features_come_back_or_every_preview_replaces_the_droplet(
    make_droplet: MakeDroplet,
) -> None:
    assert "monitoring" in make_droplet(monitoring=True)["features"]


def test_action_ids_and_their_resources_are_numbers(api: Client, make_droplet: MakeDroplet) -> None:
    make_droplet()
    ip = api.post("/v2/reserved_ips", {"region": "fra1"}, expect=202)["reserved_ip"]["ip"]
    api.post("/v2/reserved_ips", {"droplet_id": api.get("/v2/droplets")["droplets"][0]["id"]}, expect=202)
    for action in api.get("/v2/actions")["actions"]:
        assert isinstance(action["id"], int)
        assert action["resource_id"] is None or isinstance(action["resource_id"], int)
    assert api.get(f"/v2/reserved_ips/{ip}")["reserved_ip"]["region"]["slug"] == "fra1"


def test_tags_count_every_kind_of_resource(api: Client) -> None:
    tag = api.post("/v2/tags", {"name": "web"})["tag"]
    kinds = {"droplets", "images", "volumes", "volume_snapshots", "databases"}
    assert {kind for kind in kinds if isinstance(tag["resources"][kind]["count"], int)} == kinds


def test_every_rule_has_its_peers(api: Client) -> None:
    body = {
        "name": "wall",
        "inbound_rules": [{"protocol": "tcp", "ports": "22"}, {"protocol": "icmp", "sources": None}],
        "outbound_rules": [{"protocol": "udp", "ports": "53", "destinations": {"addresses": None}}],
        "droplet_ids": None,
        "tags": None,
    }
    wall = api.post("/v2/firewalls", body, expect=202)["firewall"]
    assert all(rule["sources"] is not None for rule in wall["inbound_rules"])
    assert all(rule["destinations"] is not None for rule in wall["outbound_rules"])
    assert (wall["droplet_ids"], wall["tags"], wall["pending_changes"]) == ([], [], [])


def test_lists_always_have_links_and_a_total(api: Client, make_droplet: MakeDroplet) -> None:
    droplet = make_droplet()
    api.post("/v2/domains", {"name": "example.com"})
    api.post("/v2/account/keys", {"name": "k", "public_key": public_key()})
    for path in (
        "account/keys",
        "regions",
        "sizes",
        "images",
        "droplets",
        "actions",
        "tags",
        "vpcs",
        f"vpcs/{droplet['vpc_uuid']}/members",
        "firewalls",
        "domains",
        "domains/example.com/records",
        "reserved_ips",
        "projects",
        "projects/default/resources",
        f"droplets/{droplet['id']}/actions",
    ):
        page = api.get(f"/v2/{path}")
        assert isinstance(page["links"], dict), path
        assert isinstance(page["meta"]["total"], int), path


def test_times_are_rfc_3339(api: Client, make_droplet: MakeDroplet) -> None:
    droplet = make_droplet()
    vpc = api.get(f"/v2/vpcs/{droplet['vpc_uuid']}")["vpc"]
    for moment in (droplet["created_at"], vpc["created_at"]):
        assert len(moment) == len("2026-01-01T00:00:00Z")
        assert moment.endswith("Z")
