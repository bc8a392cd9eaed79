"""The record of releases: of all hosts together, in short."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from provisioning import process, records, source
from tests.unit.provisioning.pretend import COMMIT, world


@pytest.fixture(autouse=True)
def code_without_a_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "archive", lambda *_, **__: iter([b"code"]))


def run(started: str, result: str = "ok", **more: Any) -> dict[str, Any]:
    return {
        "release": {"id": f"release of {started}", "revision": "a" * 40},
        "rollout": {"owner": "ana@laptop", "started": started, "result": result, **more},
    }


def test_a_run_is_told_once_however_many_hosts_have_it_and_the_newest_comes_first() -> None:
    told = records.merged([[run("1"), run("2")], [run("2"), run("3")]])
    assert [found["rollout"]["started"] for found in told] == ["3", "2", "1"]
    assert records.merged([[{"owner": "ana@laptop", "result": "ok"}]]) == []
    assert len(records.merged([[run(f"{number:02}") for number in range(20)]])) == records.MOST


def test_a_run_whose_process_has_ended_on_this_machine_is_abandoned_at_once() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    named = process.identity(child.pid)
    (working,) = records.merged([[run("1", "running", process=named)]])
    assert working["rollout"]["result"] == "running"
    child.communicate(b"\n")
    (died,) = records.merged([[run("1", "running", process=named)]])
    assert died["rollout"]["result"] == "abandoned"


def test_in_short_a_run_says_what_who_when_how_long_and_what_was_lost() -> None:
    long = run("1", seconds={"build": 2.0, "total": 9.5}, probe={"requests": 90, "failed": 0}, hosts={"a": 1})
    assert records.brief(long) == {
        "id": "release of 1",
        "revision": "a" * 40,
        "owner": "ana@laptop",
        "started": "1",
        "result": "ok",
        "seconds": 9.5,
        "requests": 90,
        "failed": 0,
    }
    assert records.brief(run("1", "failed", error="the disk is full"))["error"] == "the disk is full"


def test_a_rollout_leaves_its_record_on_every_host_with_who_when_and_why() -> None:
    site = world(2)
    site.run(unverified="the outage", subject="Sell more")
    left = [facts["record"] for _, verb, facts in site.said if verb == "unlock"]
    assert len(left) == 2
    for record in left:
        assert record["release"]["revision"] == COMMIT
        assert record["release"]["unverified"] == "the outage"
        rollout = record["rollout"]
        assert (rollout["result"], rollout["subject"]) == ("ok", "Sell more")
        assert rollout["owner"] and rollout["started"] <= rollout["ended"]
        assert set(rollout["hosts"]) == {"app-1", "app-2"}
        assert rollout["seconds"]["total"] >= 0 and rollout["probe"]["failed"] == 0


def test_a_failed_rollout_is_on_record_with_its_phase_and_error() -> None:
    site = world(2)
    site.hosts["app-2"].refuses["switch"] = "it does not start"
    site.failing()
    (record, _) = [facts["record"] for _, verb, facts in site.said if verb == "unlock"]
    assert record["rollout"]["result"] == "failed"
    assert (record["rollout"]["phase"], record["rollout"]["error"]) == ("switch", "it does not start")


def test_the_lock_says_from_the_start_what_is_on_record_should_the_run_die() -> None:
    site = world(2)
    document = site.run()
    runs = [facts["run"] for _, verb, facts in site.said if verb == "lock" and "run" in facts]
    assert [found["release"] for found in runs] == [document["release"]] * 2
    assert runs[0]["rollout"]["started"] == document["rollout"]["started"]
