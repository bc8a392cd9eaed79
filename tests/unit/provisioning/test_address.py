"""Which edge takes the address that two of them share, and what it does where the API won't have it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from provisioning.onhost import address
from provisioning.onhost.address import Api, Terms, TryAgain, take
from provisioning.onhost.wire import Failure

HERE, PEER, STRANGER = 1, 2, 3
TERMS = Terms(
    api="http://api", address="192.0.2.9", droplet_id=HERE, here="here", peer="peer", peer_droplet_id=PEER
)


@dataclass
class Cloud(Api):
    """Moves the address once it was asked `delay` more times; `refusals` come first."""

    held_by: int | None = PEER
    refusals: list[Exception] = field(default_factory=list)
    delay: int = 0
    assigned: list[int] = field(default_factory=list)
    gone: bool = False

    def holder(self) -> int | None:
        if self.gone:
            raise Failure("the API knows no such address")
        if self.assigned and self.delay <= 0:
            self.held_by = self.assigned[-1]
        self.delay -= bool(self.assigned)
        return self.held_by

    def assign(self, droplet_id: int) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.assigned.append(droplet_id)


@dataclass
class Edge:
    """This edge, and what it says and waits."""

    well: Sequence[str] = ("here",)
    said: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def takes(self, cloud: Cloud, *, always: bool = False) -> bool:
        return take(
            TERMS,
            cloud,
            self.said.append,
            always=always,
            is_well=lambda url: url in self.well,
            sleep=self.waited.append,
        )


def test_an_address_is_taken_from_an_edge_that_is_gone() -> None:
    edge, cloud = Edge(), Cloud(delay=2)
    assert edge.takes(cloud)
    assert cloud.assigned == [HERE]
    assert edge.said == ["taking 192.0.2.9 from the other edge", "192.0.2.9 is here now"]


def test_one_that_is_here_already_is_left_in_peace_and_nothing_is_said() -> None:
    edge, cloud = Edge(), Cloud(held_by=HERE)
    assert edge.takes(cloud)
    assert (cloud.assigned, edge.said, edge.waited) == ([], [], [])


def test_it_stays_with_the_other_edge_as_long_as_that_one_is_well() -> None:
    edge, cloud = Edge(well=("here", "peer")), Cloud()
    assert not edge.takes(cloud)
    assert cloud.assigned == []


def test_an_edge_that_is_not_well_itself_takes_nothing() -> None:
    edge, cloud = Edge(well=()), Cloud()
    assert not edge.takes(cloud)
    assert cloud.assigned == []


def test_the_one_that_stays_takes_it_from_a_well_edge_too() -> None:
    edge, cloud = Edge(well=("here", "peer")), Cloud()
    assert edge.takes(cloud, always=True)
    assert cloud.assigned == [HERE]


def test_it_is_taken_from_a_droplet_that_is_no_edge_of_the_site() -> None:
    edge, cloud = Edge(well=("here", "peer")), Cloud(held_by=STRANGER)
    assert edge.takes(cloud)
    assert edge.said[0] == "taking 192.0.2.9 from droplet 3"


def test_one_that_nobody_has_is_taken_only_when_nobody_gives_it_back_meanwhile() -> None:
    edge, cloud = Edge(), Cloud(held_by=None)
    assert edge.takes(cloud)
    assert edge.waited[0] == 10

    edge, cloud = Edge(), Cloud(held_by=None)

    def given_back(_: float) -> None:
        cloud.gone = True

    with pytest.raises(Failure, match="no such address"):
        take(TERMS, cloud, edge.said.append, is_well=lambda url: url == "here", sleep=given_back)
    assert cloud.assigned == []


def test_what_the_api_cannot_do_now_is_said_once_and_tried_again_after_the_time_it_asks_for() -> None:
    busy = "the API answers 422: The reserved IP already has a pending event."
    refusals: list[Exception] = [TryAgain(busy), TryAgain(busy), TryAgain("the API answers 429: slower", 30)]
    edge, cloud = Edge(), Cloud(refusals=refusals)
    assert edge.takes(cloud)
    assert [line for line in edge.said if "not moved yet" in line] == [
        f"192.0.2.9 is not moved yet: {busy}",
        "192.0.2.9 is not moved yet: the API answers 429: slower",
    ]
    assert 30 in edge.waited


def test_an_edge_that_has_recovered_keeps_it_although_the_api_was_asked_before() -> None:
    well = ["here"]

    class Slow(Cloud):
        def assign(self, droplet_id: int) -> None:
            del droplet_id
            well.append("peer")
            raise TryAgain("the API answers 503: later")

    edge, cloud = Edge(well=well), Slow()
    assert not edge.takes(cloud)
    assert cloud.assigned == []


def test_an_address_that_does_not_come_is_a_failure_that_says_why() -> None:
    edge, cloud = Edge(), Cloud(refusals=[TryAgain("the API answers 500: sorry")] * 99)
    with pytest.raises(Failure, match=r"192\.0\.2\.9 did not come here within 120 seconds: .* 500: sorry"):
        edge.takes(cloud)
    assert sum(edge.waited) >= 120


def test_an_action_that_the_cloud_lost_is_asked_for_again() -> None:
    edge, cloud = Edge(), Cloud(delay=40)
    assert edge.takes(cloud)
    assert cloud.assigned == [HERE, HERE]


class Answering(BaseHTTPRequestHandler):
    """Answers with the server's `status` and `told`, and keeps what it was asked."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        server: Any = self.server
        server.asked.append((self.command, self.path, self.headers["Authorization"], body))
        self.send_response(server.status)
        for name, value in server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(server.told).encode())

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def server() -> Any:
    http: Any = HTTPServer(("127.0.0.1", 0), Answering)
    http.status, http.told, http.headers, http.asked = 200, {}, {}, []
    Thread(target=http.serve_forever, daemon=True).start()
    yield http
    http.shutdown()
    http.server_close()


def api(server: Any) -> Api:
    return Api(f"http://127.0.0.1:{server.server_address[1]}", "192.0.2.9", "the-token")


def test_the_api_is_asked_as_digitalocean_wants_it(server: Any) -> None:
    server.told = {"reserved_ip": {"droplet": {"id": 7}}}
    assert api(server).holder() == 7
    server.told = {"reserved_ip": {"droplet": None}}
    assert api(server).holder() is None
    server.status, server.told = 201, {"action": {}}
    api(server).assign(5)
    assert server.asked[0] == ("GET", "/v2/reserved_ips/192.0.2.9", "Bearer the-token", b"")
    method, path, _, body = server.asked[-1]
    assert (method, path) == ("POST", "/v2/reserved_ips/192.0.2.9/actions")
    assert json.loads(body) == {"type": "assign", "droplet_id": 5}


@pytest.mark.parametrize(
    ("status", "cause"),
    [(401, "does not know the token"), (403, "reserved_ip:update"), (404, "no such address")],
)
def test_what_the_api_will_never_do_says_what_to_change(server: Any, status: int, cause: str) -> None:
    server.status = status
    with pytest.raises(Failure, match=cause) as raised:
        api(server).assign(5)
    assert "seatrial:edge_token" in raised.value.next_step
    assert "the-token" not in str(raised.value)


@pytest.mark.parametrize("status", [409, 422, 429, 500, 503])
def test_what_it_may_do_later_is_tried_again(server: Any, status: int) -> None:
    server.status, server.told = status, {"id": "x", "message": "not now"}
    server.headers = {"Retry-After": "7"}
    with pytest.raises(TryAgain, match=f"{status}: not now") as raised:
        api(server).assign(5)
    assert raised.value.pause == 7


def test_an_api_that_is_not_there_is_tried_again_too(server: Any) -> None:
    there = api(server)
    server.shutdown()
    server.server_close()
    with pytest.raises(TryAgain, match=r"the API at http://127\.0\.0\.1:\d+ does not answer"):
        there.holder()


def test_an_edge_is_well_when_it_says_so_and_in_no_other_case(server: Any) -> None:
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    assert address.answers_well(url)
    server.status = 503
    assert not address.answers_well(url)
    server.shutdown()
    server.server_close()
    assert not address.answers_well(url)
