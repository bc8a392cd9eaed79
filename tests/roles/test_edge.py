"""HAProxy in front of two app hosts, on real hosts: what visitors get, whatever is done behind it."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.roles.content import NAME
from tests.roles.fleet import STATS_PASSWORD, Fleet
from tests.roles.test_roles import changes
from tests.roles.traffic import ask, visitors


def verb(fleet: Fleet, name: str, **facts: Any) -> dict[str, Any]:
    """What an edge verb of the host program answers."""
    request = json.dumps({"site": "shop", **facts})
    said = fleet.edge.run(f"sudo -n seatrial-host edge-{name}", request + "\n").out.splitlines()[-1]
    answer: dict[str, Any] = json.loads(said)
    return answer


def states(fleet: Fleet) -> dict[str, str]:
    return {server["server"]: server["state"] for server in verb(fleet, "status")["servers"]}


def ready(fleet: Fleet, *names: str) -> None:
    for name in names:
        assert verb(fleet, "ready", server=name, timeout_seconds=10)["state"] == "UP"


def drain(fleet: Fleet, name: str, timeout_seconds: float = 10) -> dict[str, Any]:
    return verb(fleet, "drain", server=name, timeout_seconds=timeout_seconds)


def wait_for(fleet: Fleet, pattern: str) -> None:
    """Until what the edge says of the app hosts has the pattern in it."""
    status = """seatrial-host edge-status <<<'{"site": "shop"}'"""
    fleet.edge.root(f"for _ in $(seq 300); do {status} | grep '{pattern}' && exit; sleep 0.1; done; exit 1")


def apply(fleet: Fleet, *apps: str, rate_limit: int = 0) -> None:
    said = fleet.edge.apply(fleet.edge_bundle(*apps, rate_limit=rate_limit))
    assert said.status == 0, said.err


def test_applied_once_more_in_full_edge_and_data_host_find_nothing_to_change(fleet: Fleet) -> None:
    for host, bundle in ((fleet.edge, fleet.edge_bundle()), (fleet.data, fleet.data_bundle())):
        host.root("rm /var/lib/seatrial/applied/*")
        again = host.apply(bundle)
        assert again.status == 0, again.err
        assert changes(again.out) == 0, again.out


def test_both_hosts_are_found_up_by_the_sites_own_name_and_share_the_requests(fleet: Fleet) -> None:
    ready(fleet, "app-1", "app-2")
    with visitors(fleet.edge.address) as tally:
        fleet.edge.must("sleep 1")
    assert set(tally.servers) == {"app-1", "app-2"}
    assert tally.failures == []


def test_what_the_app_hosts_are_told_of_a_visitor_is_the_edges_word_alone(fleet: Fleet) -> None:
    forged = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "https", "X-Request-ID": "forged"}
    answer = ask(fleet.edge.address, headers=forged)
    gateway = fleet.edge.address.rsplit(".", 1)[0] + ".1"
    assert answer.received["x-forwarded-for"] == gateway
    assert answer.received["x-forwarded-proto"] == "http"
    assert len(answer.received["x-request-id"]) == 36
    assert answer.headers["x-request-id"] == answer.received["x-request-id"]
    logged = fleet.edge.root("journalctl -t haproxy --output cat --lines 200")
    assert f"id={answer.headers['x-request-id']}" in logged


def test_who_asks_for_another_name_gets_no_answer(fleet: Fleet) -> None:
    assert ask(fleet.edge.address, host=f"{NAME.upper()}:8080").status == 200
    for stranger in ("elsewhere.example.test", fleet.edge.address):
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            ask(fleet.edge.address, host=stranger)


def test_a_drained_host_finishes_its_open_request_and_gets_no_new_one(fleet: Fleet) -> None:
    drain(fleet, "app-2")
    fleet.apps["app-1"].root("touch /run/held")
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(ask, fleet.edge.address, "/held")
        wait_for(fleet, '"sessions": 1')
        ready(fleet, "app-2")
        unfinished = drain(fleet, "app-1", timeout_seconds=0.1)
        assert (unfinished["state"], unfinished["sessions"]) == ("DRAIN", 1)
        assert {ask(fleet.edge.address).server for _ in range(10)} == {"app-2"}
        assert not slow.done()
        drained = pool.submit(drain, fleet, "app-1")
        fleet.apps["app-1"].root("rm /run/held")
        assert drained.result() == {
            "event": "result",
            "server": "app-1",
            "state": "DRAIN",
            "sessions": 0,
            "drained": True,
        }
        assert (slow.result().status, slow.result().server) == (200, "app-1")
    ready(fleet, "app-1")


def test_the_last_host_that_serves_is_never_drained(fleet: Fleet) -> None:
    drain(fleet, "app-1")
    kept = drain(fleet, "app-2")
    assert (kept["state"], kept["drained"]) == ("UP", False)
    assert ask(fleet.edge.address).server == "app-2"
    ready(fleet, "app-1")


def test_a_host_that_nobody_knows_is_named_with_those_that_are(fleet: Fleet) -> None:
    answer = drain(fleet, "app-9")
    assert answer["cause"] == "this edge knows no app host 'app-9'; it knows app-1, app-2"


def test_a_host_is_only_ready_once_its_health_check_says_so(fleet: Fleet) -> None:
    drain(fleet, "app-1")
    fleet.apps["app-1"].root("touch /run/broken")
    wait_for(fleet, "app-1.*L7STS 503.*app-2")
    refused = verb(fleet, "ready", server="app-1", timeout_seconds=1)
    assert "for the edge: its health check says L7STS 503" in refused["cause"]
    fleet.apps["app-1"].root("rm /run/broken")
    ready(fleet, "app-1")


def test_a_changed_list_of_hosts_loses_no_request_and_asks_no_host_before_it_is_healthy(fleet: Fleet) -> None:
    ready(fleet, "app-1", "app-2")
    with visitors(fleet.edge.address) as tally:
        apply(fleet, "app-2")
        assert states(fleet) == {"app-2": "UP"}
        fleet.stop("app-1")
        apply(fleet, "app-1", "app-2")  # app-1 is new to the edge, and not up yet
        fleet.edge.must("sleep 1.5")
        assert states(fleet) == {"app-1": "DOWN", "app-2": "UP"}
        fleet.start("app-1")
        ready(fleet, "app-1")
    assert tally.failures == []
    assert set(tally.servers) == {"app-1", "app-2"}


def test_a_drained_host_stays_drained_when_the_edge_is_configured_anew(fleet: Fleet) -> None:
    drain(fleet, "app-1")
    apply(fleet, rate_limit=100000)
    assert states(fleet) == {"app-1": "DRAIN", "app-2": "UP"}
    assert {ask(fleet.edge.address).server for _ in range(5)} == {"app-2"}
    ready(fleet, "app-1")


def test_what_is_sent_to_a_host_that_has_just_died_is_answered_by_another(fleet: Fleet) -> None:
    ready(fleet, "app-1", "app-2")
    with visitors(fleet.edge.address) as tally:
        drain(fleet, "app-1")
        fleet.stop("app-1")
        verb(fleet, "ready", server="app-1", timeout_seconds=0)  # up, as far as the edge can know
        fleet.edge.must("sleep 1")
    assert tally.failures == []
    fleet.start("app-1")
    ready(fleet, "app-1")


def test_with_no_host_up_visitors_get_a_page_that_says_when_to_come_back(fleet: Fleet) -> None:
    for name in fleet.apps:
        fleet.stop(name)
    wait_for(fleet, "app-1.*DOWN.*app-2.*DOWN")
    answer = ask(fleet.edge.address)
    assert (answer.status, answer.headers["retry-after"]) == (503, "10")
    assert answer.headers["cache-control"] == "no-store"
    assert "Back in a moment" in answer.body
    for name in fleet.apps:
        fleet.start(name)
    ready(fleet, *fleet.apps)
    assert ask(fleet.edge.address).status == 200


def test_statistics_are_for_who_has_the_password_on_the_private_network(fleet: Fleet) -> None:
    page = f"http://{fleet.edge.private_address}:8404/"
    code = "curl -sS -o /dev/null -w '%{http_code}'"
    asker = fleet.apps["app-1"]
    assert asker.must(f"{code} {page}") == "401"
    assert asker.must(f"{code} -u seatrial:wrong {page}") == "401"
    given = asker.must(f"curl -sS --fail --config - {page}", f'user = "seatrial:{STATS_PASSWORD}"\n')
    assert "app-2" in given
    assert not asker.succeeds(f"{code} http://{fleet.edge.address}:8404/")


def test_a_client_that_asks_too_often_is_told_to_wait_and_no_other(fleet: Fleet) -> None:
    apply(fleet, rate_limit=20)
    answers = [ask(fleet.edge.address) for _ in range(25)]
    assert [answer.status for answer in answers] == [200] * 20 + [429] * 5
    assert answers[-1].headers["retry-after"] == "10"
    other = fleet.apps["app-1"].must(
        f"curl -sS -o /dev/null -w '%{{http_code}}' -H 'Host: {NAME}' http://{fleet.edge.private_address}/"
    )
    assert other == "200"
    apply(fleet)
    assert ask(fleet.edge.address).status == 200


def test_haproxy_is_shut_in_and_its_secrets_are_its_own(fleet: Fleet) -> None:
    # In tenths of systemd's exposure level, of which less is better.
    verdict = fleet.edge.run("systemd-analyze security --no-pager --threshold=15 haproxy.service")
    assert verdict.status == 0, verdict.out.splitlines()[-1]
    assert fleet.edge.must("ps -o user= -C haproxy").split() == ["haproxy"] * 2
    assert not fleet.edge.succeeds("runuser -u nobody -- cat /etc/haproxy/operators.cfg")
    assert not fleet.edge.succeeds("runuser -u nobody -- test -S /run/haproxy/admin.sock")


def test_the_edge_is_back_after_a_reboot_even_where_its_private_address_is_late(fleet: Fleet) -> None:
    fleet.edge.reboot_before_the_private_address_is_up()
    ready(fleet, *fleet.apps)
    assert ask(fleet.edge.address).status == 200
    assert fleet.edge.must("systemctl --failed --quiet --plain --no-legend") == ""
