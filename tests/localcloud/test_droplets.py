"""Droplets, from the request to the machine and away again."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from localcloud.cloud import Cloud
from localcloud.state import State
from tests.localcloud.client import Client
from tests.localcloud.keys import public_key
from tests.localcloud.recording import RecordingFleet

MakeDroplet = Callable[..., dict[str, Any]]
ASKED = {"name": "web", "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-13-x64"}


def address(droplet: dict[str, Any], kind: str) -> str:
    return next(str(net["ip_address"]) for net in droplet["networks"]["v4"] if net["type"] == kind)


def test_a_droplet_is_answered_at_once_and_made_meanwhile(api: Client, fleet: RecordingFleet) -> None:
    fleet.gate.clear()
    made = api.post("/v2/droplets", ASKED, expect=202)
    id = made["droplet"]["id"]
    new = api.get(f"/v2/droplets/{id}")["droplet"]
    assert (new["status"], new["locked"], new["networks"]) == ("new", True, {"v4": [], "v6": []})
    action = made["links"]["actions"][0]
    assert action["rel"] == "create"
    assert api.get(action["href"])["action"]["status"] == "in-progress"
    assert api.get(action["href"])["action"]["completed_at"] is None
    fleet.gate.set()
    done = api.until_done(action["id"])
    assert done["status"] == "completed"
    assert done["completed_at"]
    active = api.get(f"/v2/droplets/{id}")["droplet"]
    assert (active["status"], active["locked"]) == ("active", False)
    assert address(active, "public") == "198.18.0.2"
    vpc = api.get(f"/v2/vpcs/{active['vpc_uuid']}")["vpc"]
    assert ip_address(address(active, "private")) in ip_network(vpc["ip_range"])


def test_the_machine_gets_what_was_asked_for(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    key = api.post("/v2/account/keys", {"name": "k", "public_key": public_key()})["ssh_key"]
    vpc = api.post("/v2/vpcs", {"name": "net", "region": "fra1", "ip_range": "10.9.0.0/24"})["vpc"]
    droplet = make_droplet(
        "web-1.example.com",
        size="s-2vcpu-4gb",
        image="debian-12-x64",
        ssh_keys=[key["id"], key["fingerprint"]],
        user_data="#cloud-config\n",
        vpc_uuid=vpc["id"],
    )
    spec = fleet.specs[droplet["id"]]
    assert (spec.hostname, spec.image, spec.user_data) == (
        "web-1.example.com",
        "debian-12-x64",
        "#cloud-config\n",
    )
    assert (spec.memory_mb, spec.vcpus, spec.disk_gb) == (4096, 2, 80)
    assert spec.ssh_keys == (public_key(),)
    assert spec.private_address == address(droplet, "private") == "10.9.0.2"
    assert fleet.networks[spec.private_network] == ("10.9.0.0/24", True)
    assert fleet.networks["public"] == ("198.18.0.0/24", False)


def test_features_are_those_asked_for(make_droplet: MakeDroplet) -> None:
    assert make_droplet("plain")["features"] == ["private_networking"]
    watched = make_droplet("watched", monitoring=True, backups=True)
    assert {"monitoring", "backups"} <= set(watched["features"])


def test_a_droplet_without_a_vpc_joins_the_regions_default(api: Client, make_droplet: MakeDroplet) -> None:
    droplet = make_droplet(region="ams3")
    vpc = api.get(f"/v2/vpcs/{droplet['vpc_uuid']}")["vpc"]
    assert (vpc["name"], vpc["default"], vpc["region"]) == ("default-ams3", True, "ams3")
    assert [member["urn"] for member in api.get(f"/v2/vpcs/{vpc['id']}/members")["members"]] == [
        f"do:droplet:{droplet['id']}"
    ]


@pytest.mark.parametrize(("given", "region"), [("nyc", "nyc1"), (None, "nyc1"), ("FRA1", "fra1")])
def test_a_region_may_be_left_open(make_droplet: MakeDroplet, given: str | None, region: str) -> None:
    assert make_droplet(region=given)["region"]["slug"] == region


def test_several_droplets_are_made_by_one_request(api: Client) -> None:
    made = api.post("/v2/droplets", ASKED | {"names": ["a", "b", "c"]}, expect=202)
    assert [droplet["name"] for droplet in made["droplets"]] == ["a", "b", "c"]
    for link in made["links"]["actions"]:
        api.until_done(link["id"])
    addresses = {address(droplet, "public") for droplet in api.get("/v2/droplets")["droplets"]}
    assert len(addresses) == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "web_1"}, "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)"),
        ({"name": None}, "Name can't be blank"),
        ({"region": "mars1"}, "Region is not available"),
        ({"size": "s-99vcpu"}, "You specified an invalid size for Droplet creation."),
        ({"image": "plan9"}, "You specified an invalid image for Droplet creation."),
        ({"image": "ubuntu-24-04-x64"}, "the local cloud has debian-12-x64, debian-13-x64"),
        ({"ssh_keys": [7, "aa:bb"]}, "7, aa:bb are invalid key identifiers for Droplet creation."),
        ({"user_data": "x" * 65537}, "64 KiB"),
        ({"ipv6": True}, "ipv6 is not available in the local cloud"),
        ({"volumes": [{"id": "1"}]}, "volumes are not available in the local cloud"),
        ({"names": [f"web-{n}" for n in range(11)]}, "at most 10 droplets"),
        ({"tags": ["not a tag"]}, "Tags may contain"),
    ],
)
def test_a_droplet_that_cannot_be_is_refused_and_leaves_nothing(
    api: Client, fields: dict[str, Any], message: str
) -> None:
    refused = api.post("/v2/droplets", ASKED | fields, expect=422)
    assert refused["id"] == "unprocessable_entity"
    assert message in refused["message"]
    assert api.get("/v2/droplets")["droplets"] == []
    assert api.get("/v2/actions")["actions"] == []


def test_the_accounts_limit_is_kept(api: Client, cloud: Cloud) -> None:
    with cloud.store.change() as state:
        state.droplet_limit = 2
    refused = api.post("/v2/droplets", ASKED | {"names": ["a", "b", "c"]}, expect=422)
    assert refused["message"] == "creating this/these droplet(s) will exceed your droplet limit"


def test_a_vpc_of_another_region_is_refused(api: Client) -> None:
    vpc = api.post("/v2/vpcs", {"name": "net", "region": "ams3"})["vpc"]
    refused = api.post("/v2/droplets", ASKED | {"vpc_uuid": vpc["id"]}, expect=422)
    assert "is in ams3, not in fra1" in refused["message"]


def test_a_machine_that_cannot_be_made_ends_as_an_errored_action_and_no_droplet(
    api: Client, fleet: RecordingFleet, cloud: Cloud
) -> None:
    fleet.broken.add("web")
    made = api.post("/v2/droplets", ASKED, expect=202)
    action = api.until_done(made["links"]["actions"][0]["id"])
    assert action["status"] == "errored"
    api.get(f"/v2/droplets/{made['droplet']['id']}", expect=404)
    assert api.get("/v2/projects/default/resources")["resources"] == []
    with cloud.store.read() as state:
        assert [failure.why for failure in state.failures] == ["no base image could be made"]


def test_droplets_are_found_by_name_and_by_tag(api: Client, make_droplet: MakeDroplet) -> None:
    make_droplet("web", tags=["front"])
    make_droplet("db", tags=["back"])
    assert [each["name"] for each in api.get("/v2/droplets?tag_name=front")["droplets"]] == ["web"]
    assert [each["name"] for each in api.get("/v2/droplets?name=db")["droplets"]] == ["db"]
    assert api.get("/v2/droplets?tag_name=none")["droplets"] == []


def test_a_deleted_droplet_is_gone_from_everything_that_named_it(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    droplet = make_droplet(tags=["web"])
    id = droplet["id"]
    rule = {"protocol": "tcp", "ports": "22", "sources": {"droplet_ids": [id], "addresses": ["10.0.0.0/8"]}}
    wall = api.post(
        "/v2/firewalls", {"name": "wall", "inbound_rules": [rule], "droplet_ids": [id]}, expect=202
    )["firewall"]
    ip = api.post("/v2/reserved_ips", {"region": "fra1"}, expect=202)["reserved_ip"]["ip"]
    api.act(f"/v2/reserved_ips/{ip}/actions", type="assign", droplet_id=id)
    api.delete(f"/v2/droplets/{id}")
    api.get(f"/v2/droplets/{id}", expect=404)
    api.delete(f"/v2/droplets/{id}", expect=404)
    assert id not in fleet.specs
    left = api.get(f"/v2/firewalls/{wall['id']}")["firewall"]
    assert left["droplet_ids"] == []
    assert left["inbound_rules"][0]["sources"] == {"addresses": ["10.0.0.0/8"]}
    assert api.get(f"/v2/reserved_ips/{ip}")["reserved_ip"]["droplet"] is None
    assert api.get("/v2/tags/web")["tag"]["resources"]["droplets"]["count"] == 0
    assert api.get(f"/v2/vpcs/{droplet['vpc_uuid']}/members")["members"] == []
    urns = [each["urn"] for each in api.get("/v2/projects/default/resources")["resources"]]
    assert urns == [f"do:floatingip:{ip}"]


def test_droplets_are_deleted_by_tag(api: Client, make_droplet: MakeDroplet) -> None:
    make_droplet("a", tags=["old"])
    make_droplet("b", tags=["old"])
    make_droplet("c")
    api.delete("/v2/droplets?tag_name=old")
    assert [each["name"] for each in api.get("/v2/droplets")["droplets"]] == ["c"]
    api.delete("/v2/droplets?tag_name=none", expect=404)


def test_an_address_just_given_back_is_not_handed_out_at_once(api: Client, make_droplet: MakeDroplet) -> None:
    first = make_droplet()
    api.delete(f"/v2/droplets/{first['id']}")
    assert address(make_droplet(), "public") != address(first, "public")


def test_a_droplet_goes_with_the_addresses_it_has(api: Client, make_droplet: MakeDroplet) -> None:
    id = make_droplet()["id"]
    made = api.post("/v2/reserved_ips", {"droplet_id": id}, expect=202)
    api.until_done(made["links"]["actions"][0]["id"])
    ip = made["reserved_ip"]["ip"]
    path = f"/v2/droplets/{id}/destroy_with_associated_resources"
    assert [each["id"] for each in api.get(path)["reserved_ips"]] == [ip]
    api.delete(f"{path}/dangerous", expect=400)
    api.get(f"/v2/droplets/{id}")
    assert api.http.delete(f"{path}/dangerous", headers={"X-Dangerous": "true"}).status_code == 202
    status = api.get(f"{path}/status")
    assert (status["droplet"]["id"], status["failures"]) == (str(id), 0)
    api.get(f"/v2/droplets/{id}", expect=404)
    api.get(f"/v2/reserved_ips/{ip}", expect=404)


def test_a_droplet_can_go_alone_and_leave_its_address(api: Client, make_droplet: MakeDroplet) -> None:
    id = make_droplet()["id"]
    made = api.post("/v2/reserved_ips", {"droplet_id": id}, expect=202)
    api.until_done(made["links"]["actions"][0]["id"])
    path = f"/v2/droplets/{id}/destroy_with_associated_resources/selective"
    assert api.http.request("DELETE", path, json={}).status_code == 202
    assert api.get(f"/v2/reserved_ips/{made['reserved_ip']['ip']}")["reserved_ip"]["droplet"] is None


def test_what_a_user_asked_twice_at_the_same_time_gets_different_addresses(cloud: Cloud) -> None:
    state = State()
    assert len({cloud.take_public_address(state) for _ in range(5)}) == 5
