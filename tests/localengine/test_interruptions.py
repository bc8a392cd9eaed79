"""Runs that are stopped half-way, and what the next run makes of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable

from tests.localengine.conftest import Project

PROGRAM = """
    a = File("a")
    slow = File("slow", text=a.path, slow={seconds})
    after = File("after", text=slow.path)
"""
UP = ("up", "-s", "dev", "--yes", "--skip-preview")


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def begin(project: Project, seconds: float) -> subprocess.Popen[str]:
    """Start an update, and wait until it is in the middle of making `slow`."""
    project.write(PROGRAM.format(seconds=seconds))
    process = project.start(*UP)
    calls = project.files / "calls"
    wait_until(lambda: calls.exists() and "create-begin slow" in calls.read_text(), process)
    return process


def locks(project: Project) -> list[str]:
    return [path.name for path in project.backend.glob(".pulumi/locks/*/*/*/*.json")]


def test_one_interrupt_lets_what_runs_finish_and_the_next_run_goes_on(project: Project) -> None:
    process = begin(project, 1)
    assert len(locks(project)) == 1
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130, out
    assert "interrupted" in out
    assert "Traceback" not in out
    assert project.existing() == ["a", "slow"]
    assert {"a", "slow"} <= set(project.names())
    assert "pending_operations" not in project.latest()
    assert locks(project) == []
    project.calls()

    project.up_well()
    assert project.calls() == ["create after"]


def test_two_interrupts_end_at_once_and_the_next_run_explains(project: Project) -> None:
    process = begin(project, 60)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)
    assert process.returncode == 130, out
    assert locks(project) == []
    pending = project.latest()["pending_operations"]
    assert [(item["type"], item["resource"]["urn"].rpartition("::")[2]) for item in pending] == [
        ("creating", "slow")
    ]
    project.write(PROGRAM.format(seconds=0))
    result = project.up_well()
    assert "warning: slow: an earlier run was stopped while creating it" in result.text
    assert "pending_operations" not in project.latest()
    assert project.existing() == ["a", "after", "slow"]
    assert "warning" not in project.up_well().text


def test_a_killed_run_leaves_what_it_finished_and_its_lock_is_seen_through(project: Project) -> None:
    process = begin(project, 60)
    process.kill()
    process.communicate(timeout=10)
    assert {"a"} <= set(project.names())
    assert [item["type"] for item in project.latest()["pending_operations"]] == ["creating"]
    assert len(locks(project)) == 1
    project.write(PROGRAM.format(seconds=0))
    result = project.up_well()
    assert "the lock of a run that lives no more was removed" in result.text
    assert locks(project) == []


def test_a_stack_that_someone_else_works_on_is_refused_until_it_is_freed(project: Project) -> None:
    project.write('File("a")')
    project.up_well()
    folder = project.backend / ".pulumi/locks/organization/tests/dev"
    folder.mkdir(parents=True, exist_ok=True)
    other = {"pid": 1, "username": "ann", "hostname": "elsewhere", "timestamp": "2026-01-01T00:00:00Z"}
    (folder / "other.json").write_text(json.dumps(other))

    refused = project.up()
    assert refused.code == 1
    assert "locked by process 1 of ann@elsewhere" in refused.err
    assert "cancel -s dev" in refused.err
    assert locks(project) == ["other.json"]
    assert project.preview().code == 0, "a preview needs no lock"

    assert "ann@elsewhere" in project.run("cancel", "-s", "dev").out
    project.up_well()


def test_two_runs_at_once_are_not_possible(project: Project) -> None:
    process = begin(project, 2)
    second = project.up()
    assert second.code == 1
    assert f"process {process.pid}" in second.err
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0, out


def test_a_run_s_output_may_be_cut_off_without_harm(project: Project) -> None:
    project.write(PROGRAM.format(seconds=0.3))
    process = project.start(*UP)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=30) is not None
    assert project.existing() == ["a", "after", "slow"]
    assert locks(project) == []
    assert os.path.getsize(project.state_file) > 0  # noqa: PTH202
