"""Cloud firewalls: what the API takes and answers, and what the machines are told to enforce."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.machine_types import Firewall, Rule
from tests.localcloud.client import Client
from tests.localcloud.recording import RecordingFleet

MakeDroplet = Callable[..., dict[str, Any]]
ANYWHERE = ["0.0.0.0/0", "::/0"]


def rule(ports: str = "22", protocol: str = "tcp", **sources: Any) -> dict[str, Any]:
    return {"protocol": protocol, "ports": ports, "sources": sources or {"addresses": ANYWHERE}}


def make(api: Client, name: str = "wall", *, expect: int = 202, **fields: Any) -> dict[str, Any]:
    answer = api.post("/v2/firewalls", {"name": name, "inbound_rules": [rule()]} | fields, expect=expect)
    return dict(answer["firewall"] if expect == 202 else answer)


def opened(fleet: RecordingFleet, id: int) -> set[tuple[str, tuple[int, int] | None, tuple[str, ...]]]:
    enforced = fleet.firewalls[id]
    assert enforced is not None
    return {(rule.protocol, rule.ports, rule.addresses) for rule in enforced.inbound}


def public(droplet: dict[str, Any]) -> str:
    return next(str(net["ip_address"]) for net in droplet["networks"]["v4"] if net["type"] == "public")


def test_a_droplet_with_no_firewall_is_open_and_with_one_has_only_its_rules(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    id = make_droplet(tags=["web"])["id"]
    assert fleet.firewalls[id] is None
    wall = make(api, tags=["web"])
    assert fleet.firewalls[id] == Firewall(
        inbound=(Rule(protocol="tcp", ports=(22, 22), addresses=("0.0.0.0/0", "::/0")),), outbound=()
    )
    api.delete(f"/v2/firewalls/{wall['id']}")
    assert fleet.firewalls[id] is None


def test_a_droplet_made_under_a_firewall_has_it_before_it_runs(api: Client, fleet: RecordingFleet) -> None:
    api.post("/v2/tags", {"name": "web"})
    make(api, tags=["web"])
    fleet.gate.clear()
    asked = {"region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-13-x64", "name": "w", "tags": ["web"]}
    made = api.post("/v2/droplets", asked, expect=202)
    waiting = api.get("/v2/firewalls")["firewalls"][0]
    id = made["droplet"]["id"]
    assert waiting["status"] == "waiting"
    assert waiting["pending_changes"] == [{"droplet_id": id, "removing": False, "status": "waiting"}]
    fleet.gate.set()
    api.until_done(made["links"]["actions"][0]["id"])
    assert opened(fleet, id) == {("tcp", (22, 22), ("0.0.0.0/0", "::/0"))}
    done = api.get("/v2/firewalls")["firewalls"][0]
    assert (done["status"], done["pending_changes"]) == ("succeeded", [])


def test_several_firewalls_on_one_droplet_add_up(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    id = make_droplet(tags=["web"])["id"]
    make(api, "ssh", droplet_ids=[id])
    make(api, "http", tags=["web"], inbound_rules=[rule("80"), rule()])
    assert {ports for _, ports, _ in opened(fleet, id)} == {(22, 22), (80, 80)}


def test_tagging_changes_what_is_enforced_without_a_call_to_the_firewall(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    id = make_droplet()["id"]
    api.post("/v2/tags", {"name": "web"})
    make(api, tags=["web"])
    assert fleet.firewalls[id] is None
    resources = {"resources": [{"resource_id": str(id), "resource_type": "droplet"}]}
    api.send("POST", "/v2/tags/web/resources", resources, 204)
    assert fleet.firewalls[id] is not None
    api.delete("/v2/tags/web/resources", resources)
    assert fleet.firewalls[id] is None
    api.send("POST", "/v2/tags/web/resources", resources, 204)
    api.delete("/v2/tags/web")
    assert fleet.firewalls[id] is None


def test_sources_by_tag_and_by_droplet_follow_their_members_addresses(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    db = make_droplet("db")["id"]
    app = make_droplet("app", tags=["app"])
    make(api, droplet_ids=[db], inbound_rules=[rule("5432", tags=["app"])])
    private = next(net["ip_address"] for net in app["networks"]["v4"] if net["type"] == "private")
    assert opened(fleet, db) == {("tcp", (5432, 5432), (f"{private}/32", f"{public(app)}/32"))}
    second = make_droplet("app-2", tags=["app"])
    assert f"{public(second)}/32" in next(iter(opened(fleet, db)))[2]
    made = api.post("/v2/reserved_ips", {"droplet_id": second["id"]}, expect=202)
    api.until_done(made["links"]["actions"][0]["id"])
    assert f"{made['reserved_ip']['ip']}/32" in next(iter(opened(fleet, db)))[2]
    for id in (app["id"], second["id"]):
        api.delete(f"/v2/droplets/{id}")
    assert opened(fleet, db) == {("tcp", (5432, 5432), ())}


@pytest.mark.parametrize(
    ("sent", "answered", "enforced"),
    [
        ("all", "0", None),
        ("0", "0", None),
        ("1-65535", "1-65535", None),
        ("22", "22", (22, 22)),
        ("8000-9000", "8000-9000", (8000, 9000)),
    ],
)
def test_ports_are_answered_as_the_real_api_answers_them(
    api: Client,
    make_droplet: MakeDroplet,
    fleet: RecordingFleet,
    sent: str,
    answered: str,
    enforced: tuple[int, int] | None,
) -> None:
    id = make_droplet()["id"]
    wall = make(api, droplet_ids=[id], inbound_rules=[rule(sent)])
    assert wall["inbound_rules"][0]["ports"] == answered
    assert next(iter(opened(fleet, id)))[1] == enforced


def test_icmp_needs_no_ports_and_empty_lists_are_left_out(api: Client) -> None:
    wall = make(api, inbound_rules=None, outbound_rules=[{"protocol": "icmp", "destinations": None}])
    assert wall["inbound_rules"] == []
    assert wall["outbound_rules"] == [{"protocol": "icmp", "ports": "0", "destinations": {}}]


def test_addresses_are_answered_as_they_were_sent(api: Client) -> None:
    wall = make(api, inbound_rules=[rule(addresses=["10.0.0.7", "10.1.2.3/8"])])
    assert wall["inbound_rules"][0]["sources"]["addresses"] == ["10.0.0.7", "10.1.2.3/8"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"inbound_rules": []}, "at least one rule"),
        ({"inbound_rules": [rule("")]}, "You must specify a positive value for ports."),
        ({"inbound_rules": [rule("90-80")]}, "you must specify a valid range for ports"),
        ({"inbound_rules": [rule("70000")]}, "you must specify a valid range for ports"),
        ({"inbound_rules": [rule() | {"sources": ["1.2.3.4"]}]}, "You specified an invalid type for one of"),
        ({"inbound_rules": [rule(addresses=["not-one"])]}, "invalid address 'not-one'"),
        ({"inbound_rules": [rule(tags=["none"])]}, "invalid address: there is no tag none"),
        ({"tags": ["none"]}, "invalid address: there is no tag none"),
        ({"droplet_ids": [7]}, "droplet 7 does not exist"),
        ({"inbound_rules": [rule(str(port)) for port in range(1, 52)]}, "at most 50 rules"),
        ({"inbound_rules": [rule(protocol="sctp")]}, "protocol"),
        ({"name": "a wall"}, "name must be"),
    ],
)
def test_a_firewall_that_cannot_be_is_refused(api: Client, fields: dict[str, Any], message: str) -> None:
    assert message in make(api, expect=422, **fields)["message"]
    assert api.get("/v2/firewalls")["firewalls"] == []


def test_a_second_firewall_of_the_same_name_is_a_conflict(api: Client) -> None:
    first = make(api)
    assert make(api, expect=409)["message"] == "duplicate name"
    api.put(f"/v2/firewalls/{first['id']}", {"name": "wall", "inbound_rules": [rule("80")]})


def test_a_put_replaces_the_whole_firewall(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    first, second = make_droplet("a")["id"], make_droplet("b")["id"]
    wall = make(api, droplet_ids=[first])
    body = {"name": "wall", "inbound_rules": [rule("80")], "droplet_ids": [second]}
    answered = api.put(f"/v2/firewalls/{wall['id']}", body)["firewall"]
    assert (answered["id"], answered["droplet_ids"]) == (wall["id"], [second])
    assert fleet.firewalls[first] is None
    assert {ports for _, ports, _ in opened(fleet, second)} == {(80, 80)}


def test_rules_tags_and_droplets_are_added_and_taken_one_by_one(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet
) -> None:
    id = make_droplet(tags=["web"])["id"]
    path = f"/v2/firewalls/{make(api)['id']}"
    api.send("POST", f"{path}/droplets", {"droplet_ids": [id]}, 204)
    api.send("POST", f"{path}/rules", {"inbound_rules": [rule("80")]}, 204)
    assert {ports for _, ports, _ in opened(fleet, id)} == {(22, 22), (80, 80)}
    api.delete(f"{path}/rules", {"inbound_rules": [rule("22")]})
    assert {ports for _, ports, _ in opened(fleet, id)} == {(80, 80)}
    assert api.delete(f"{path}/rules", {"inbound_rules": [rule("80")]}, expect=422)["id"]
    api.send("POST", f"{path}/tags", {"tags": ["web"]}, 204)
    api.delete(f"{path}/droplets", {"droplet_ids": [id]})
    assert fleet.firewalls[id] is not None
    api.delete(f"{path}/tags", {"tags": ["web"]})
    assert fleet.firewalls[id] is None
    api.send("POST", "/v2/firewalls/none/tags", {"tags": []}, 404)


def test_a_change_that_failed_on_a_machine_is_tried_again_with_the_next(
    api: Client, make_droplet: MakeDroplet, fleet: RecordingFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = make_droplet()["id"]
    with monkeypatch.context() as patch:

        def fail(*_: object) -> None:
            raise OSError("no nft here")

        patch.setattr(fleet, "set_firewall", fail)
        make(api, droplet_ids=[id])
    assert fleet.firewalls[id] is None
    api.post("/v2/tags", {"name": "web"})
    api.delete("/v2/tags/web")
    assert fleet.firewalls[id] is not None
