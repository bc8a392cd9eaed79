# mypy: disable-error-code="import-not-found"
"""Brings the database to a release's migrations, one program at a time.

Writes what came out as JSON to the file named by the first argument.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import sys
import traceback
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import seatrial_boot


def main(report_path: str) -> int:
    """Apply what is not applied yet; 1 where a migration failed."""
    seatrial_boot.application()
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    report: dict[str, Any] = {"planned": [], "applied": [], "unknown": [], "failed": None}
    status = 0
    with _alone(connection):
        executor = MigrationExecutor(connection)
        loader = executor.loader
        # Applied by a newer release than this one: told when an older release goes live again.
        labels = {app for app, _ in loader.disk_migrations}
        report["unknown"] = sorted(
            f"{app}.{name}"
            for app, name in loader.applied_migrations
            if app in labels
            and (app, name) not in loader.disk_migrations
            and not _is_replaced(loader, (app, name))
        )
        plan = executor.migration_plan(loader.graph.leaf_nodes())
        report["planned"] = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
        if plan:
            try:
                call_command("migrate", interactive=False, verbosity=1)
            except BaseException as error:
                traceback.print_exc()
                report["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
                status = 1
            report["applied"] = _now_applied(connection, report["planned"])
            if status:
                left = [name for name in report["planned"] if name not in report["applied"]]
                report["failed"] = left[0] if left else "after the last migration"
    Path(report_path).write_text(json.dumps(report))
    return status


@contextlib.contextmanager
def _alone(connection: Any) -> Iterator[None]:
    """Nobody else migrates this database: an advisory lock in PostgreSQL, a locked file elsewhere."""
    if connection.vendor == "postgresql":
        key = zlib.crc32(f"seatrial migrate {connection.settings_dict['NAME']}".encode())
        holder = connection.copy()
        try:
            with holder.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [key])
            yield
        finally:
            holder.close()
        return
    lock = Path(seatrial_boot.release()["shared"]) / ".migrate.lock"
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _is_replaced(loader: Any, key: Any) -> bool:
    return any(key in migration.replaces for migration in loader.disk_migrations.values())


def _now_applied(connection: Any, planned: list[str]) -> list[str]:
    from django.db.migrations.recorder import MigrationRecorder

    applied = {f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()}
    return [name for name in planned if name in applied]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
