"""The record of a site's releases, as its hosts tell it (onhost/records.py): put together, and in short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioning import process

Record = Mapping[str, Any]
"""One run: `release` (id, revision, unverified), and in `rollout` who, when, result, seconds, probe ..."""

MOST = 10


def merged(told: Iterable[Iterable[Record]], most: int = MOST) -> list[Record]:
    """The last runs, newest first, out of what each host tells: a run is on record on all its hosts."""
    runs = {
        (run["rollout"]["started"], run["rollout"]["owner"]): run
        for host in told
        for run in host
        # What an earlier version left there says less.
        if {"started", "owner"} <= run.get("rollout", {}).keys()
    }
    return [_as_seen_here(runs[key]) for key in sorted(runs, reverse=True)][:most]


def _as_seen_here(run: Record) -> Record:
    """A run that is at work for its host, and has ended for whoever shares a machine with it, died."""
    rollout = run["rollout"]
    if rollout.get("result") == "running" and process.is_gone(rollout.get("process", "")):
        return {**run, "rollout": {**rollout, "result": "abandoned"}}
    return run


def brief(run: Record) -> dict[str, Any]:
    """A run in one flat map: id, revision, subject, owner, started, result; where they are known: ended,
    seconds in all, requests, failed; phase and error of a failed one; the reason of an unverified one.
    """
    release, rollout = run.get("release", {}), run["rollout"]
    probe = rollout.get("probe") or {}
    facts = {
        "id": release.get("id", ""),
        "revision": release.get("revision", ""),
        "unverified": release.get("unverified"),
        **{name: rollout.get(name) for name in ("subject", "owner", "started", "ended", "result")},
        "seconds": (rollout.get("seconds") or {}).get("total"),
        "requests": probe.get("requests"),
        "failed": probe.get("failed"),
        **{name: rollout.get(name) for name in ("phase", "error")},
    }
    return {name: value for name, value in facts.items() if value is not None}
