"""The record of a site's releases: one JSON line a run, and what became of a run that left none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from . import lock
from .layout import Layout

KEPT = 500


def add(layout: Layout, entry: dict[str, Any], *, kept: int = KEPT) -> None:
    """Add a run to the site's record, which holds the last `kept` ones."""
    lines = [*_lines(layout), json.dumps(entry, sort_keys=True)][-kept:]
    temporary = layout.records.with_suffix(".new")
    temporary.write_text("\n".join(lines) + "\n")
    temporary.replace(layout.records)


def recent(layout: Layout, most: int = 10) -> list[dict[str, Any]]:
    """The last runs, oldest first; the last of them may still be at work, or may have died at it."""
    found = []
    for line in _lines(layout)[-most:]:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    held = lock.last_holder(layout)
    return [*found, of_holder(held)][-most:] if held else found


def of_holder(held: dict[str, Any]) -> dict[str, Any]:
    """The record of the run that holds, or held, a lock: `running`, or `abandoned` where it gave no sign of
    life for too long; that ended with the last one."""
    run = dict(held.get("run") or {})
    rollout = {"owner": held["owner"], "started": held["since"], **run.pop("rollout", {})}
    if not held["is_stale"]:
        return {**run, "rollout": {**rollout, "process": held["process"], "result": "running"}}
    last_sign = datetime.now(UTC) - timedelta(seconds=held["seconds_ago"])
    return {**run, "rollout": {**rollout, "ended": f"{last_sign:%Y-%m-%dT%H:%M:%SZ}", "result": "abandoned"}}


def _lines(layout: Layout) -> list[str]:
    try:
        return layout.records.read_text().splitlines()
    except FileNotFoundError:
        return []
