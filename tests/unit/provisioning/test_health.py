"""What counts as a healthy answer, and what is said of one that is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from provisioning.onhost import health


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        target = {"/loop": "/loop", "/secure": "https://shop.example/secure"}.get(self.path, "")
        self.send_response(302 if target else 200)
        if target:
            self.send_header("Location", target)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def site() -> Iterator[tuple[str, int]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "127.0.0.1", server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "scheme", "healthy"),
    [("/", "http", True), ("/loop", "http", False), ("/secure", "http", True), ("/secure", "https", False)],
)
def test_a_page_that_redirects_to_itself_is_not_healthy(
    site: tuple[str, int], path: str, scheme: str, healthy: bool
) -> None:
    answer = health.ask(site, host="shop.example", scheme=scheme, path=path)
    assert answer.is_healthy is healthy
    if not healthy:
        assert "redirects to itself" in health.explain(answer, path, "shop.example")[0]


def test_a_page_that_takes_too_long_is_named_with_the_time_it_had() -> None:
    cause, next_step = health.explain(
        health.Answer(0, "TimeoutError: timed out", 5000), "/up", "shop.example"
    )
    assert cause == "GET /up with Host shop.example had no answer after 5 s"
    assert "seatrial:health_path" in next_step
