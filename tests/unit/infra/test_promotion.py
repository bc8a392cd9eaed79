"""From staging to production: what is verified, and what may be released."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra.settings import SettingsError, load
from provisioning import source
from tests.unit.infra import recording as r
from tests.unit.infra.conftest import COMMIT
from tests.unit.infra.recording import RESULT, UNKNOWN, Graph
from tests.unit.infra.test_settings import LEAST

Program = Callable[..., Graph]

STAGING = "organization/seatrial/staging"
OTHER = "d" * 40
TESTS = {"functional_tests": "pytest functional_tests"}


def command(graph: Graph) -> r.Registered:
    (found,) = [x for x in graph.all(r.LOCAL) if x.name.endswith("functional-tests-command")]
    return found


def request(graph: Graph) -> dict[str, Any]:
    (rollout,) = [x for x in graph.all(r.LOCAL) if x.name.endswith("-rollout")]
    loaded: dict[str, Any] = json.loads(rollout.plain("stdin"))
    return loaded


def refused(program: Program, changes: dict[str, Any], stacks: dict[str, Any]) -> str:
    with pytest.raises(pulumi.RunError) as raised:
        program(changes, stack="production", stacks=stacks)
    assert len(str(raised.value).splitlines()) == 1
    return str(raised.value)


def looked_up(monkeypatch: pytest.MonkeyPatch, *, found: str = "") -> list[str]:
    """The revisions that are looked up from now on; each is `found`, or the commit that it names itself."""
    asked: list[str] = []

    def resolve(repository: str, revision: str, *, deploy_key: str | None = None) -> source.Commit:
        del repository, deploy_key
        asked.append(revision)
        return source.Commit(sha=found or revision, subject="", dirty=False)

    monkeypatch.setattr(source, "resolve", resolve)
    return asked


def test_without_functional_tests_nothing_is_ever_verified(program: Program) -> None:
    graph = program()
    assert "verified_revision" not in graph.outputs
    assert len(graph.all(r.LOCAL)) == 1


def test_the_commit_is_verified_once_its_tests_ended_well(program: Program) -> None:
    graph = program(TESTS)
    assert graph.outputs["verified_revision"].value == COMMIT
    assert not graph.outputs["verified_revision"].is_secret
    assert any(urn.endswith("shop-release-rollout") for urn in command(graph).request.dependencies)


def test_a_preview_does_not_call_verified_what_was_not_tested(program: Program) -> None:
    graph = program(TESTS, preview=True)
    assert not graph.outputs["verified_revision"].is_known
    assert command(graph).inputs["environment"] == UNKNOWN


def test_the_tests_are_shown_as_they_run_and_told_where_the_site_is(program: Program) -> None:
    tests = command(program({**TESTS, "allow_test_commands": True}))
    assert tests.inputs["logging"] == "stdoutAndStderr"
    environment = tests.inputs["environment"]
    release = str(RESULT["release"]["id"])
    assert environment["STAGING_SERVER"] == "staging.example.com"
    assert environment["SITE_SSH"] == "seatrial@192.0.2.10"
    assert (environment["TEST_COMMAND"], environment["TEST_STACK"]) == ("tools/test-command.sh", "staging")
    assert environment["REPORTS"] == f".seatrial/reports/{release}"
    assert (environment["RELEASE"], environment["COMMIT"]) == (release, COMMIT)


def test_the_tests_run_again_when_the_rollout_did(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    before, same = command(program(TESTS)), command(program(TESTS))
    assert before.inputs == same.inputs
    monkeypatch.setitem(RESULT, "rollout", {"seconds": {"build": 2.5}, "probe": {}, "result": "ok"})
    assert command(program(TESTS)).inputs["environment"] != before.inputs["environment"]


def test_the_tests_command_runs_in_a_shell_that_has_a_folder_for_its_reports(
    program: Program, tmp_path: Path
) -> None:
    tests = command(program({"functional_tests": 'cd / && echo "$STAGING_SERVER" > "$REPORTS/report.txt"'}))
    subprocess.run(
        ["/bin/sh", "-c", tests.inputs["create"]],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", **tests.inputs["environment"]},
        check=True,
    )
    assert (
        (tmp_path / tests.inputs["environment"]["REPORTS"] / "report.txt").read_text().startswith("staging.")
    )


def test_a_failed_run_says_what_serves_and_where_its_reports_are(program: Program, tmp_path: Path) -> None:
    tests = command(
        program({**TESTS, "functional_tests": "echo no button; exit 3", "allow_test_commands": True})
    )
    done = subprocess.run(
        ["/bin/sh", "-c", tests.inputs["create"]],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", **tests.inputs["environment"]},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert "no button" in done.stdout
    (line,) = done.stderr.splitlines()
    release = str(RESULT["release"]["id"])
    assert f"{release} serves at http://staging.example.com" in line
    assert str(tmp_path / ".seatrial/reports" / release) in line


def test_a_test_command_is_found_from_any_folder(program: Program, tmp_path: Path) -> None:
    tests = command(
        program({"functional_tests": 'cd / && echo "$TEST_COMMAND"', "allow_test_commands": True})
    )
    done = subprocess.run(
        ["/bin/sh", "-c", tests.inputs["create"]],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", **tests.inputs["environment"]},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(tmp_path / "tools/test-command.sh")


@pytest.mark.parametrize("preview", [True, False])
def test_production_takes_the_verified_commit_and_a_preview_names_it(program: Program, preview: bool) -> None:
    changes = {"revision": "verified", "verified_by": "staging"}
    stacks = {STAGING: {"verified_revision": COMMIT}}
    graph = program(changes, stack="production", stacks=stacks, preview=preview)
    assert COMMIT in graph.one(r.LOCAL).inputs["create"]


def test_the_verified_commit_is_the_one_that_is_looked_up(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = looked_up(monkeypatch)
    changes = {"revision": "verified", "verified_by": "ana/seatrial/staging"}
    program(changes, stack="production", stacks={"ana/seatrial/staging": {"verified_revision": OTHER}})
    assert asked == [OTHER]


def test_another_commit_than_the_verified_one_is_refused_before_anything_is_made(program: Program) -> None:
    line = refused(
        program,
        {"revision": "main", "verified_by": "staging"},
        {STAGING: {"verified_revision": OTHER}},
    )
    assert f"main is commit {COMMIT[:12]}" in line
    assert f"staging has verified {OTHER[:12]}" in line
    assert "seatrial:allow_unverified" in line


def test_a_reason_lets_another_commit_through_and_stays_with_the_release(program: Program) -> None:
    changes = {"revision": "main", "verified_by": "staging", "allow_unverified": "outage of 3 May"}
    graph = program(changes, stack="production", stacks={STAGING: {"verified_revision": OTHER}})
    assert request(graph)["unverified"] == "outage of 3 May"
    graph = program(changes, stack="production", stacks={STAGING: {"verified_revision": COMMIT}})
    assert "unverified" not in request(graph)


def test_a_stack_that_verified_nothing_is_one_clear_line(program: Program) -> None:
    line = refused(program, {"revision": "verified", "verified_by": "staging"}, {STAGING: {}})
    assert "'staging' has verified no commit yet; set seatrial:functional_tests there" in line


def test_a_stack_that_is_not_there_stops_everything(program: Program) -> None:
    with pytest.raises(Exception, match="no stack named 'organization/seatrial/staging' found"):
        program({"revision": "verified", "verified_by": "staging"}, stack="production")


def test_without_a_word_of_a_revision_production_takes_the_verified_commit_and_others_the_branch(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = looked_up(monkeypatch, found=COMMIT)
    program({"verified_by": "staging"}, stack="production", stacks={STAGING: {"verified_revision": COMMIT}})
    program()
    assert asked == [COMMIT, "HEAD"]


def test_a_production_stack_says_who_verifies_for_it_or_why_nobody_does(program: Program) -> None:
    with pytest.raises(SettingsError, match=r"verified_by: is not set.* reason in allow_unverified"):
        load(LEAST, stack="production")
    load({**LEAST, "verified_by": "staging"}, stack="production")
    graph = program({"allow_unverified": "no staging yet"}, stack="production")
    assert request(graph)["unverified"] == "no staging yet"


def test_where_nothing_was_ever_verified_a_named_commit_with_a_reason_goes_out(program: Program) -> None:
    changes = {"revision": "main", "verified_by": "staging", "allow_unverified": "staging is down"}
    graph = program(changes, stack="production", stacks={STAGING: {}})
    assert request(graph)["unverified"] == "staging is down"
    named = {**changes, "revision": ""}
    assert "has verified no commit yet" in refused(program, named, {STAGING: {}})


@pytest.mark.parametrize(
    "changes", [{"revision": "verified"}, {"verified_by": "production"}, {"verified_by": "no/stack"}]
)
def test_a_gate_that_leads_nowhere_is_a_wrong_setting(changes: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="verified_by"):
        load({**LEAST, **changes}, stack="production")
