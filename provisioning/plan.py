"""Works out what a rollout has to do on each host, from what is on the hosts now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Status = Mapping[str, Any]
"""What a host's `preflight` or `status` verb answers; `unsettled` where a rollout broke off in its switch."""


class NoWayBack(Exception):
    """There is no release to go back to: why, in one line."""


@dataclass(frozen=True)
class Plan:
    """The release to bring live, and on which hosts it must be built and switched to."""

    release: str
    build_on: tuple[str, ...]
    switch_on: tuple[str, ...]

    @property
    def is_done(self) -> bool:
        """Whether every host serves this very release, started with its very configuration."""
        return not self.build_on and not self.switch_on


def make(
    statuses: Mapping[str, Status],
    *,
    build_key: str,
    commit: str,
    configurations: Mapping[str, str],
    now: datetime,
) -> Plan:
    """The plan for hosts with these statuses and configurations (by name). `now` names a new release.

    A release that is built already, of the same commit on the same basis, is used again; a live one first.
    """
    release = _built(statuses, build_key) or f"{now:%Y%m%d-%H%M%S}-{commit[:7]}"
    build_on = [name for name, status in statuses.items() if release not in _fitting(status, build_key)]
    return Plan(release, tuple(build_on), _switch_on(statuses, release, configurations))


def back(statuses: Mapping[str, Status], configurations: Mapping[str, str]) -> tuple[Plan, dict[str, Any]]:
    """The plan to bring live what was live before, and what is known of that release (id, commit, subject).

    Raises NoWayBack where nothing was, or where it can't go live as it is on every host.
    """
    before = previous(statuses, _live(statuses))
    if before is None:
        raise NoWayBack("there is no earlier release on the hosts")
    known = {
        name: next((entry for entry in status["releases"] if entry["id"] == before["id"]), None)
        for name, status in statuses.items()
    }
    lacking = [name for name, entry in known.items() if entry is None]
    unfit = [name for name, entry in known.items() if entry is not None and not entry["fits"]]
    if lacking:
        raise NoWayBack(f"{before['id']} is no longer on {', '.join(lacking)}")
    if unfit:
        raise NoWayBack(f"{before['id']} was built for another database, cache or Python than the site's now")
    (facts, *_) = (entry for entry in known.values() if entry is not None)
    plan = Plan(before["id"], (), _switch_on(statuses, before["id"], configurations))
    return plan, facts


def everywhere(plan: Plan, statuses: Mapping[str, Status]) -> Plan:
    """The same plan with a switch on every host, for a site that does not answer as it should."""
    return Plan(plan.release, plan.build_on, tuple(statuses))


def batches(plan: Plan, statuses: Mapping[str, Status], size: int) -> list[tuple[str, ...]]:
    """The hosts to switch, `size` at once, in order. One host at least goes on serving meanwhile.

    Hosts on which nothing is live come first and all at once: no visitor is on them, and they help then.
    """
    new = tuple(name for name in plan.switch_on if not statuses[name]["live"])
    serving = [name for name in plan.switch_on if name not in new]
    at_once = max(1, min(size, len(statuses) - 1))
    groups = [tuple(serving[start : start + at_once]) for start in range(0, len(serving), at_once)]
    return [new, *groups] if new else groups


def keeps_migrations(statuses: Mapping[str, Status], release: Mapping[str, Any]) -> bool:
    """Whether a release (what is known of it) has the very migrations of the one that serves.

    It asks nothing else of the database then, and may start before that has been brought up to date.
    """
    live = {status["live"].get("migrations") for status in statuses.values() if status["live"]}
    return bool(release.get("migrations")) and live == {release["migrations"]}


def companion(plan: Plan, statuses: Mapping[str, Status]) -> tuple[dict[str, Any], tuple[str, ...]] | None:
    """The release before the plan's, and the new hosts that need it beside: None where there are none.

    With it they serve the static files of pages that visitors still have open, and can go back with the rest.
    """
    before = previous(statuses, plan.release)
    if before is None:
        return None
    entries = [entry for status in statuses.values() for entry in status["releases"]]
    facts = next(entry for entry in entries if entry["id"] == before["id"])
    new = tuple(
        name
        for name, status in statuses.items()
        if not status["live"] and before["id"] not in [entry["id"] for entry in status["releases"]]
    )
    return (facts, new) if new and facts.get("inputs") else None


def previous(statuses: Mapping[str, Status], release: str) -> dict[str, str] | None:
    """The release before `release`, as outputs show it: what is live, or was before where `release` is."""
    for status in statuses.values():
        known = {entry["id"]: entry for entry in status["releases"]}
        live = status["live"]
        before = live["id"] if live and live["id"] != release else status["previous"] if live else None
        if before in known and before != release:
            return {"id": before, "revision": known[before]["commit"]}
    return None


def _live(statuses: Mapping[str, Status]) -> str:
    """The release that is live on most hosts; empty where there is none."""
    live = [status["live"]["id"] for status in statuses.values() if status["live"]]
    return max(live, key=live.count, default="")


def _switch_on(
    statuses: Mapping[str, Status], release: str, configurations: Mapping[str, str]
) -> tuple[str, ...]:
    return tuple(
        name
        for name, status in statuses.items()
        if _serves(status) != (release, configurations[name]) or status["unsettled"]
    )


def _built(statuses: Mapping[str, Status], build_key: str) -> str | None:
    fitting = [release for status in statuses.values() for release in _fitting(status, build_key)]
    # A name that stands for something else on another host can't be used again.
    other = {
        entry["id"]
        for status in statuses.values()
        for entry in status["releases"]
        if entry["id"] not in _fitting(status, build_key)
    }
    live = {status["live"]["id"] for status in statuses.values() if status["live"]}
    usable = sorted(
        set(fitting) - other, key=lambda release: (release in live, fitting.count(release), release)
    )
    return usable[-1] if usable else None


def _fitting(status: Status, build_key: str) -> list[str]:
    return [entry["id"] for entry in status["releases"] if entry["build_key"] == build_key and entry["fits"]]


def _serves(status: Status) -> tuple[str, str] | None:
    live = status["live"]
    return (live["id"], live["configuration"]) if live else None
