"""What is done to droplets: power, size, name, image; and one thing at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.localcloud.client import Client
from tests.localcloud.recording import RecordingFleet

MakeDroplet = Callable[..., dict[str, Any]]
PENDING = "Droplet already has a pending event."


def get(api: Client, id: int) -> dict[str, Any]:
    return dict(api.get(f"/v2/droplets/{id}")["droplet"])


@pytest.mark.parametrize(("type", "called"), [("shutdown", "shutdown"), ("power_off", "power_off")])
def test_a_droplet_goes_off_and_on(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet, type: str, called: str
) -> None:
    id = make_droplet()["id"]
    assert api.act(f"/v2/droplets/{id}/actions", type=type)["status"] == "completed"
    assert get(api, id)["status"] == "off"
    assert fleet.calls == [called]
    refused = api.post(f"/v2/droplets/{id}/actions", {"type": type}, expect=422)
    assert "Droplet is already powered off" in refused["message"]
    api.act(f"/v2/droplets/{id}/actions", type="power_on")
    assert get(api, id)["status"] == "active"
    api.post(f"/v2/droplets/{id}/actions", {"type": "power_on"}, expect=422)


def test_a_droplet_that_powers_itself_off_is_seen_to_be_off(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    id = make_droplet()["id"]
    fleet.power[id] = "off"
    assert get(api, id)["status"] == "off"
    assert api.act(f"/v2/droplets/{id}/actions", type="power_on")["status"] == "completed"
    assert get(api, id)["status"] == "active"


def test_only_a_droplet_that_is_off_is_resized(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    id = make_droplet(size="s-1vcpu-1gb")["id"]
    path = f"/v2/droplets/{id}/actions"
    resize = {"type": "resize", "size": "s-2vcpu-4gb"}
    assert "powered off" in api.post(path, resize, expect=422)["message"]
    api.act(path, type="power_off")
    api.act(path, **resize)
    droplet = get(api, id)
    assert (droplet["size_slug"], droplet["memory"], droplet["vcpus"], droplet["disk"]) == (
        "s-2vcpu-4gb",
        4096,
        2,
        25,
    )
    assert fleet.sizes[id] == (4096, 2)
    api.act(path, **resize, disk=True)
    assert get(api, id)["disk"] == 80
    smaller = {"type": "resize", "size": "s-1vcpu-1gb"}
    assert "smaller disk" in api.post(path, smaller, expect=422)["message"]
    assert "invalid size" in api.post(path, {"type": "resize", "size": "x"}, expect=422)["message"]


def test_a_droplet_is_renamed(api: Client, make_droplet: MakeDroplet) -> None:
    id = make_droplet()["id"]
    api.act(f"/v2/droplets/{id}/actions", type="rename", name="shop")
    assert get(api, id)["name"] == "shop"
    wrong = {"type": "rename", "name": "a_b"}
    assert "hostname" in api.post(f"/v2/droplets/{id}/actions", wrong, expect=422)["message"]


def test_a_rebuilt_droplet_has_the_other_image_and_its_old_addresses(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    before = make_droplet(image="debian-12-x64")
    api.act(f"/v2/droplets/{before['id']}/actions", type="rebuild", image="debian-13-x64")
    after = get(api, before["id"])
    assert after["image"]["slug"] == fleet.specs[before["id"]].image == "debian-13-x64"
    assert (after["networks"], after["status"]) == (before["networks"], "active")


def test_backups_are_a_feature_that_comes_and_goes(api: Client, make_droplet: MakeDroplet) -> None:
    id = make_droplet()["id"]
    api.act(f"/v2/droplets/{id}/actions", type="enable_backups")
    assert "backups" in get(api, id)["features"]
    api.act(f"/v2/droplets/{id}/actions", type="disable_backups")
    assert "backups" not in get(api, id)["features"]


def test_an_action_there_is_not_is_refused_by_name(api: Client, make_droplet: MakeDroplet) -> None:
    id = make_droplet()["id"]
    refused = api.post(f"/v2/droplets/{id}/actions", {"type": "snapshot"}, expect=422)
    assert "snapshot is not available in the local cloud" in refused["message"]


def test_one_thing_is_done_to_a_droplet_at_a_time(api: Client, make_droplet: MakeDroplet) -> None:
    id = make_droplet(tags=["web"])["id"]
    api.post("/control/faults", {"kind": "stuck_action", "type": "reboot"})
    stuck = api.post(f"/v2/droplets/{id}/actions", {"type": "reboot"})["action"]
    assert get(api, id)["locked"] is True
    ip = api.post("/v2/reserved_ips", {"region": "fra1"}, expect=202)["reserved_ip"]["ip"]
    for refused in (
        api.post(f"/v2/droplets/{id}/actions", {"type": "power_off"}, expect=422),
        api.post("/v2/droplets/actions?tag_name=web", {"type": "power_off"}, expect=422),
        api.post(f"/v2/reserved_ips/{ip}/actions", {"type": "assign", "droplet_id": id}, expect=422),
        api.delete(f"/v2/droplets/{id}", expect=422),
        api.delete("/v2/droplets?tag_name=web", expect=422),
    ):
        assert refused["message"] == PENDING
    api.delete("/control/faults")
    assert api.until_done(stuck["id"])["status"] == "completed"
    assert get(api, id)["locked"] is False
    api.delete(f"/v2/droplets/{id}")


def test_a_droplet_still_being_made_cannot_be_acted_on(api: Client, fleet: RecordingFleet) -> None:
    fleet.gate.clear()
    asked = {"name": "web", "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-13-x64"}
    made = api.post("/v2/droplets", asked, expect=202)
    path = f"/v2/droplets/{made['droplet']['id']}"
    assert api.post(f"{path}/actions", {"type": "power_off"}, expect=422)["message"] == PENDING
    assert api.delete(path, expect=422)["message"] == PENDING
    fleet.gate.set()
    api.until_done(made["links"]["actions"][0]["id"])


def test_all_droplets_of_a_tag_are_acted_on(api: Client, make_droplet: MakeDroplet) -> None:
    ids = [make_droplet(name, tags=["web"])["id"] for name in ("a", "b")]
    other = make_droplet("c")["id"]
    for action in api.post("/v2/droplets/actions?tag_name=web", {"type": "shutdown"})["actions"]:
        api.until_done(action["id"])
    assert [get(api, id)["status"] for id in (*ids, other)] == ["off", "off", "active"]


def test_actions_are_kept_newest_first(api: Client, make_droplet: MakeDroplet) -> None:
    id = make_droplet()["id"]
    done = api.act(f"/v2/droplets/{id}/actions", type="reboot")
    found = api.get(f"/v2/droplets/{id}/actions")["actions"]
    assert [action["type"] for action in found] == ["reboot", "create"]
    assert api.get(f"/v2/droplets/{id}/actions/{done['id']}")["action"] == done
    assert done["resource_id"] == id
    api.get(f"/v2/droplets/{id}/actions/1", expect=404)
