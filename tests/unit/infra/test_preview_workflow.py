"""The workflow that users copy: it runs what make runs, and hands a fork nothing."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.unit.infra.recording import PROJECT

WORKFLOW: dict[Any, Any] = yaml.safe_load((PROJECT / ".github/workflows/preview.yml").read_text())
JOBS: dict[str, Any] = WORKFLOW["jobs"]
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]


def test_every_command_is_a_target_of_the_makefile() -> None:
    targets = set(re.findall(r"^([.\w/-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    commands = [step["run"].split() for _, step in STEPS if "run" in step]
    assert ["make", "lint", "unit"] in commands
    for command in commands:
        assert command[0] == "make"
        assert {word for word in command[1:] if "=" not in word} <= targets, command


def test_staging_and_production_are_previewed_by_the_official_action_with_a_comment() -> None:
    (action,) = [step for _, step in STEPS if step.get("uses", "").startswith("pulumi/actions@")]
    assert action["with"]["command"] == "preview"
    assert action["with"]["comment-on-pr"] is True
    assert JOBS["stacks"]["strategy"]["matrix"]["stack"] == ["staging", "production"]
    for stack in ("staging", "production"):
        assert (PROJECT / f"Pulumi.{stack}.yaml").is_file()


def test_secrets_are_named_only_where_a_fork_never_gets() -> None:
    with_secrets = {name for name, job in JOBS.items() if "secrets." in yaml.safe_dump(job)}
    assert with_secrets == {"stacks"}
    assert JOBS["stacks"]["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    # The trigger that would hand a fork's code the repository's secrets. YAML reads the word "on" as true.
    assert WORKFLOW[True] == {"pull_request": None}


def test_each_job_may_do_no_more_than_it_needs() -> None:
    assert WORKFLOW["permissions"] == {}
    for name, job in JOBS.items():
        extra = {"pull-requests": "write"} if name == "stacks" else {}
        assert job["permissions"] == {"contents": "read", **extra}, name
        assert job["timeout-minutes"] <= 60, name


def test_every_action_is_pinned_to_a_commit() -> None:
    for _, step in STEPS:
        if "uses" in step:
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", step["uses"]), step["uses"]
