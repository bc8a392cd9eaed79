"""What a rollout has to do follows from what is on the hosts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from provisioning import plan

NOW = datetime(2026, 1, 2, 10, 20, 30, tzinfo=UTC)
COMMIT = "abcdef0" + "1" * 33


def release(name: str, key: str = "key", *, fits: bool = True) -> dict[str, Any]:
    return {"id": name, "build_key": key, "fits": fits, "commit": f"commit of {name}", "subject": "x"}


def status(
    *releases: dict[str, Any], live: str = "", configuration: str = "c", previous: str | None = None
) -> dict[str, Any]:
    serving = {"id": live, "configuration": configuration, "slot": "blue"} if live else None
    return {"releases": [*releases], "live": serving, "previous": previous, "unsettled": False}


def make(statuses: dict[str, dict[str, Any]], configuration: str = "c") -> plan.Plan:
    configurations = dict.fromkeys(statuses, configuration)
    return plan.make(statuses, build_key="key", commit=COMMIT, configurations=configurations, now=NOW)


def test_a_new_commit_gets_a_new_release_on_every_host() -> None:
    statuses = {"a": status(release("old", "other"), live="old"), "b": status()}
    made = make(statuses)
    assert made.release == "20260102-102030-abcdef0"
    assert made.build_on == made.switch_on == ("a", "b")


def test_nothing_is_to_do_where_all_is_as_it_should_be() -> None:
    assert make({"a": status(release("one"), live="one")}).is_done


def test_a_changed_configuration_switches_without_a_build() -> None:
    made = make({"a": status(release("one"), live="one")}, configuration="new")
    assert (made.release, made.build_on, made.switch_on) == ("one", (), ("a",))


def test_an_older_release_that_is_still_there_goes_live_without_a_build() -> None:
    made = make({"a": status(release("one"), release("two", "other"), live="two")})
    assert (made.release, made.build_on, made.switch_on) == ("one", (), ("a",))


def test_a_release_built_on_another_basis_is_built_anew() -> None:
    made = make({"a": status(release("one", fits=False), live="one")})
    assert made.release != "one"
    assert made.build_on == ("a",)


def test_a_host_where_a_rollout_broke_off_in_its_switch_is_switched_again() -> None:
    made = make({"a": {**status(release("one"), live="one"), "unsettled": True}})
    assert (made.build_on, made.switch_on) == ((), ("a",))


def test_a_new_host_gets_the_release_that_the_others_serve() -> None:
    made = make({"a": status(release("one"), live="one"), "b": status()})
    assert (made.release, made.build_on, made.switch_on) == ("one", ("b",), ("b",))


def test_the_live_one_of_two_fitting_releases_is_used() -> None:
    made = make({"a": status(release("one"), release("two"), live="one")})
    assert made.release == "one"
    assert made.is_done


def test_the_previous_release_is_the_one_that_was_live() -> None:
    statuses = {"a": status(release("one"), release("two"), live="one", previous="zero")}
    assert plan.previous(statuses, "two") == {"id": "one", "revision": "commit of one"}
    assert plan.previous({"a": status()}, "one") is None


def test_the_previous_release_of_the_live_one_is_the_one_before() -> None:
    statuses = {"a": status(release("one"), release("two"), live="two", previous="one")}
    assert plan.previous(statuses, "two") == {"id": "one", "revision": "commit of one"}
