"""The whole program with several hosts: who is told what, what is open, what their number changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from provisioning import bundle
from provisioning.bundle import Bundle
from tests.unit.infra import recording as r
from tests.unit.infra.recording import UNKNOWN, Graph, texts

Program = Callable[..., Graph]
BALANCED = {"topology": "balanced", "app_hosts": 3}
TWO_EDGES = {**BALANCED, "edges": 2, "edge_api": "http://10.0.0.1:8790", "edge_token": "the-edge-token"}


@dataclass
class Told:
    """What the roles of each host were given, by its name."""

    variables: dict[str, Mapping[str, str]] = field(default_factory=dict)
    secrets: dict[str, Mapping[str, str]] = field(default_factory=dict)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Records what is rendered; a bundle is then its inputs' digest."""
    record = Told()

    def render(
        *, host: str, roles: Sequence[str], variables: Mapping[str, str], secrets: Mapping[str, str]
    ) -> Bundle:
        record.variables[host], record.secrets[host] = variables, secrets
        everything = json.dumps([host, roles, variables, secrets], sort_keys=True)
        digest = hashlib.sha256(everything.encode()).hexdigest()
        return Bundle(digest=digest, configuration=digest, command=f"apply {digest}", stdin=everything)

    monkeypatch.setattr(bundle, "render", render)
    return record


def request(graph: Graph) -> dict[str, Any]:
    loaded = json.loads(graph.one(r.LOCAL).plain("stdin"))
    assert isinstance(loaded, dict)
    return loaded


def test_every_host_is_there_once_with_the_tags_of_all_and_of_its_group(program: Program) -> None:
    graph = program(BALANCED)
    tags = {droplet.inputs["name"]: droplet.inputs["tags"] for droplet in graph.all(r.DROPLET)}
    site = "shop-staging"
    assert tags == {
        f"{site}-edge-1": [site, f"{site}-edge"],
        **{f"{site}-app-{number}": [site, f"{site}-app"] for number in (1, 2, 3)},
        f"{site}-data-1": [site, f"{site}-data"],
    }
    assert {tag.inputs["name"] for tag in graph.all(r.TAG)} == {tag for both in tags.values() for tag in both}
    assert graph.duplicates() == []


def test_the_roles_accept_what_each_host_is_told(program: Program) -> None:
    assert len(program(BALANCED).all(r.REMOTE)) == 5
    assert len(program({**BALANCED, "cache": "none", "rate_limit": 100}).all(r.REMOTE)) == 5


def test_the_rollout_accepts_what_it_is_asked_for(program: Program) -> None:
    accepted = pytest.importorskip("provisioning.request")
    accepted.Request.model_validate_json(program(BALANCED).one(r.LOCAL).plain("stdin"))


@pytest.mark.parametrize(("limit", "rate"), [(0, None), (10, 1), (60, 3), (600, 30), (100_000, 50)])
def test_a_rollout_measures_with_at_most_half_of_what_a_client_may_ask(
    program: Program, told: Told, limit: int, rate: int | None
) -> None:
    del told
    assert request(program({**BALANCED, "rate_limit": limit})).get("probe_rate") == rate


def test_only_the_edge_is_open_to_everyone_and_the_others_to_their_neighbours(
    program: Program, told: Told
) -> None:
    del told
    firewalls = {wall.inputs["name"]: wall.inputs for wall in program(BALANCED).all(r.FIREWALL)}
    everyone = ["0.0.0.0/0", "::/0"]
    site = "shop-staging"
    opened = {
        (name, rule["portRange"]): rule.get("sourceTags") or rule["sourceAddresses"]
        for name, wall in firewalls.items()
        for rule in wall["inboundRules"]
        if rule["protocol"] == "tcp"
    }
    assert opened == {
        (site, "22"): ["203.0.113.7/32"],
        (f"{site}-edge", "80"): everyone,
        (f"{site}-edge", "443"): everyone,
        (f"{site}-edge", "8405"): [f"{site}-edge"],
        (f"{site}-app", "80"): [f"{site}-edge"],
        (f"{site}-data", "5432"): [f"{site}-app"],
        (f"{site}-data", "6379"): [f"{site}-app"],
    }
    assert {name: wall["tags"] for name, wall in firewalls.items()} == {
        name: [name] for name in (site, f"{site}-edge", f"{site}-app", f"{site}-data")
    }


def test_the_sites_name_leads_to_the_edge(program: Program, told: Told) -> None:
    del told
    graph = program(BALANCED)
    assert graph.one(r.RECORD).inputs["value"] == "192.0.2.21"
    graph = program({**BALANCED, "reserved_ip": True})
    assert graph.one(r.RESERVED_IP).name == "shop-edge-1-address"
    assert graph.one(r.RECORD).inputs["value"] == "192.0.2.99"


def test_with_two_edges_the_sites_name_leads_to_an_address_that_none_of_them_owns(
    program: Program, told: Told
) -> None:
    del told
    graph = program(TWO_EDGES)
    address = graph.one(r.RESERVED_IP)
    assert address.name == "shop-edge-1-address"
    assert address.request.ignoreChanges == ["dropletId"]
    assert graph.one(r.RECORD).inputs["value"] == "192.0.2.99"
    hosts = graph.outputs["hosts"].value
    assert {hosts[edge]["public_address"] for edge in ("edge-1", "edge-2")} == {"192.0.2.21", "192.0.2.22"}
    assert request(graph)["site_address"] == "192.0.2.99"


def test_a_single_edges_address_stays_where_the_settings_say(program: Program, told: Told) -> None:
    del told
    address = program({**BALANCED, "reserved_ip": True}).one(r.RESERVED_IP)
    assert list(address.request.ignoreChanges) == []


def test_each_of_two_edges_knows_the_other_and_the_address(program: Program, told: Told) -> None:
    program(TWO_EDGES)
    one, two = told.variables["edge-1"], told.variables["edge-2"]
    assert (one["edge_peer"], two["edge_peer"]) == (two["private_address"], one["private_address"])
    assert (one["edge_peer_droplet"], two["edge_peer_droplet"]) == (two["droplet_id"], one["droplet_id"])
    assert one["droplet_id"] != two["droplet_id"]
    assert one["site_address"] == two["site_address"] == "192.0.2.99"
    assert one["edge_api"] == "http://10.0.0.1:8790"
    assert told.variables["app-1"]["edge_addresses"] == "10.10.0.21 10.10.0.22"
    assert "edge_peer" not in told.variables["app-1"]


def test_the_roles_accept_what_two_edges_are_told(program: Program) -> None:
    assert len(program(TWO_EDGES).all(r.REMOTE)) == 6
    assert len(program(TWO_EDGES, preview=True).all(r.REMOTE)) == 6


def test_only_edges_get_the_token_and_it_is_in_the_open_nowhere(program: Program, told: Told) -> None:
    graph = program(TWO_EDGES)
    assert {host for host, secrets in told.secrets.items() if "edge_token" in secrets} == {"edge-1", "edge-2"}
    plain = [text for x in graph.resources for text in texts(x.inputs, secrets=False)]
    assert not [text for text in plain if "the-edge-token" in text]


def test_the_edge_knows_its_app_hosts_by_their_private_addresses(program: Program, told: Told) -> None:
    program({**BALANCED, "health_path": "/healthz", "rate_limit": 50, "drain_seconds": 10})
    edge = told.variables["edge-1"]
    assert edge["app_servers"] == "app-1=10.10.0.31 app-2=10.10.0.32 app-3=10.10.0.33"
    assert (edge["health_path"], edge["rate_limit"], edge["drain_seconds"]) == ("/healthz", "50", "10")


def test_an_app_host_knows_where_the_data_is_and_which_edge_to_believe(program: Program, told: Told) -> None:
    program(BALANCED)
    app = told.variables["app-2"]
    assert (app["database_host"], app["redis_host"]) == ("10.10.0.61", "10.10.0.61")
    assert app["edge_addresses"] == "10.10.0.21"
    assert (app["private_address"], app["private_network"]) == ("10.10.0.32", "10.10.0.0/20")
    program({**BALANCED, "cache": "none"})
    assert told.variables["app-2"]["redis_host"] == ""


def test_no_host_gets_a_secret_that_it_has_no_use_for(program: Program, told: Told) -> None:
    program({**BALANCED, "environment": {"TOKEN": "x"}})
    assert set(told.secrets["edge-1"]) == {"stats_password"}
    assert set(told.secrets["data-1"]) == {"database_password", "redis_password"}
    app = {"secret_key", "database_password", "redis_password", "env.TOKEN"}
    assert set(told.secrets["app-1"]) == set(told.secrets["app-3"]) == app
    assert told.secrets["app-1"] == told.secrets["app-3"]


def test_a_single_site_makes_no_password_for_hosts_that_it_does_not_have(program: Program) -> None:
    assert {x.name for x in program().all(r.PASSWORD)} == {"shop-secret-key", "shop-database-password"}


@pytest.mark.parametrize(("before", "after"), [(3, 2), (2, 4)])
def test_another_number_of_app_hosts_touches_those_the_edge_and_the_release(
    program: Program, told: Told, before: int, after: int
) -> None:
    del told
    first, then = (
        {x.urn: x for x in program({**BALANCED, "app_hosts": n}).resources} for n in (before, after)
    )
    fewer, more = sorted((first, then), key=len)
    numbers = range(min(before, after) + 1, max(before, after) + 1)
    assert set(fewer) < set(more)
    come_or_gone = [more[urn].name for urn in set(more) - set(fewer)]
    assert come_or_gone and all(any(f"-app-{n}" in name for n in numbers) for name in come_or_gone)
    assert {fewer[urn].name for urn in fewer if fewer[urn].inputs != more[urn].inputs} == {
        "shop-edge-1-provision",
        "shop-release-rollout",
    }


def test_a_host_more_does_not_make_the_others_start_again(program: Program, told: Told) -> None:
    del told

    def configurations(**changes: Any) -> dict[str, str]:
        hosts = request(program({**BALANCED, **changes}))["hosts"]
        return {host["name"]: host["configuration"] for host in hosts if "configuration" in host}

    few, many = configurations(app_hosts=2), configurations(app_hosts=4)
    assert list(many) == ["app-1", "app-2", "app-3", "app-4"]
    assert few.items() < many.items()
    assert not few.items() & configurations(app_hosts=2, environment={"PAGE": "20"}).items()
    assert configurations(rate_limit=50).items() == configurations().items(), "the edge's own matter"


def test_the_rollout_waits_for_every_host_and_knows_them_all(program: Program, told: Told) -> None:
    del told
    graph = program({**BALANCED, "batch_size": 2, "drain_seconds": 45})
    asked = request(graph)
    roles = {host["name"]: host["roles"] for host in asked["hosts"]}
    assert roles["edge-1"] == ["base", "edge"]
    assert list(roles) == ["edge-1", "app-1", "app-2", "app-3", "data-1"]
    assert (asked["batch_size"], asked["drain_seconds"]) == (2, 45)
    waited_for = graph.one(r.LOCAL).request.dependencies
    for name in roles:
        assert any(urn.endswith(f"shop-{name}-provision") for urn in waited_for), name


def test_what_holds_data_is_protected_and_what_comes_and_goes_is_not(program: Program, told: Told) -> None:
    del told
    graph = program({**BALANCED, "protect": True, "reserved_ip": True})
    protected = {x.name for x in graph.resources if x.request.protect}
    passwords = {x.name for x in graph.all(r.PASSWORD)}
    assert protected == {"shop-data-1-droplet", "shop-edge-1-address", *passwords}


def test_each_host_is_in_the_outputs_and_tests_log_in_to_an_app_host(program: Program, told: Told) -> None:
    del told
    outputs = program({**BALANCED, "allow_test_commands": True}).outputs
    hosts = outputs["hosts"].value
    assert list(hosts) == ["edge-1", "app-1", "app-2", "app-3", "data-1"]
    assert hosts["app-2"]["private_address"] == "10.10.0.32"
    assert outputs["functional_test_env"].value["SITE_SSH"] == "seatrial@192.0.2.31"


def test_no_secret_of_several_hosts_is_in_the_open(program: Program, told: Told) -> None:
    del told
    graph = program(BALANCED)
    plain = [text for x in graph.resources for text in texts(x.inputs, secrets=False)]
    assert not [text for text in plain if "random-shop" in text or "-----PRIVATE" in text]


def test_a_first_preview_of_several_hosts_knows_no_address(program: Program, told: Told) -> None:
    graph = program(BALANCED, preview=True)
    assert {x.urn for x in graph.resources} == {x.urn for x in program(BALANCED).resources}
    assert {x.plain("stdin") for x in graph.all(r.REMOTE)} == {UNKNOWN}
    assert told.variables
