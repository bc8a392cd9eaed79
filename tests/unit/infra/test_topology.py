"""Which hosts the settings ask for, and what is open between them."""

from __future__ import annotations

from typing import Any

import pytest

from infra.settings import Settings, load
from infra.topology import Opening, plan
from tests.unit.infra.test_settings import LEAST


def settings(**changes: Any) -> Settings:
    return load({**LEAST, **changes})


def test_a_single_site_is_one_host_that_everyone_may_reach() -> None:
    wanted = plan(settings())
    assert [(host.name, host.roles) for host in wanted.hosts] == [
        ("web", ("base", "database", "cache", "app"))
    ]
    assert wanted.groups == ()
    assert wanted.openings == (Opening(to="", ports=(80, 443), source=""),)
    assert wanted.entry is wanted.app_hosts[0]


def test_a_balanced_site_is_an_edge_its_app_hosts_and_a_data_host() -> None:
    wanted = plan(settings(topology="balanced", app_hosts=3))
    assert {host.name: host.roles for host in wanted.hosts} == {
        "edge-1": ("base", "edge"),
        "app-1": ("base", "app"),
        "app-2": ("base", "app"),
        "app-3": ("base", "app"),
        "data-1": ("base", "database", "cache"),
    }
    assert wanted.entry.name == "edge-1"
    assert [host.name for host in wanted.app_hosts] == ["app-1", "app-2", "app-3"]
    assert [host.name for host in wanted.hosts if host.keeps_data] == ["data-1"]


def test_only_the_edge_is_open_to_the_world_and_each_group_only_to_the_one_before_it() -> None:
    assert plan(settings(topology="balanced")).openings == (
        Opening(to="edge", ports=(80, 443), source=""),
        Opening(to="edge", ports=(8405,), source="edge"),
        Opening(to="app", ports=(80,), source="edge"),
        Opening(to="data", ports=(5432, 6379), source="app"),
    )


def test_two_edges_watch_each_other_and_one_has_nobody_to_watch() -> None:
    two = plan(settings(topology="balanced", edges=2, edge_api="http://198.18.0.1:8790", edge_token="x"))
    one = plan(settings(topology="balanced"))
    assert {host.name: host.roles for host in two.hosts if host.group == "edge"} == {
        "edge-1": ("base", "edge", "failover"),
        "edge-2": ("base", "edge", "failover"),
    }
    assert two.entry.name == "edge-1"
    assert (one.shares_address, two.shares_address) == (False, True)
    assert two.openings == one.openings
    assert set(one.hosts[1:]) < set(two.hosts)


def test_a_cache_that_is_not_wanted_is_neither_there_nor_open() -> None:
    wanted = plan(settings(topology="balanced", cache="none"))
    assert wanted.hosts[-1].roles == ("base", "database")
    assert wanted.openings[-1].ports == (5432,)


def test_each_group_may_have_a_size_of_its_own() -> None:
    sizes = {"droplet_size": "s-1vcpu-2gb", "edge_size": "s-1vcpu-1gb", "data_size": "s-4vcpu-8gb"}
    hosts = plan(settings(topology="balanced", **sizes)).hosts
    assert {host.group: host.size for host in hosts} == {
        "edge": "s-1vcpu-1gb",
        "app": "s-1vcpu-2gb",
        "data": "s-4vcpu-8gb",
    }


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 4), (9, 10)])
def test_more_app_hosts_leave_the_others_as_they_are(before: int, after: int) -> None:
    few, many = (plan(settings(topology="balanced", app_hosts=n)) for n in (before, after))
    assert set(few.hosts) < set(many.hosts)
    assert few.openings == many.openings
