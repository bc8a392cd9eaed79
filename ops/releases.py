"""The record of a stack's releases, for people: one line a run, the newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from provisioning import records

COLUMNS = ("when", "release", "commit", "who", "result", "seconds", "lost")


def of(statuses: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The last runs in short, out of what each host says of itself."""
    return [records.brief(run) for run in records.merged(s.get("records", []) for s in statuses.values())]


def row(run: Mapping[str, Any]) -> tuple[str, ...]:
    """One run as COLUMNS has it; what is not known of it (a run that died told no seconds) is empty."""
    commit = f"{str(run.get('revision', ''))[:7]} {run.get('subject', '')}".strip()
    who = str(run.get("owner", "")).partition(" (")[0]
    reasons = [str(run[name]) for name in ("phase", "error", "unverified") if run.get(name)]
    result = f"{run.get('result', '')} ({': '.join(reasons)})" if reasons else str(run.get("result", ""))
    lost = f"{run['failed']} of {run['requests']}" if run.get("requests") else ""
    when = str(run.get("started", "")).replace("T", " ").removesuffix("Z")
    return (when, str(run.get("id", "")), commit, who, result, str(run.get("seconds", "")), lost)


def show(runs: Sequence[Mapping[str, Any]]) -> None:
    """Print the table, as wide as it needs to be where nobody's terminal limits it."""
    table = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for run in runs:
        table.add_row(*(Text(cell) for cell in row(run)))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=240)
    console.print(table)
