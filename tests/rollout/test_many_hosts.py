"""Releases on two app hosts behind an edge: nobody notices them, also where they fail."""

from __future__ import annotations

import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from typing import Any

import pytest

from tests.rollout.conftest import Outcome, SeveralStage
from tests.rollout.droplet import NAME
from tests.rollout.several import EDGE

pytestmark = pytest.mark.long

MIGRATION = """
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("memos", "0001_initial")]
    operations = [migrations.AddField("Memo", "colour", models.CharField(max_length=9, db_default=""))]
"""


def test_a_release_with_a_migration_loses_no_request_and_repeats_none(several: SeveralStage) -> None:
    before = several.facts()
    with posting(several) as posts:
        done = several.release(commit(several, "two", {"memos/migrations/0002_colour.py": MIGRATION}))
    assert done.status == 0, done.told
    unnoticed(done)
    assert posts["made"] > 0
    assert posts["failed"] == []
    after = several.facts()
    assert after["version"] == "two"
    assert int(after["memos"]) == int(before["memos"]) + posts["made"], "a POST was lost, or came twice"
    assert several.droplet.live_releases() == [done.document["release"]["id"]] * 2
    rollout = done.document["rollout"]
    assert rollout["migrations"]["applied"] == ["memos.0002_colour"]
    assert {"leave_seconds", "healthy_seconds", "rejoin_seconds"} <= {*rollout["hosts"]["app-2"]}
    assert is_whole(several)
    # Pages of both releases find their style sheets on both hosts.
    for host in several.droplet.apps:
        assert css(host.place.public, after["css"]) == "body { color: two }\n"
        assert css(host.place.public, before["css"]) == "body { color: black }\n"
        record = host.root("tail -n 1 /srv/notes/releases.jsonl")
        assert '"leave_seconds"' in record
        assert len(record) < 10_000


def test_the_release_before_comes_back_in_seconds_and_names_what_the_database_keeps(
    several: SeveralStage,
) -> None:
    newer = several.droplet.live_releases()[0]
    done = several.release("", rollback=True)
    assert done.status == 0, done.told
    unnoticed(done)
    assert several.facts()["version"] == "one"
    assert "build" not in done.document["rollout"]["seconds"]
    assert done.document["rollout"]["migrations"]["unknown"] == ["memos.0002_colour"]
    assert "the database keeps memos.0002_colour" in done.told
    assert done.document["previous_release"]["id"] == newer
    assert is_whole(several)


def test_a_release_that_breaks_on_the_second_host_takes_the_first_one_back(several: SeveralStage) -> None:
    before, live = several.facts(), several.droplet.live_releases()
    late = """
import socket
answer = home
def home(request):
    return HttpResponse(status=500) if socket.gethostname() == "app-2" else answer(request)
"""
    views = text(several, "memos/views.py") + late
    done = several.release(commit(several, "half", {"memos/views.py": views}))
    assert done.status == 1, done.told
    assert "release failed in switch on app-2" in done.told
    assert "app-1 was put back" in done.told
    unnoticed(done)
    assert several.facts() == before
    assert several.droplet.live_releases() == live
    assert is_whole(several)


def test_a_release_that_fails_its_smoke_test_is_taken_back_on_every_host(several: SeveralStage) -> None:
    before, live = several.facts(), several.droplet.live_releases()
    late = """
answer = home
def home(request):
    if request.headers["User-Agent"] == "seatrial-smoke":
        raise ValueError("seen from outside it is wrong")
    return answer(request)
"""
    views = text(several, "memos/views.py") + late
    done = several.release(commit(several, "smoke", {"memos/views.py": views}))
    assert done.status == 1, done.told
    assert "release failed in smoke" in done.told
    assert "app-1 was put back" in done.told
    assert "app-2 was put back" in done.told
    unnoticed(done)
    assert several.facts() == before
    assert several.droplet.live_releases() == live
    assert is_whole(several)


def test_a_migration_waits_while_somebody_else_migrates_the_database(several: SeveralStage) -> None:
    key = zlib.crc32(b"seatrial migrate notes")
    psql = "runuser -u postgres -- psql --tuples-only --no-align --quiet notes"
    locks = f"{psql} --command \"select {{}} from pg_locks where locktype = 'advisory' and {{}}\""
    data = several.droplet.hosts[EDGE]
    held = f"select pg_advisory_lock({key}); select pg_sleep(300)"
    data.root(f'systemd-run --quiet --collect --unit=other-rollout {psql} --command "{held}"')
    process = several.start(commit(several, "patient", {}))
    try:
        for _ in range(300):
            waiting = data.root(locks.format("count(*)", "not granted")).strip()
            if waiting == "1" or process.poll() is not None:
                break
            threading.Event().wait(0.2)
        assert waiting == "1"
        assert process.poll() is None
        assert several.facts()["version"] != "patient"
    finally:
        data.root(locks.format("pg_terminate_backend(pid)", "granted"))
        _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert several.facts()["version"] == "patient"


def test_a_gunicorn_that_is_killed_costs_at_most_the_requests_it_was_answering(several: SeveralStage) -> None:
    with several.visitors() as noticed:
        threading.Event().wait(1)
        several.droplet.root("systemctl kill --signal=KILL 'gunicorn@*.service'")
        threading.Event().wait(4)
    assert noticed["requests"] > 50
    # No more are under way at once than gunicorn has threads.
    assert noticed["failed"] <= 8, noticed
    several.droplet.root("systemctl is-active --quiet 'gunicorn@*.service'")


def unnoticed(done: Outcome) -> None:
    """Neither our visitors nor the rollout's own measurement saw anything fail."""
    assert done.visitors["requests"] > 0
    assert done.visitors["failed"] == 0, done.visitors
    assert re.search(r"(?<!\d)0 of [1-9]\d* requests failed", done.told), done.told


def is_whole(stage: SeveralStage) -> bool:
    """Whether the edge sends visitors to both app hosts."""
    status = stage.droplet.hosts[EDGE].root('seatrial-host edge-status <<<\'{"site": "notes"}\'')
    return status.count('"state": "UP"') == 2


def css(address: str, path: str) -> str:
    connection = HTTPConnection(address, timeout=15)
    try:
        connection.request("GET", path, headers={"Host": NAME})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def text(stage: SeveralStage, name: str) -> str:
    return (stage.repository.path / name).read_text()


def commit(stage: SeveralStage, version: str, files: dict[str, str]) -> str:
    """A commit upon the first version; the next one begins there again."""
    changes = stage.repository.changed("memos/views.py", 'VERSION = "one"', f'VERSION = "{version}"')
    changes["memos/static/memos.css"] = f"body {{ color: {version} }}\n"
    made = stage.repository.commit(version, {**changes, **files})
    stage.repository.go_back_to(stage.repository.first)
    return made


@contextmanager
def posting(stage: SeveralStage) -> Iterator[dict[str, Any]]:
    """A visitor who writes a memo twenty times a second, each on a connection of its own."""
    seen: dict[str, Any] = {"made": 0, "failed": []}
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.05):
            connection = HTTPConnection(stage.droplet.address, timeout=15)
            try:
                connection.request("POST", "/add", headers={"Host": NAME, "Content-Length": "0"})
                status = connection.getresponse().status
                seen["made"] += 1
                if status >= 400:
                    seen["failed"].append(str(status))
            except (OSError, HTTPException) as error:
                seen["failed"].append(repr(error))
            finally:
                connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield seen
    finally:
        over.set()
        writer.join()
