"""Reserved addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.localcloud.client import Client
from tests.localcloud.recording import RecordingFleet

MakeDroplet = Callable[..., dict[str, Any]]


def reserve(api: Client, **fields: Any) -> str:
    return str(api.post("/v2/reserved_ips", {"region": "fra1"} | fields, expect=202)["reserved_ip"]["ip"])


def test_an_address_moves_from_droplet_to_droplet(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    first, second = make_droplet("a")["id"], make_droplet("b")["id"]
    ip = reserve(api)
    path = f"/v2/reserved_ips/{ip}"
    assert api.get(path)["reserved_ip"]["droplet"] is None
    done = api.act(f"{path}/actions", type="assign", droplet_id=first)
    assert (done["type"], done["resource_type"], done["status"]) == ("assign_ip", "reserved_ip", "completed")
    assert api.get(path)["reserved_ip"]["droplet"]["id"] == first
    api.act(f"{path}/actions", type="assign", droplet_id=second)
    assert (fleet.extra[first], fleet.extra[second]) == ([], [ip])
    api.act(f"{path}/actions", type="unassign")
    assert fleet.extra[second] == []
    assert api.get(path)["reserved_ip"]["droplet"] is None
    assert "is not assigned" in api.post(f"{path}/actions", {"type": "unassign"}, expect=422)["message"]


def test_an_address_reserved_for_a_droplet_is_assigned_at_once(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    id = make_droplet(region="ams3")["id"]
    made = api.post("/v2/reserved_ips", {"droplet_id": id}, expect=202)
    api.until_done(made["links"]["actions"][0]["id"])
    assert made["links"]["droplets"][0]["id"] == id
    assert made["reserved_ip"]["region"]["slug"] == "ams3"
    assert fleet.extra[id] == [made["reserved_ip"]["ip"]]


def test_a_droplet_has_one_reserved_address(api: Client, make_droplet: MakeDroplet) -> None:
    id = make_droplet()["id"]
    first, second = reserve(api), reserve(api)
    assert first != second
    api.act(f"/v2/reserved_ips/{first}/actions", type="assign", droplet_id=id)
    assign = {"type": "assign", "droplet_id": id}
    assert "already has" in api.post(f"/v2/reserved_ips/{second}/actions", assign, expect=422)["message"]


@pytest.mark.parametrize(
    ("action", "status", "message"),
    [
        ({"type": "assign", "droplet_id": 7}, 404, "could not be found"),
        ({"type": "assign"}, 422, "droplet_id can't be blank"),
        ({"type": "fly"}, 422, "not one of assign, unassign"),
    ],
)
def test_an_action_that_cannot_be_is_refused(
    api: Client, action: dict[str, Any], status: int, message: str
) -> None:
    path = f"/v2/reserved_ips/{reserve(api)}/actions"
    assert message in api.post(path, action, expect=status)["message"]


def test_an_address_stays_in_its_region(api: Client, make_droplet: MakeDroplet) -> None:
    id = make_droplet(region="ams3")["id"]
    assign = {"type": "assign", "droplet_id": id}
    refused = api.post(f"/v2/reserved_ips/{reserve(api)}/actions", assign, expect=422)
    assert "in fra1, the Droplet in ams3" in refused["message"]
    assert "Region" in api.post("/v2/reserved_ips", {}, expect=422)["message"]


def test_a_released_address_is_taken_from_its_droplet(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    id = make_droplet()["id"]
    ip = reserve(api)
    api.act(f"/v2/reserved_ips/{ip}/actions", type="assign", droplet_id=id)
    api.delete(f"/v2/reserved_ips/{ip}")
    assert fleet.extra[id] == []
    api.get(f"/v2/reserved_ips/{ip}", expect=404)


def test_the_old_name_leads_to_the_same_addresses(api: Client) -> None:
    ip = reserve(api)
    assert [each["ip"] for each in api.get("/v2/floating_ips")["floating_ips"]] == [ip]
    assert api.get(f"/v2/floating_ips/{ip}")["floating_ip"]["ip"] == ip
    made = api.post("/v2/floating_ips", {"region": "fra1"}, expect=202)
    api.delete(f"/v2/reserved_ips/{made['floating_ip']['ip']}")
