"""From staging to production, on one local cloud: what was tested goes through, nothing else does."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.project import Project, copied, get

STAGING, PRODUCTION = "trial", "trial-production"
VERDICT = "verdict.sh"
TITLE = "example/templates/base.html"
LOOK = 'curl -fsS --noproxy "*" "$BASE_URL/healthz" -o "$REPORTS/health.txt"'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A copy of the project with two small stacks of the example site."""
    with copied(tmp_path_factory.mktemp("promotion"), f"promotion-{os.getpid()}") as copy:
        _write(copy, STAGING, functional_tests=f"{LOOK} && sh {VERDICT}")
        _write(copy, PRODUCTION, verified_by=STAGING)
        _judge(copy, "echo the tests have run")
        yield copy


def _write(project: Project, stack: str, **changes: str) -> None:
    config = yaml.safe_load((project.folder / "Pulumi.local.yaml").read_text())["config"]
    ours = {"domain": f"{stack}.localhost", "database": "sqlite", "cache": "none", **changes}
    if stack == PRODUCTION:
        ours["allow_test_commands"] = "false"
    config |= {f"seatrial:{name}": value for name, value in ours.items()}
    (project.folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))


def _judge(project: Project, verdict: str) -> None:
    (project.folder / VERDICT).write_text(verdict + "\n")


def _up(project: Project, stack: str, *, good: bool = True) -> str:
    done = project.make("up", f"STACK={stack}")
    assert (done.returncode == 0) is good, done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


def _outputs(project: Project, stack: str) -> dict[str, Any]:
    outputs: dict[str, Any] = json.loads(project.make("output", f"STACK={stack}").stdout)
    return outputs


def _runs(project: Project, stack: str) -> list[dict[str, Any]]:
    """The stack's releases, the newest first, as its hosts have them on record."""
    done = subprocess.run(
        [".venv/bin/python", "-m", "ops", "releases", "--json", "--stack", stack],
        cwd=project.folder,
        env=project.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    runs: list[dict[str, Any]] = json.loads(done.stdout)
    return runs


def _test_command(project: Project, stack: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["tools/test-command.sh", *words],
        cwd=project.folder,
        env={**project.environment, "TEST_STACK": stack},
        check=False,
        capture_output=True,
        text=True,
    )


def _edition(project: Project, name: str) -> str:
    path: Path = project.folder / TITLE
    path.write_text(path.read_text().replace("</title>", f" {name}</title>", 1))
    return project.commit(f"The {name} edition")


def test_nothing_reaches_production_before_staging_has_verified_anything(project: Project) -> None:
    assert "no stack named 'trial'" in _up(project, PRODUCTION, good=False)
    assert project.cloud_status()["droplets"] == []


def test_a_commit_is_verified_when_its_tests_passed_and_their_reports_are_kept(project: Project) -> None:
    commit = _edition(project, "first")
    assert "the tests have run" in _up(project, STAGING)
    outputs = _outputs(project, STAGING)
    assert outputs["verified_revision"] == commit
    assert (project.folder / ".seatrial/reports" / outputs["release"]["id"] / "health.txt").is_file()


def test_the_verified_commit_goes_to_production_and_the_preview_names_it(project: Project) -> None:
    verified = _outputs(project, STAGING)["verified_revision"]
    _edition(project, "second")
    preview = subprocess.run(
        [".venv/bin/python", "-m", "ops", "preview", "--stack", PRODUCTION, "--diff"],
        cwd=project.folder,
        env=project.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert verified in preview.stdout
    _up(project, PRODUCTION)
    outputs = _outputs(project, PRODUCTION)
    assert outputs["release"]["revision"] == verified
    assert "first</title>" in get(outputs["site_url"]).body


def test_a_commit_whose_functional_tests_fail_never_reaches_production(project: Project) -> None:
    before, head = _outputs(project, STAGING)["verified_revision"], project.git("rev-parse", "HEAD")
    _judge(project, "echo the button is gone; exit 1")
    said = _up(project, STAGING, good=False)
    assert "the button is gone" in said
    # Staging serves it for whoever looks into it, and says so.
    serving = _runs(project, STAGING)[0]
    assert serving["revision"] == head
    assert f"{serving['id']} serves (The second edition)" in said
    assert f".seatrial/reports/{serving['id']}" in said
    assert _outputs(project, STAGING)["verified_revision"] == before
    _up(project, PRODUCTION)
    assert _outputs(project, PRODUCTION)["release"]["revision"] == before


def test_the_tests_of_an_unverified_release_run_again_until_they_pass(project: Project) -> None:
    before, runs = _outputs(project, STAGING)["verified_revision"], len(_runs(project, STAGING))
    assert "the button is gone" in _up(project, STAGING, good=False)
    _write(project, STAGING, functional_tests=f"{LOOK} && sh {VERDICT}", ttl="60")
    assert "the button is gone" in _up(project, STAGING, good=False)
    assert _outputs(project, STAGING)["verified_revision"] == before
    _judge(project, "echo the tests have run")
    assert "the tests have run" in _up(project, STAGING)
    assert _outputs(project, STAGING)["verified_revision"] == project.git("rev-parse", "HEAD") != before
    assert len(_runs(project, STAGING)) == runs, "nothing was released anew"
    assert "the tests have run" not in _up(project, STAGING)


def test_another_command_tests_what_serves_already(project: Project) -> None:
    _write(project, STAGING, functional_tests=f"{LOOK} && echo and other tests too", ttl="60")
    assert "and other tests too" in _up(project, STAGING)


def test_test_commands_run_on_staging_and_never_on_production(project: Project) -> None:
    done = _test_command(project, STAGING, "shell", "--verbosity=0", "-c", "print('from', 'the', 'host')")
    assert (done.returncode, done.stdout) == (0, "from the host\n"), done.stderr
    done = _test_command(project, PRODUCTION, "flush", "--noinput")
    assert done.returncode == 1
    assert "not allowed here" in done.stderr
    assert "TEST_COMMAND" not in _outputs(project, PRODUCTION)["functional_test_env"]
    assert "ssh_private_key" not in _outputs(project, PRODUCTION)


def test_an_unverified_commit_is_refused_in_one_line_and_nothing_changes(project: Project) -> None:
    before, verified = _outputs(project, PRODUCTION), _outputs(project, STAGING)["verified_revision"]
    _edition(project, "third")
    _write(project, PRODUCTION, revision="main", verified_by=STAGING)
    said = _up(project, PRODUCTION, good=False)
    assert f"{STAGING} has verified {verified[:12]}" in said
    assert "allow_unverified" in said
    assert _outputs(project, PRODUCTION) == before


def test_a_reason_lets_it_through_and_stays_with_the_release(project: Project) -> None:
    _write(project, PRODUCTION, revision="main", verified_by=STAGING, allow_unverified="the outage")
    _up(project, PRODUCTION)
    release = _outputs(project, PRODUCTION)["release"]
    assert release["revision"] == project.git("rev-parse", "main")
    assert release["unverified"] == "the outage"
    assert _runs(project, PRODUCTION)[0]["unverified"] == "the outage"
    assert "(the outage)" in project.make("releases", f"STACK={PRODUCTION}").stdout


def test_production_goes_back_without_a_build_and_keeps_the_reason(project: Project) -> None:
    before = _outputs(project, PRODUCTION)
    done = project.make("rollback", f"STACK={PRODUCTION}")
    assert done.returncode == 0, done.stdout
    after = _outputs(project, PRODUCTION)
    assert after["release"]["id"] == before["previous_release"]["id"]
    assert after["release"]["unverified"] == f"rollback from {before['release']['id']}"
    assert "build" not in after["rollout"]["seconds"]
    assert after["rollout"]["probe"]["failed"] == 0


def test_a_stack_taken_down_leaves_the_other_standing(project: Project) -> None:
    assert project.make("down", f"STACK={STAGING}").returncode == 0
    assert get(_outputs(project, PRODUCTION)["site_url"]).status == 200
