from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ops import summary


@contextmanager
def serving(answers: list[int]) -> Iterator[str]:
    """A site that gives these answers, one after the other, and then the last one for good; its URL."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_the_summary_says_what_serves_where_and_how_many_requests_failed() -> None:
    lines = dict(
        summary.facts(
            {
                "site_url": "http://shop.example.com",
                "release": {"id": "20260102-091100-9f2c1ab", "revision": "9f2c1ab5" * 5},
                "previous_release": {"id": "20260101-080000-77c01de"},
                "hosts": {"web-1": {"public_address": "198.18.0.2", "roles": ["base", "app"]}},
                "rollout": {"probe": {"requests": 190, "failed": 0, "p99_ms": 12}},
            }
        )
    )
    assert lines["site"] == "http://shop.example.com"
    assert lines["release"] == "20260102-091100-9f2c1ab  commit 9f2c1ab59f2c"
    assert lines["previous"] == "20260101-080000-77c01de"
    assert lines["host"] == "web-1  198.18.0.2  base app"
    assert lines["last rollout"] == "0 of 190 requests failed, p99 12 ms"


def test_hosts_are_listed_by_name_and_number() -> None:
    names = ["edge-1", "app-10", "data-1", "app-9", "web"]
    hosts = {name: {"public_address": "198.18.0.2", "roles": []} for name in names}
    listed = [text.split()[0] for label, text in summary.facts({"hosts": hosts}) if label == "host"]
    assert listed == ["app-9", "app-10", "data-1", "edge-1", "web"]


def test_a_first_release_has_no_previous_one_to_show() -> None:
    labels = [label for label, _ in summary.facts({"site_url": "http://x", "previous_release": None})]
    assert labels == ["site"]


def test_a_site_that_does_not_answer_is_said_so() -> None:
    good, words = summary.ask("http://127.0.0.1:9/")
    assert not good
    assert words.startswith("no answer from http://127.0.0.1:9/")


def test_a_site_whose_droplet_is_still_starting_is_waited_for() -> None:
    with serving([502, 502, 200]) as url:
        assert summary.wait(url) == (True, "200 OK")


@pytest.mark.parametrize(("answers", "patience"), [([500, 200], 60), ([502], 0)])
def test_a_site_that_answers_badly_by_itself_or_for_long_is_said_so(
    answers: list[int], patience: float
) -> None:
    wanted = answers[0]
    with serving(answers) as url:
        good, words = summary.wait(url, patience=patience)
    assert not good
    assert words.startswith(str(wanted))
