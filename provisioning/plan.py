"""Works out what a rollout has to do on each host, from what is on the hosts now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Status = Mapping[str, Any]
"""What a host's `preflight` or `status` verb answers; `unsettled` where a rollout broke off in its switch."""


@dataclass(frozen=True)
class Plan:
    """The release to bring live, and on which hosts it must be built and switched to."""

    release: str
    build_on: tuple[str, ...]
    switch_on: tuple[str, ...]

    @property
    def is_done(self) -> bool:
        """Whether every host serves this very release, started with this very configuration."""
        return not self.build_on and not self.switch_on


def make(
    statuses: Mapping[str, Status], *, build_key: str, commit: str, configuration: str, now: datetime
) -> Plan:
    """The plan for hosts with these statuses (by name). `now` names a new release.

    A release that is built already, of the same commit on the same basis, is used again; a live one first.
    """
    release = _built(statuses, build_key) or f"{now:%Y%m%d-%H%M%S}-{commit[:7]}"
    build_on = [name for name, status in statuses.items() if release not in _fitting(status, build_key)]
    switch_on = [
        name
        for name, status in statuses.items()
        if _serves(status) != (release, configuration) or status["unsettled"]
    ]
    return Plan(release, tuple(build_on), tuple(switch_on))


def everywhere(plan: Plan, statuses: Mapping[str, Status]) -> Plan:
    """The same plan with a switch on every host, for a site that does not answer as it should."""
    return Plan(plan.release, plan.build_on, tuple(statuses))


def previous(statuses: Mapping[str, Status], release: str) -> dict[str, str] | None:
    """The release before `release`, as outputs show it: what is live, or was before where `release` is."""
    for status in statuses.values():
        known = {entry["id"]: entry for entry in status["releases"]}
        live = status["live"]
        before = live["id"] if live and live["id"] != release else status["previous"] if live else None
        if before in known and before != release:
            return {"id": before, "revision": known[before]["commit"]}
    return None


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
