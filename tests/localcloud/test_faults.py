"""Faults made on purpose, and the knobs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from localcloud.faults import Fault, Faults
from tests.localcloud.client import Client
from tests.localcloud.recording import RecordingFleet

MakeDroplet = Callable[..., dict[str, Any]]
ASKED = {"name": "web", "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-13-x64"}


def test_an_error_comes_once_for_what_it_is_meant_for(api: Client) -> None:
    fault = {"kind": "error", "method": "POST", "path": "/v2/tags", "status": 503, "message": "try later"}
    api.post("/control/faults", fault)
    api.get("/v2/tags")
    refused = api.post("/v2/tags", {"name": "web"}, expect=503)
    assert (refused["id"], refused["message"]) == ("service_unavailable", "try later")
    assert api.get("/v2/tags")["tags"] == []
    api.post("/v2/tags", {"name": "web"})


def test_an_error_may_come_after_what_was_asked_is_done(api: Client) -> None:
    api.post("/control/faults", {"kind": "error", "path": "/v2/tags", "after": True, "times": 1})
    api.post("/v2/tags", {"name": "web"}, expect=500)
    assert [tag["name"] for tag in api.get("/v2/tags")["tags"]] == ["web"]


def test_an_error_may_say_when_to_come_again(api: Client) -> None:
    api.post("/control/faults", {"kind": "error", "status": 429, "retry_after": 2, "times": 2})
    assert api.http.get("/v2/tags").headers["retry-after"] == "2"
    api.get("/v2/account", expect=429)
    api.get("/v2/account")


def test_a_delay_holds_the_answer_back(api: Client) -> None:
    api.post("/control/faults", {"kind": "delay", "path": "/v2/acc*", "seconds": 0.3})
    begun = time.monotonic()
    api.get("/v2/account")
    assert time.monotonic() - begun >= 0.3


def test_a_stuck_action_goes_on_once_the_faults_are_cleared(api: Client) -> None:
    api.post("/control/faults", {"kind": "stuck_action", "type": "create"})
    made = api.post("/v2/droplets", ASKED, expect=202)
    action = made["links"]["actions"][0]["id"]
    assert api.get(f"/v2/actions/{action}")["action"]["status"] == "in-progress"
    assert api.get(f"/v2/droplets/{made['droplet']['id']}")["droplet"]["status"] == "new"
    api.delete("/control/faults")
    assert api.until_done(action)["status"] == "completed"


def test_an_action_can_be_made_to_fail(api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet) -> None:
    id = make_droplet()["id"]
    api.post("/control/faults", {"kind": "failed_action", "type": "reboot", "message": "no power"})
    assert api.act(f"/v2/droplets/{id}/actions", type="reboot")["status"] == "errored"
    assert fleet.calls == []
    droplet = api.get(f"/v2/droplets/{id}")["droplet"]
    assert (droplet["status"], droplet["locked"]) == ("active", False)
    api.post("/control/faults", {"kind": "failed_action", "type": "create"})
    made = api.post("/v2/droplets", ASKED, expect=202)
    assert api.until_done(made["links"]["actions"][0]["id"])["status"] == "errored"
    api.get(f"/v2/droplets/{made['droplet']['id']}", expect=404)


def test_faults_in_wait_are_shown_and_cleared(api: Client) -> None:
    api.post("/control/faults", {"kind": "error", "times": 3})
    assert [fault["times"] for fault in api.get("/control/faults")["faults"]] == [3]
    api.get("/v2/account", expect=500)
    assert [fault["times"] for fault in api.get("/control/faults")["faults"]] == [2]
    api.delete("/control/faults")
    api.get("/v2/account")


@pytest.mark.parametrize(
    "fault",
    [{"kind": "earthquake"}, {"kind": "error", "status": 200}, {"kind": "error", "colour": "red"}, {}],
)
def test_a_fault_there_is_not_is_refused(api: Client, fault: dict[str, Any]) -> None:
    api.post("/control/faults", fault, expect=422)
    assert api.get("/control/faults")["faults"] == []


def test_faults_are_used_up_in_the_order_they_were_added() -> None:
    faults = Faults()
    faults.add(Fault(kind="error", status=500))
    faults.add(Fault(kind="error", status=503))
    hits = [faults.for_request("error", "GET", "/v2/tags") for _ in range(3)]
    assert [hit.status if hit else None for hit in hits] == [500, 503, None]


def test_actions_take_as_long_as_the_knob_says(api: Client, make_droplet: MakeDroplet) -> None:
    id = make_droplet()["id"]
    assert api.put("/control/knobs", {"action_delay": 0.3})["knobs"]["action_delay"] == 0.3
    begun = time.monotonic()
    api.act(f"/v2/droplets/{id}/actions", type="reboot")
    assert time.monotonic() - begun >= 0.3
    assert "Extra inputs" in api.put("/control/knobs", {"speed": 1}, expect=422)["message"]
