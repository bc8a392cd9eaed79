"""Several hosts, from `make up` to `make down`: what visitors notice of it all is nothing."""

from __future__ import annotations

import json
import socket
import time

import pytest

from tests.balanced.balanced import STACK, Balanced, nobody_noticed, within
from tests.e2e.project import get

APPS = ["app-1", "app-2"]
ADDED = ["app-3", "app-4"]
PAGE = "example/templates/base.html"


def test_make_up_from_nothing_puts_the_site_on_an_edge_two_app_hosts_a_data_host_and_a_syslog_host(
    site: Balanced,
) -> None:
    site.set("app_hosts", len(APPS))
    said = site.up()
    outputs = site.outputs()
    assert outputs["site_url"] in said
    assert get(outputs["site_url"]).status == 200
    assert set(outputs["hosts"]) == {"edge-1", *APPS, "data-1", "log-1"} == set(site.droplets())
    (record,) = outputs["dns_records"]
    assert record["value"] == outputs["hosts"]["edge-1"]["public_address"]
    assert set(site.live().values()) == {outputs["release"]["id"]}


def test_a_second_make_up_changes_nothing(site: Balanced) -> None:
    before = site.outputs()
    said = site.up()
    assert "created" not in said and "updated" not in said, said
    assert site.outputs() == before


def test_visitors_are_spread_over_all_app_hosts(site: Balanced) -> None:
    assert site.servers() == dict.fromkeys(APPS, "UP")
    with site.visited() as visits:
        time.sleep(5)
    nobody_noticed(visits)
    shares = site.served()
    assert set(shares) == set(APPS)
    assert min(shares.values()) > max(shares.values()) / 3, shares


@pytest.mark.parametrize(
    ("host", "port", "open_"),
    [
        ("edge-1", 80, True),
        ("edge-1", 22, True),
        ("edge-1", 8404, False),
        ("app-1", 22, True),
        ("app-1", 80, False),
        ("data-1", 22, True),
        ("data-1", 5432, False),
        ("data-1", 6379, False),
        ("log-1", 22, True),
        ("log-1", 6514, False),
    ],
)
def test_from_outside_only_the_edge_answers_visitors(
    site: Balanced, host: str, port: int, open_: bool
) -> None:
    with socket.socket() as probe:
        probe.settimeout(1.5)
        address = site.outputs()["hosts"][host]["public_address"]
        assert (probe.connect_ex((address, port)) == 0) is open_


@pytest.mark.parametrize(
    ("origin", "to", "port", "open_"),
    [
        ("edge-1", "app-1", 80, True),
        ("edge-1", "data-1", 5432, False),
        ("edge-1", "data-1", 6379, False),
        ("app-1", "app-2", 80, False),
        ("app-1", "data-1", 5432, True),
        ("app-1", "data-1", 6379, True),
        ("data-1", "app-1", 80, False),
        ("edge-1", "log-1", 6514, True),
        ("app-2", "log-1", 6514, True),
        ("data-1", "log-1", 6514, True),
        ("log-1", "app-1", 80, False),
        ("log-1", "data-1", 5432, False),
    ],
)
def test_each_host_reaches_only_the_ones_it_needs(
    site: Balanced, origin: str, to: str, port: int, open_: bool
) -> None:
    assert site.reaches(origin, site.outputs()["hosts"][to]["private_address"], port) is open_


def test_all_that_was_said_of_a_request_is_found_on_the_syslog_host(site: Balanced) -> None:
    url = site.outputs()["site_url"]
    answer = get(f"{url}/no-such-page")
    assert answer.status == 404
    request = answer.headers["x-request-id"]
    assert within(20, lambda: len(site.kept(request)) == 2), site.kept(request)
    assert within(20, lambda: any("gunicorn" in file for file in site.kept("Not Found: /no-such-page")))
    (edge, app) = sorted(site.kept(request), reverse=True)
    assert (edge, app.split("/")[1]) == ("edge-1/haproxy.log", "nginx.log")
    (django,) = site.kept("Not Found: /no-such-page")
    assert django == f"{app.split('/')[0]}/gunicorn.log", "the host that HAProxy chose"


def test_nobody_notices_a_syslog_host_that_is_down_and_it_hears_of_everything_afterwards(
    site: Balanced,
) -> None:
    url = site.outputs()["site_url"]
    site.on("log-1", "systemctl", "stop", "rsyslog.service")
    with site.visited() as visits:
        time.sleep(3)
        pages = [f"/missed-{number}" for number in range(5)]
        for page in pages:
            assert get(f"{url}{page}").status == 404
    nobody_noticed(visits)
    site.on("log-1", "systemctl", "start", "rsyslog.service")
    assert within(60, lambda: all("edge-1/haproxy.log" in site.kept(f"{page} ") for page in pages))


def test_a_code_change_goes_live_on_all_hosts_and_no_request_is_lost(site: Balanced) -> None:
    commit = site.edit(PAGE, "</title>", " (second edition)</title>", "A second edition")
    with site.visited() as visits:
        site.up()
    nobody_noticed(visits)
    outputs = site.outputs()
    assert outputs["release"]["revision"] == commit
    assert outputs["rollout"]["probe"]["failed"] == 0
    assert set(site.live().values()) == {outputs["release"]["id"]}
    assert "(second edition)" in get(outputs["site_url"]).body


def test_a_release_that_is_unhealthy_is_undone_on_every_host_and_no_request_is_lost(site: Balanced) -> None:
    before = site.outputs()
    site.edit("example/todos/urls.py", 'path("healthz"', 'path("healthy-no-more"', "An unhealthy edition")
    with site.visited() as visits:
        done = site.project.make("up", STACK)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    nobody_noticed(visits)
    assert set(site.live().values()) == {before["release"]["id"]}
    assert site.servers() == dict.fromkeys(APPS, "UP")
    site.project.git("revert", "--no-edit", "HEAD")
    site.up()


def test_a_changed_edge_is_reloaded_and_no_request_is_lost(site: Balanced) -> None:
    before = site.outputs()["release"]
    site.set("drain_seconds", 20)
    with site.visited() as visits:
        site.up()
    nobody_noticed(visits)
    assert site.outputs()["release"] == before


def test_two_app_hosts_more_take_their_part_and_no_request_is_lost(site: Balanced) -> None:
    before = site.droplets()
    release = site.outputs()["release"]
    site.set("app_hosts", 4)
    with site.visited() as visits:
        site.up()
    nobody_noticed(visits)
    assert before.items() < site.droplets().items()
    assert site.outputs()["release"]["id"] == release["id"], "the others stay as they are"
    assert set(site.live().values()) == {release["id"]}
    assert within(20, lambda: site.servers() == dict.fromkeys([*APPS, *ADDED], "UP")), site.servers()


def test_two_app_hosts_less_are_drained_then_deleted_and_no_request_is_lost(site: Balanced) -> None:
    before = site.droplets()
    site.set("app_hosts", 2)
    with site.visited() as visits:
        said = site.up()
    nobody_noticed(visits)
    assert site.droplets() == {name: id_ for name, id_ in before.items() if name not in ADDED}
    assert set(site.servers()) == {*APPS}
    updated = said.index("todo-edge-1-provision updated")
    for host in ADDED:
        assert said.index(f"todo-{host}-droplet deleted") > updated, "the edge lets go of it first"


def test_a_killed_site_on_one_app_host_comes_back_while_the_other_answers(site: Balanced) -> None:
    with site.visited() as visits:
        time.sleep(1)
        site.on("app-1", "pkill", "-KILL", "gunicorn")
        over = time.monotonic()
        time.sleep(5)
        assert within(30, lambda: site.servers()["app-1"] == "UP")
    assert all(visit.was_in_hand(over) for visit in visits.failed), visits.told()


def test_make_down_removes_every_host(site: Balanced) -> None:
    done = site.project.make("down", STACK)
    assert done.returncode == 0, done.stdout
    status = site.project.cloud_status()
    assert not status["running"]
    assert json.loads(site.project.make("output", STACK).stdout) == {}
