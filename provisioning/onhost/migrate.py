"""Brings the database to a release's migrations, as the user that runs the site."""

from __future__ import annotations

from typing import Any

from . import build, diagnosis, releases
from .commands import Runner
from .layout import Layout
from .wire import Failure, detail


def migrate(layout: Layout, runner: Runner, request: dict[str, Any]) -> dict[str, Any]:
    """Apply a release's migrations. Raises Failure, which says what was applied and what was not."""
    facts = releases.facts(layout, request["release"])
    if facts is None:
        raise Failure(f"release {request['release']} is not on this host", next_step="run `make up` again")
    folder = layout.release(facts["id"])
    project = folder / "code" / facts["project"]
    report, lines = build.run_in_site(layout, runner, folder, project, "seatrial_migrate.py", layout.run_user)
    if not report or report.get("failed"):
        found = diagnosis.of_site(lines, str(folder / "code"))
        cause = found.cause if found else str(report.get("error", "see the log lines above"))
        which = (
            f"migration {report['failed']}" if report.get("failed") else "bringing the database up to date"
        )
        applied = report.get("applied") or []
        kept = (
            f"; already applied and kept: {', '.join(applied)}" if applied else "; the database is as it was"
        )
        raise Failure(
            f"{which} failed: {cause}" + (kept if report else ""),
            next_step=found.next_step
            if found and not report.get("failed")
            else "correct the migration in the site's repository, and run `make up` again",
            log=lines,
        )
    if report["unknown"]:
        detail(f"applied by a newer release, and left in the database: {', '.join(report['unknown'])}")
    return {"applied": report["applied"], "unknown": report["unknown"]}
