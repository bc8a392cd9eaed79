"""Hosts that fail while 100 visitors a second come: what each fault costs, and that all is whole again."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse

import pytest

from infra.order import probe_rate
from tests.rollout.conftest import SeveralStage
from tests.rollout.droplet import NAME
from tests.rollout.several import APPS, EDGE


@pytest.mark.parametrize("killed", ["main", "all"])
def test_a_gunicorn_that_is_killed_costs_at_most_what_the_killed_were_answering(
    several: SeveralStage, killed: str
) -> None:
    kill = f"systemctl kill --kill-whom={killed} --signal=KILL 'gunicorn@*.service'"
    with several.visiting() as visits:
        time.sleep(1)
        several.droplet.root(kill)
        over = time.monotonic()
        time.sleep(4)
    assert all(visit.was_in_hand(over) for visit in visits.failed), visits.told()
    # With the master alone nothing is lost: its workers answer what they have, and the next one takes over.
    assert killed == "all" or not visits.failed, visits.told()
    several.kept_what_was_posted(visits)
    several.droplet.root("systemctl is-active --quiet 'gunicorn@*.service'")
    assert several.is_whole()


def test_a_change_of_the_edge_is_a_reload_that_nobody_notices(several: SeveralStage) -> None:
    with several.visiting() as visits:
        time.sleep(1)
        several.droplet.provision(EDGE, rate_limit="100000")
        several.droplet.provision(EDGE)
        time.sleep(1)
    several.nobody_noticed(visits)
    assert several.is_whole()


@pytest.mark.long
def test_a_host_without_power_costs_at_most_what_was_under_way_on_it_and_comes_back(
    several: SeveralStage,
) -> None:
    """A GET on it is answered by another host; a POST is never sent twice, so it fails, and soon."""
    live = several.droplet.live_releases()
    with ThreadPoolExecutor() as pool, several.visiting() as visits:
        time.sleep(1)
        gets = [pool.submit(slow, several, "GET") for _ in range(4)]
        posts = [pool.submit(slow, several, "POST") for _ in range(4)]
        time.sleep(1)
        under_way = several.droplet.servers()["app-2"]["sessions"]
        several.droplet.power_off("app-2")
        over = time.monotonic()
        assert within(20, lambda: several.droplet.servers()["app-2"]["state"] == "DOWN")
        answered_gets, answered_posts = ([each.result() for each in some] for some in (gets, posts))
        several.droplet.power_on("app-2")
        assert within(60, several.is_whole)
        time.sleep(2)
    assert under_way > 0
    assert answered_gets == [200] * len(gets)
    assert set(answered_posts) <= {200, 502}
    assert answered_posts.count(502) <= under_way, (under_way, answered_posts)
    assert all(visit.was_in_hand(over) for visit in visits.failed), visits.told()
    several.kept_what_was_posted(visits)
    assert several.droplet.live_releases() == live
    assert shares(several) == {*APPS}


@pytest.mark.long
def test_a_release_while_a_host_is_off_changes_nothing_and_says_which_host(several: SeveralStage) -> None:
    version = several.facts()["version"]
    several.droplet.power_off("app-2")
    try:
        assert within(20, lambda: several.droplet.servers()["app-2"]["state"] == "DOWN")
        done, visits = several.release_visited(several.change("unreleased"))
    finally:
        several.droplet.power_on("app-2")
    assert done.status == 2, done.told
    last = done.told.splitlines()[-1]
    assert "app-2" in last and "can't be reached by SSH" in last and "the droplet on?" in last, done.told
    several.nobody_noticed(visits)
    assert within(60, several.is_whole)
    assert several.facts()["version"] == version
    assert len(set(several.droplet.live_releases())) == 1


@pytest.mark.long
def test_with_every_app_host_off_visitors_are_told_when_to_come_back_and_then_served_again(
    several: SeveralStage,
) -> None:
    for name in APPS:
        several.droplet.power_off(name)
    try:
        assert within(20, lambda: {s["state"] for s in several.droplet.servers().values()} == {"DOWN"})
        answer, page = ask(several, "GET", "/")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
        assert "Back in a moment" in page
    finally:
        several.droplet.power_on(*APPS)
    assert within(60, several.is_whole)
    with several.visiting() as visits:
        time.sleep(2)
    several.nobody_noticed(visits)


@pytest.mark.long
def test_a_limit_on_requests_does_not_refuse_the_rollouts_own(several: SeveralStage) -> None:
    limit = 60
    several.droplet.provision(EDGE, rate_limit=str(limit))
    try:
        process = several.start(several.change("limited"), probe_rate=probe_rate(limit))
        _, told = process.communicate(timeout=240)
    finally:
        several.droplet.provision(EDGE)
    assert process.returncode == 0, told
    refused = several.droplet.hosts[EDGE].root("journalctl -q -t haproxy -o cat | grep -c '\" 429 ' || true")
    assert refused.strip() == "0"
    assert several.facts()["version"] == "limited"


def slow(stage: SeveralStage, method: str) -> int:
    """The status of a request that takes the site 5 seconds."""
    return ask(stage, method, "/slow?seconds=5")[0].status


def ask(stage: SeveralStage, method: str, path: str) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection(stage.droplet.address, timeout=30)
    try:
        connection.request(method, path, headers={"Host": NAME})
        answer = connection.getresponse()
        return answer, answer.read().decode()
    finally:
        connection.close()


def shares(stage: SeveralStage) -> set[str]:
    """Which hosts the edge's log names for its last 200 requests."""
    edge = stage.droplet.hosts[EDGE]
    log = edge.root("journalctl -q -t haproxy -n 200 -o cat")
    return {name for name in APPS if f"server=site/{name}" in log}


def within(seconds: float, what: Callable[[], bool]) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True
