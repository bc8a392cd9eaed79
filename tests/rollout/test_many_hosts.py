"""Releases on two app hosts behind an edge: of 100 visitors a second nobody notices any, good or failed."""

from __future__ import annotations

import re
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest

from tests.rollout.conftest import Outcome, SeveralStage
from tests.rollout.droplet import NAME
from tests.rollout.several import EDGE

MIGRATION = """
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("memos", "0001_initial")]
    operations = [migrations.AddField("Memo", "colour", models.CharField(max_length=9, db_default=""))]
"""
REFUSED = """
from django.db import migrations
def refuse(apps, schema_editor):
    raise ValueError("these memos can't be converted")
class Migration(migrations.Migration):
    dependencies = [("memos", "0001_initial")]
    operations = [migrations.RunPython(refuse)]
"""
BROKEN_FOR = """
answer = home
def home(request):
    import socket
    if {}:
        raise ValueError("it is wrong")
    return answer(request)
"""
NO_START = """
import sys
if "gunicorn" in sys.argv[0]:
    raise RuntimeError("not today")
"""
BREAKAGES = {
    "does not start": ("office/wsgi.py", NO_START, "in start on app-1"),
    "is unhealthy": ("memos/views.py", BROKEN_FOR.format("True"), "in start on app-1"),
    "is unhealthy on the second host": (
        "memos/views.py",
        BROKEN_FOR.format('socket.gethostname() == "app-2"'),
        "in start on app-2",
    ),
    # nginx alone says who the visitor is, and asks it nothing before it is live.
    "is healthy but not through nginx on the second host": (
        "memos/views.py",
        BROKEN_FOR.format('socket.gethostname() == "app-2" and "X-Real-IP" in request.headers'),
        "in switch on app-2",
    ),
    "fails its migration": ("memos/migrations/0002_refused.py", REFUSED, "in migrate on app-1"),
    "is healthy but fails its smoke test": (
        "memos/views.py",
        BROKEN_FOR.format('request.headers["User-Agent"] == "seatrial-smoke"'),
        "in smoke on edge-1",
    ),
}
"""What is added to which file, and where the release then fails."""


def test_a_release_with_a_migration_loses_no_request_and_repeats_none(several: SeveralStage) -> None:
    before = several.facts()
    migration = {"memos/migrations/0002_colour.py": MIGRATION}
    done, visits = several.release_visited(several.change("two", migration))
    assert done.status == 0, done.told
    several.nobody_noticed(visits)
    measured_nothing(done)
    after = several.facts()
    assert after["version"] == "two"
    assert several.droplet.live_releases() == [done.document["release"]["id"]] * 2
    rollout = done.document["rollout"]
    assert rollout["migrations"]["applied"] == ["memos.0002_colour"]
    assert {"leave_seconds", "healthy_seconds", "rejoin_seconds"} <= {*rollout["hosts"]["app-2"]}
    assert several.is_whole()
    # Pages of both releases find their style sheets on both hosts.
    for host in several.droplet.apps:
        assert sheet(host.place.public, after["css"]) == "body { color: two }\n"
        assert sheet(host.place.public, before["css"]) == "body { color: black }\n"
        record = host.root("tail -n 1 /srv/notes/releases.jsonl")
        assert '"leave_seconds"' in record
        assert len(record) < 10_000


def test_the_release_before_comes_back_in_seconds_and_names_what_the_database_keeps(
    several: SeveralStage,
) -> None:
    newer = several.droplet.live_releases()[0]
    done, visits = several.release_visited("", rollback=True)
    assert done.status == 0, done.told
    several.nobody_noticed(visits)
    measured_nothing(done)
    assert several.facts()["version"] == "one"
    assert "build" not in done.document["rollout"]["seconds"]
    assert done.document["rollout"]["migrations"]["unknown"] == ["memos.0002_colour"]
    assert "the database keeps memos.0002_colour" in done.told
    assert done.document["previous_release"]["id"] == newer
    assert several.is_whole()


@pytest.mark.long
@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_release_that_breaks_is_undone_on_every_host_and_nobody_notices(
    several: SeveralStage, breakage: str
) -> None:
    file, added, where = BREAKAGES[breakage]
    before, live = without_memos(several), several.droplet.live_releases()
    text = several.text(file) if (several.repository.path / file).exists() else ""
    done, visits = several.release_visited(several.change("broken", {file: text + added}))
    assert done.status == 1, done.told
    assert f"release failed {where}" in done.told
    several.nobody_noticed(visits)
    # Where it fails before the first host changes, there is nothing to measure.
    if "in migrate" not in where:
        measured_nothing(done)
    assert without_memos(several) == before
    assert several.droplet.live_releases() == live
    assert several.is_whole()


@pytest.mark.long
def test_what_visitors_began_before_a_release_is_answered_in_full_and_their_pages_stay_whole(
    several: SeveralStage,
) -> None:
    """Pages of the old and the new release have their style sheets throughout, slow requests their time."""
    before = several.facts()
    sheet_before = sheet(several.droplet.address, before["css"])
    with reading(several, before["css"]) as whole, working_slowly(several) as slow:
        done, visits = several.release_visited(several.change("three"))
    assert done.status == 0, done.told
    several.nobody_noticed(visits)
    assert {text for text in whole if "color" not in text} == set()
    assert {"body { color: three }\n", sheet_before} <= set(whole)
    answers = [answer.result() for answer in slow]
    assert {status for status, _ in answers} == {200}, answers
    assert {text for _, text in answers} == {f"slow from {before['version']}", "slow from three"}
    assert not any(facts.get("leave_open") for facts in done.document["rollout"]["hosts"].values())


@pytest.mark.long
def test_a_migration_waits_while_somebody_else_migrates_the_database(several: SeveralStage) -> None:
    key = zlib.crc32(b"seatrial migrate notes")
    psql = "runuser -u postgres -- psql --tuples-only --no-align --quiet notes"
    locks = f"{psql} --command \"select {{}} from pg_locks where locktype = 'advisory' and {{}}\""
    data = several.droplet.hosts[EDGE]
    held = f"select pg_advisory_lock({key}); select pg_sleep(300)"
    data.root(f'systemd-run --quiet --collect --unit=other-rollout {psql} --command "{held}"')
    process = several.start(several.change("patient"))
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


def measured_nothing(done: Outcome) -> None:
    """Asserts that the rollout's own measurement saw nothing fail either, and says so."""
    assert re.search(r"(?<!\d)0 of [1-9]\d* requests failed", done.told), done.told


def without_memos(stage: SeveralStage) -> dict[str, str]:
    """What the home page says of the release that serves."""
    return {name: value for name, value in stage.facts().items() if name != "memos"}


def sheet(address: str, path: str) -> str:
    """A style sheet, or what was answered instead."""
    connection = HTTPConnection(address, timeout=15)
    try:
        connection.request("GET", path, headers={"Host": NAME})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@contextmanager
def reading(stage: SeveralStage, old: str) -> Iterator[list[str]]:
    """A reader who opens the page again and again: the sheets it names then, and the one that was first."""
    seen: list[str] = []
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.05):
            seen.extend(sheet(stage.droplet.address, path) for path in (stage.facts()["css"], old))

    with ThreadPoolExecutor() as pool:
        reader = pool.submit(read)
        try:
            yield seen
        finally:
            over.set()
        reader.result()


@contextmanager
def working_slowly(stage: SeveralStage) -> Iterator[list[Future[tuple[int, str]]]]:
    """Requests of 3 seconds, of which several are always under way; their answers are there at the end."""
    answers: list[Future[tuple[int, str]]] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            answers.append(pool.submit(stage.get, "/slow?seconds=3"))
            over.wait(1)

    with ThreadPoolExecutor() as pool:
        asking = pool.submit(ask)
        try:
            yield answers
        finally:
            over.set()
        asking.result()
