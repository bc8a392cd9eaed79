"""Two edges and one address: it is where an edge is well, whatever happens to the other one."""

from __future__ import annotations

import json
import os
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.balanced.balanced import STACK, Balanced, nobody_noticed, within
from tests.e2e.project import copied, get
from tests.support.visitors import RATE, Visits

EDGES = ["edge-1", "edge-2"]
PAGE = "example/templates/base.html"
LONGEST = 20
"""Seconds of requests that visitors are asked to bear the loss of when an edge fails; a few are usual."""


@dataclass(frozen=True)
class Pair(Balanced):
    """The stack with two edges."""

    @property
    def address(self) -> str:
        """The one that the site's name leads to."""
        return str(self.outputs()["dns_records"][0]["value"])

    def holder(self) -> str:
        """The host that has a reserved address now; empty for none."""
        for droplet in self.project.cloud_status()["droplets"]:
            if droplet["reserved_ips"]:
                return str(droplet["name"]).removeprefix("todo-balanced-")
        return ""

    def moves_to(self, edge: str) -> bool:
        """Whether the address comes to an edge in time, and the site answers there."""
        return within(90, lambda: self.holder() == edge and self.answers())

    def stays_at(self, edge: str, seconds: float = 15.0) -> bool:
        """Whether the address is with an edge all the while: longer than one takes to react."""
        return not within(seconds, lambda: self.holder() != edge)

    def answers(self) -> bool:
        """Whether the site does."""
        try:
            return get(self.outputs()["site_url"]).status == 200
        except OSError:
            return False

    def cloud(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """Ask the cloud's API for something."""
        status = self.project.cloud_status()
        headers = {"Authorization": f"Bearer {status['token']}", "Content-Type": "application/json"}
        url, data = status["api_url"] + path, json.dumps(body).encode() if body else None
        request = urllib.request.Request(url, data, headers, method=method)
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()

    def power(self, host: str, word: str) -> None:
        """`on` or `off`, as with the plug."""
        self.cloud("POST", f"/v2/droplets/{self.droplets()[host]}/actions", {"type": f"power_{word}"})

    def stop_haproxy(self, edge: str) -> None:
        self.on(edge, "systemctl", "stop", "haproxy")

    def start_haproxy(self, edge: str) -> None:
        self.on(edge, "systemctl", "start", "haproxy")

    def nothing_to_do(self) -> bool:
        """Whether `make up` finds all as it should be."""
        said = self.up()
        return not any(word in said for word in (" created", " updated", " deleted", " replaced"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A copy of the project whose stack has two edges and two small app hosts, up."""
    settings = {"edges": 2, "app_hosts": 2, "cache": "none", "data_size": "s-1vcpu-1gb", "syslog": ""}
    with copied(tmp_path_factory.mktemp("pair"), f"pair-{os.getpid()}") as copy:
        made = Pair(copy)
        for setting, value in settings.items():
            made.set(setting, value)
        made.up()
        yield made


@contextmanager
def measured(pair: Pair, what: str) -> Iterator[None]:
    """Says what visitors noticed, which is to be no more than they can bear, and nothing once it is over."""
    with pair.visited() as visits:
        yield
    say(what, visits)
    assert len(visits.failed) <= LONGEST * RATE, visits.told()
    with pair.visited() as visits:
        time.sleep(4)
    nobody_noticed(visits)


def say(what: str, visits: Visits) -> None:
    due = [visit.sample.due for visit in visits.failed] or [0.0]
    lost = f"{len(visits.failed)} of {len(visits.all)} requests failed"
    within_seconds = f"within {max(due) - min(due):.1f} s; the slowest took {visits.slowest_seconds:.1f} s"
    print(f"\n{what}: {lost}, {within_seconds}")


def test_the_sites_name_leads_to_an_address_that_is_neither_edges_own_and_both_edges_serve(
    pair: Pair,
) -> None:
    outputs = pair.outputs()
    assert get(outputs["site_url"]).status == 200
    own = {edge: outputs["hosts"][edge]["public_address"] for edge in EDGES}
    assert pair.address not in own.values()
    assert pair.holder() == "edge-1"
    host = outputs["site_url"].removeprefix("http://")
    for address in own.values():
        assert get(f"http://{address}/", host=host).status == 200


def test_a_second_make_up_changes_nothing(pair: Pair) -> None:
    assert pair.nothing_to_do()


def test_only_the_other_edge_may_ask_an_edge_whether_it_is_well(pair: Pair) -> None:
    hosts = pair.outputs()["hosts"]
    assert pair.reaches("edge-1", hosts["edge-2"]["private_address"], 8405)
    assert pair.reaches("edge-2", hosts["edge-1"]["private_address"], 8405)
    assert not pair.reaches("app-1", hosts["edge-1"]["private_address"], 8405)
    with socket.socket() as probe:
        probe.settimeout(1.5)
        assert probe.connect_ex((hosts["edge-1"]["public_address"], 8405)) != 0


def test_nobody_on_an_edge_can_read_the_token_but_the_program_that_uses_it(pair: Pair) -> None:
    read = "runuser -u {} -- cat /etc/seatrial/address.token >/dev/null 2>&1 && echo yes || echo no"
    for user, may in (("seatrial-address", "yes"), ("nobody", "no"), ("haproxy", "no")):
        assert pair.on("edge-1", "bash", "-c", read.format(user)).strip() == may, user


def test_an_edge_whose_haproxy_ends_hands_the_address_over_and_does_not_get_it_back(pair: Pair) -> None:
    with measured(pair, "HAProxy stopped"):
        pair.stop_haproxy("edge-1")
        assert pair.moves_to("edge-2")
    pair.start_haproxy("edge-1")
    assert pair.stays_at("edge-2")


def test_after_that_neither_make_up_nor_a_refresh_moves_it_back(pair: Pair) -> None:
    assert pair.nothing_to_do()
    assert pair.project.make("refresh", STACK).returncode == 0
    assert pair.nothing_to_do()
    assert pair.holder() == "edge-2"


def test_an_edge_that_loses_its_power_loses_the_address_though_the_api_refuses_at_first(pair: Pair) -> None:
    fault = {"kind": "error", "method": "POST", "path": "/v2/reserved_ips/*/actions"}
    for status in (422, 429):
        pair.cloud("POST", "/control/faults", {**fault, "status": status, "message": "not now"})
    with measured(pair, "powered off, and the API refused twice"):
        pair.power("edge-2", "off")
        assert pair.moves_to("edge-1")


def test_a_release_while_an_edge_is_down_is_refused_and_says_which_one(pair: Pair) -> None:
    before = pair.live()
    pair.edit(PAGE, "</title>", " (second edition)</title>", "A second edition")
    done = pair.project.make("up", STACK)
    assert done.returncode != 0
    assert "release failed in preflight on edge-2" in done.stdout
    assert "Traceback" not in done.stdout
    assert pair.live() == before and pair.answers()


def test_the_edge_comes_back_without_taking_the_address_and_the_release_goes_through_both(pair: Pair) -> None:
    pair.power("edge-2", "on")
    assert within(
        90, lambda: pair.reaches("edge-1", pair.outputs()["hosts"]["edge-2"]["private_address"], 8405)
    )
    assert pair.stays_at("edge-1")
    with pair.visited() as visits:
        pair.up()
    nobody_noticed(visits)
    outputs = pair.outputs()
    assert outputs["rollout"]["probe"]["failed"] == 0
    assert set(pair.live().values()) == {outputs["release"]["id"]}
    host = outputs["site_url"].removeprefix("http://")
    for edge in EDGES:
        page = get(f"http://{outputs['hosts'][edge]['public_address']}/", host=host)
        assert page.status == 200 and "(second edition)" in page.body
    assert pair.holder() == "edge-1"


def test_back_to_one_edge_the_address_comes_to_the_one_that_stays(pair: Pair) -> None:
    before = pair.address
    pair.stop_haproxy("edge-1")
    assert pair.moves_to("edge-2")
    pair.start_haproxy("edge-1")
    assert within(30, lambda: pair.servers() == {"app-1": "UP", "app-2": "UP"})
    pair.set("edges", 1)
    pair.set("reserved_ip", "true")
    with measured(pair, "from two edges to one"):
        pair.up()
    assert set(pair.droplets()) == {"edge-1", "app-1", "app-2", "data-1"}
    assert pair.address == before
    assert pair.holder() == "edge-1"
    assert pair.nothing_to_do()


def test_and_from_one_to_two_again_nobody_notices(pair: Pair) -> None:
    before = pair.address
    pair.set("edges", 2)
    with pair.visited() as visits:
        pair.up()
    say("from one edge to two", visits)
    nobody_noticed(visits)
    assert pair.address == before
    assert pair.holder() == "edge-1"
    pair.stop_haproxy("edge-1")
    assert pair.moves_to("edge-2")


def test_an_edge_beyond_repair_is_made_anew_while_the_other_one_serves(pair: Pair) -> None:
    before = pair.droplets()
    pair.cloud("DELETE", f"/v2/droplets/{before['edge-1']}")
    assert within(60, lambda: "edge-1" not in pair.droplets())
    assert pair.project.make("refresh", STACK).returncode == 0
    with pair.visited() as visits:
        pair.up()
    say("an edge made anew", visits)
    nobody_noticed(visits)
    after = pair.droplets()
    assert after.keys() == before.keys() and after["edge-1"] != before["edge-1"]
    assert pair.holder() == "edge-2"
    pair.stop_haproxy("edge-2")
    assert pair.moves_to("edge-1")


def test_make_down_removes_both_edges_and_gives_the_address_back(pair: Pair) -> None:
    done = pair.project.make("down", STACK)
    assert done.returncode == 0, done.stdout
    assert pair.project.cloud_status()["droplets"] == []
    assert json.loads(pair.project.make("output", STACK).stdout) == {}
