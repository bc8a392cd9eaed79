"""Where the logs go: what may be set, which hosts that makes, and what it does not touch."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.settings import SettingsError, load
from infra.topology import Opening, plan
from tests.unit.infra import recording as r
from tests.unit.infra.recording import Graph, Secret, texts
from tests.unit.infra.test_settings import LEAST, complaints

Program = Callable[..., Graph]
SERVICE = "logs.example.com:6514"
BALANCED = {"topology": "balanced", "app_hosts": 2}
OWN = {**BALANCED, "syslog": "host"}
TOKEN = 'logs@41058 token="hunter2"'  # noqa: S105  nobody's


def configurations(graph: Graph) -> dict[str, str]:
    hosts = json.loads(graph.one(r.LOCAL).plain("stdin"))["hosts"]
    return {host["name"]: host["configuration"] for host in hosts if "configuration" in host}


@pytest.mark.parametrize(
    "changes",
    [
        {"syslog": "yes"},
        {"syslog": "logs.example.com"},
        {"syslog": "logs.example.com:0"},
        {"syslog": "logs.example.com:65536"},
        {"syslog": "10.0.0.1 :514"},
        {"syslog": "tcp://logs.example.com:514"},
        {**OWN, "syslog_keep_days": "0"},
        {**OWN, "syslog_size": "big"},
    ],
)
def test_a_place_that_is_none_is_refused_by_name(changes: dict[str, Any]) -> None:
    (line,) = complaints(changes)
    assert line.startswith("syslog")


def test_a_single_host_has_no_syslog_host_and_is_told_so() -> None:
    (line,) = complaints({"syslog": "host"})
    assert line.startswith("syslog: 'host' is not allowed (topology is single, which is one host)")
    assert load({**LEAST, "syslog": SERVICE}).syslog == SERVICE


def test_a_token_is_kept_secret_and_goes_to_an_outside_service_alone() -> None:
    whole = {**LEAST, "syslog": SERVICE, "syslog_token": TOKEN}
    assert load(whole, secret=["syslog_token"]).syslog_token.get_secret_value() == TOKEN
    for wrong, secret in (
        (whole, []),
        ({**whole, "syslog": ""}, ["syslog_token"]),
        ({**whole, **OWN}, ["syslog_token"]),
        ({**whole, "syslog_token": "] hunter2"}, ["syslog_token"]),
    ):
        with pytest.raises(SettingsError) as raised:
            load(wrong, secret=secret)
        assert "syslog_token: [secret] is not allowed" in str(raised.value)
        assert "hunter2" not in str(raised.value)


def test_a_syslog_host_is_one_more_that_all_others_send_to() -> None:
    wanted = plan(load({**LEAST, **OWN, "syslog_size": "s-1vcpu-512mb-10gb"}))
    assert {host.name: host.roles for host in wanted.hosts} == {
        "edge-1": ("base", "edge", "sender"),
        "app-1": ("base", "app", "sender"),
        "app-2": ("base", "app", "sender"),
        "data-1": ("base", "database", "cache", "sender"),
        "log-1": ("base", "syslog"),
    }
    assert (wanted.hosts[-1].size, wanted.hosts[-1].keeps_data) == ("s-1vcpu-512mb-10gb", True)
    assert wanted.groups == ("edge", "app", "data", "log")
    assert [opening for opening in wanted.openings if opening.to == "log"] == [
        Opening(to="log", ports=(6514,), source=group) for group in ("edge", "app", "data")
    ]


def test_an_outside_service_needs_no_host_and_opens_nothing() -> None:
    for topology in ({}, BALANCED):
        without = plan(load({**LEAST, **topology}))
        wanted = plan(load({**LEAST, **topology, "syslog": SERVICE}))
        assert [host.name for host in wanted.hosts] == [host.name for host in without.hosts]
        assert all(host.roles[-1] == "sender" for host in wanted.hosts)
        assert wanted.openings == without.openings


def test_only_the_stacks_own_hosts_reach_the_syslog_host(program: Program) -> None:
    walls = {wall.inputs["name"]: wall.inputs for wall in program(OWN).all(r.FIREWALL)}
    site = "shop-staging"
    (rule,) = walls[f"{site}-log"]["inboundRules"]
    assert rule == {
        "protocol": "tcp",
        "portRange": "6514",
        "sourceTags": [f"{site}-{group}" for group in ("edge", "app", "data")],
    }
    assert walls[f"{site}-log"]["tags"] == [f"{site}-log"]


def test_the_certificate_names_the_syslog_host_and_its_key_is_for_that_host_alone(program: Program) -> None:
    graph = program(OWN)
    made = graph.one(r.CERTIFICATE).inputs
    assert (made["dnsNames"], made["validityPeriodHours"]) == (["log-1"], 87600)
    assert isinstance(made["privateKeyPem"], Secret)
    with_key = {x.name for x in graph.all(r.REMOTE) if "syslog_key=" in x.plain("stdin")}
    assert with_key == {"shop-log-1-provision"}
    plain = [text for x in graph.resources for text in texts(x.inputs, secrets=False)]
    assert not [text for text in plain if "-----PRIVATE" in text]
    assert program(BALANCED).all(r.CERTIFICATE) == []


def test_neither_setting_nor_changing_it_starts_the_site_anew(program: Program) -> None:
    without = program(BALANCED)
    for changes in (
        OWN,
        {**OWN, "syslog_keep_days": 90},
        {**BALANCED, "syslog": SERVICE},
    ):
        graph = program(changes)
        assert configurations(graph) == configurations(without)
        before = {x.name: x.plain("create") for x in without.all(r.REMOTE)}
        after = {x.name: x.plain("create") for x in graph.all(r.REMOTE)}
        assert not before.items() & after.items(), "every host learns of it"
    assert configurations(program({"syslog": SERVICE})) == configurations(program())


def test_how_long_logs_are_kept_is_the_syslog_hosts_own_matter(program: Program) -> None:
    short, long = (
        {x.name: x.plain("create") for x in program({**OWN, "syslog_keep_days": days}).all(r.REMOTE)}
        for days in (7, 90)
    )
    assert {name for name in short if short[name] != long[name]} == {"shop-log-1-provision"}


def test_a_token_is_in_the_open_nowhere(program: Program) -> None:
    settings = {"syslog": SERVICE, "syslog_token": TOKEN}
    graph = program(settings, secret=("syslog_token",))
    plain = [text for x in graph.resources for text in texts(x.inputs, secrets=False)]
    assert not [text for text in plain if "hunter2" in text]
