"""Private networks."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import Cloud, Knobs
from localcloud.store import Store
from tests.localcloud.client import Client
from tests.localcloud.recording import RecordingFleet

MakeDroplet = Callable[..., dict[str, Any]]


def make(api: Client, name: str = "net", *, expect: int = 201, **fields: Any) -> dict[str, Any]:
    answer = api.post("/v2/vpcs", {"name": name, "region": "fra1"} | fields, expect=expect)
    return dict(answer["vpc"] if expect == 201 else answer)


def test_ranges_picked_by_the_cloud_never_overlap(api: Client) -> None:
    ranges = [ip_network(make(api, f"net-{n}")["ip_range"]) for n in range(4)]
    ranges += [ip_network(vpc["ip_range"]) for vpc in api.get("/v2/vpcs")["vpcs"] if vpc["default"]]
    assert len(ranges) == 5
    assert all(range.prefixlen == 20 for range in ranges)
    assert not any(a.overlaps(b) for a in ranges for b in ranges if a is not b)


def test_a_users_vpc_is_never_the_default_and_so_can_be_deleted(api: Client) -> None:
    vpc = make(api)
    assert vpc["default"] is False
    default = next(each for each in api.get("/v2/vpcs")["vpcs"] if each["default"])
    assert (default["name"], default["region"]) == ("default-fra1", "fra1")
    assert api.delete(f"/v2/vpcs/{default['id']}", expect=403)["message"] == "Can not delete default VPCs"
    refused = api.put(f"/v2/vpcs/{default['id']}", {"default": False}, expect=403)
    assert refused["message"] == "Can not unset default VPCs"
    api.delete(f"/v2/vpcs/{vpc['id']}")
    api.get(f"/v2/vpcs/{vpc['id']}", expect=404)


def test_another_vpc_can_be_made_the_default(api: Client) -> None:
    vpc = make(api)
    assert api.put(f"/v2/vpcs/{vpc['id']}", {"default": True})["vpc"]["default"] is True
    assert [each["id"] for each in api.get("/v2/vpcs")["vpcs"] if each["default"]] == [vpc["id"]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "a net"}, "Name may only contain"),
        ({"region": "mars1"}, "Region is not available"),
        ({"ip_range": "10.0.0.0"}, "invalid size"),
        ({"ip_range": "10.0.0.1/24"}, "not a network in CIDR notation"),
        ({"ip_range": "10.0.0.0/8"}, "between /16 and /28"),
        ({"ip_range": "10.0.0.0/29"}, "between /16 and /28"),
        ({"ip_range": "8.8.0.0/16"}, "not a private network"),
    ],
)
def test_a_vpc_that_cannot_be_is_refused(api: Client, fields: dict[str, Any], message: str) -> None:
    assert message in make(api, expect=422, **fields)["message"]
    assert api.get("/v2/vpcs")["vpcs"] == []


def test_names_and_ranges_are_unique(api: Client) -> None:
    make(api, ip_range="10.50.0.0/16")
    assert "already exists" in make(api, expect=422)["message"]
    overlapping = make(api, "other", expect=422, ip_range="10.50.3.0/24")
    assert "overlaps with another VPC network in your account" in overlapping["message"]


def test_a_vpc_with_members_stays(api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet) -> None:
    vpc = make(api)
    droplet = make_droplet(vpc_uuid=vpc["id"])
    assert len(fleet.networks) == 2
    assert api.delete(f"/v2/vpcs/{vpc['id']}", expect=409)["message"] == "Can not delete VPC with members"
    api.delete(f"/v2/droplets/{droplet['id']}")
    api.delete(f"/v2/vpcs/{vpc['id']}")
    assert set(fleet.networks) == {"public"}


def test_members_can_be_made_to_linger_after_their_end(
    api: Client, make_droplet: MakeDroplet, cloud: Cloud
) -> None:
    vpc = make(api)
    droplet = make_droplet(vpc_uuid=vpc["id"])
    cloud.knobs = Knobs(vpc_member_lag=600)
    api.delete(f"/v2/droplets/{droplet['id']}")
    members = api.get(f"/v2/vpcs/{vpc['id']}/members")["members"]
    assert [member["urn"] for member in members] == [f"do:droplet:{droplet['id']}"]
    api.delete(f"/v2/vpcs/{vpc['id']}", expect=409)


def test_two_clouds_on_one_machine_pick_from_different_ranges(tmp_path: Path, fleet: RecordingFleet) -> None:
    ranges, networks = [], []
    for number in (0, 3):
        cloud = Cloud(Store(tmp_path / f"{number}.json"), fleet, number)
        with cloud.store.change() as state:
            ranges.append(ip_network(cloud.default_vpc(state, "fra1").ip_range))
        networks.append(str(cloud.public_network))
        cloud.close()
    assert not ranges[0].overlaps(ranges[1])
    assert networks == ["198.18.0.0/24", "198.18.3.0/24"]
