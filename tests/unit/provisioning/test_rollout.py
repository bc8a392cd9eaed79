"""What a rollout is asked, what it says, and what it measures."""

from __future__ import annotations

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from provisioning import prober, request, rollout
from provisioning.outcome import RolloutFailed
from provisioning.prober import Sample, Target
from provisioning.progress import Progress, listed
from provisioning.remote import HostFailure

REQUEST: dict[str, Any] = {
    "site": "shop",
    "url": "http://shop.example.com/",
    "server_names": ["shop.example.com"],
    "hosts": [{"name": "web", "address": "192.0.2.1", "host_key": "ssh-ed25519 AAAA", "droplet_id": 7}],
    "private_key": "a private key",
    "repository": "/srv/shop",
    "commit": "a" * 40,
}


def parsed(**more: Any) -> request.Request:
    return request.parse(json.dumps({**REQUEST, **more}))


def test_a_request_is_read() -> None:
    asked = parsed()
    assert asked.url == "http://shop.example.com"
    assert asked.host_header == "shop.example.com"
    assert asked.entry.address == "192.0.2.1"


def test_visitors_come_in_at_the_edge_where_there_is_one() -> None:
    host = REQUEST["hosts"][0]
    edge = {**host, "name": "edge", "address": "192.0.2.9", "roles": ["edge"]}
    asked = parsed(hosts=[host, edge])
    assert asked.entry.name == "edge"
    assert [each.name for each in asked.app_hosts] == ["web"]


def test_every_fault_of_a_request_is_told_at_once_and_no_value_of_it() -> None:
    with pytest.raises(request.RequestError) as told:
        parsed(commit="short", surprise="s3cret", keep_releases=1)
    text = str(told.value)
    assert "commit" in text
    assert "surprise" in text
    assert "keep_releases" in text
    assert "s3cret" not in text


def test_a_request_that_is_no_json_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("{nonsense"))
    assert rollout.main([]) == 2
    assert "not JSON" in capsys.readouterr().err


def test_a_built_release_is_known_again_by_what_it_was_built_from() -> None:
    assert parsed().build_key == parsed(health_path="/up", keep_releases=9).build_key
    assert parsed().build_key != parsed(commit="b" * 40).build_key
    assert parsed().build_key != parsed(requirements="live.txt").build_key


def test_help_names_the_fields_of_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        rollout.main(["--help"])
    assert ended.value.code == 0
    assert "health_path" in capsys.readouterr().out


def failure(kind: str = "failed", *, refused: bool = False) -> RolloutFailed:
    cause = HostFailure("web", "the health check failed", next_step="mend it", log=["line 1", ""], kind=kind)
    return RolloutFailed(cause, "switch", refused=refused, result="failed")


def test_a_failure_says_where_why_what_serves_and_what_to_do() -> None:
    failed = failure()
    failed.serving = {"web": "20260101-000000-abcdef0 (Better search)"}
    failed.notes = ["web was put back to 20260101-000000-abcdef0"]
    assert rollout.explanation(failed).splitlines() == [
        "  | line 1",
        "  web was put back to 20260101-000000-abcdef0",
        "  serves now: web: 20260101-000000-abcdef0 (Better search)",
        "release failed in switch on web: the health check failed; next: mend it",
    ]


def test_the_exit_status_tells_failed_refused_and_locked_apart() -> None:
    assert rollout.exit_status(failure()) == 1
    assert rollout.exit_status(failure(refused=True)) == 2
    assert rollout.exit_status(failure("locked", refused=True)) == 3


def test_a_phase_is_told_with_its_seconds_and_its_news() -> None:
    stream = io.StringIO()
    progress = Progress(stream, several_hosts=True)
    with progress.phase("build"):
        progress.detail("web-1", "python 3.13")
        progress.detail("web-2", "python 3.13")
    with pytest.raises(ValueError, match="x"), progress.phase("switch"):
        raise ValueError("x")
    lines = stream.getvalue().splitlines()
    assert lines[0].split() == ["build", "0.0", "s", "web-1:", "python", "3.13"]
    assert lines[1].split() == ["web-2:", "python", "3.13"]
    assert lines[2].split() == ["switch", "0.0", "s", "failed"]
    assert set(progress.seconds) == {"build", "switch"}


def test_a_long_list_is_told_short() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdef")) == "a, b, c, d and 2 more"


def test_a_measurement_counts_failures_and_the_longest_gap() -> None:
    samples = [
        Sample(due=0.0, seconds=0.01, failed=False),
        Sample(due=1.0, seconds=0.5, failed=True, why="status 502"),
        Sample(due=2.0, seconds=0.03, failed=False),
        Sample(due=2.1, seconds=0.02, failed=False),
    ]
    assert prober.summary(samples) == {
        "requests": 4,
        "per_second": 1.4,
        "failed": 1,
        "p50_ms": 20.0,
        "p99_ms": 30.0,
        "longest_gap_ms": 2020,
        "first_failure": "status 502",
    }
    assert prober.summary([])["requests"] == 0


@pytest.mark.parametrize(("status", "all_fail"), [(200, False), (404, False), (502, True)])
def test_the_prober_counts_what_a_server_answers(
    monkeypatch: pytest.MonkeyPatch, status: int, all_fail: bool
) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(f"{self.headers['Host']} {self.headers.get('Connection', 'kept')}")
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        monkeypatch.setattr(Target, "port", server.server_port)
        running = prober.Prober(Target("127.0.0.1", "shop.example.com", "/"), 100)
        running.start()
        while len(asked) < 12:
            threading.Event().wait(0.01)
        found = running.stop()
    finally:
        server.shutdown()
        server.server_close()
    assert set(asked) == {"shop.example.com close", "shop.example.com kept"}
    assert found["requests"] >= 12
    assert found["failed"] == (found["requests"] if all_fail else 0)
