"""Hooks are ordinary commands with the release's facts in their environment."""

from __future__ import annotations

import pytest

from provisioning import hooks


def test_a_hook_finds_the_facts_and_its_output_is_shown() -> None:
    told: list[str] = []
    hooks.run("after_release", 'echo "$SEATRIAL_HOOK $SEATRIAL_RELEASE"', {"release": "one"}, told.append)
    assert told == ["    after_release: after_release one"]


def test_a_hook_that_fails_names_its_command_and_status() -> None:
    with pytest.raises(
        hooks.HookFailed, match=r"after_migrate \(`echo no; exit 3`\) ended with status 3"
    ) as failed:
        hooks.run("after_migrate", "echo no; exit 3", {}, lambda _: None)
    assert failed.value.lines == ["no"]


def test_a_hook_that_is_not_set_is_not_run() -> None:
    hooks.run("on_failure", " ", {}, lambda _: pytest.fail("something was run"))
