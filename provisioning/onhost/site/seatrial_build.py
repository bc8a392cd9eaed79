# mypy: disable-error-code="import-not-found"
"""The part of a build that needs the site itself: does it import, its static files, its checks.

Writes what came out as JSON to the file named by the first argument; `failed` is the step that did not work.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import pkgutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import seatrial_boot

Report = dict[str, Any]


def main(report_path: str) -> int:
    """Do all the steps; 1 where one failed."""
    report: Report = {"failed": None, "notes": []}
    steps: list[Callable[[Report], None]] = [settings, application, static_files, checks, migrations]
    status = 0
    for step in steps:
        try:
            step(report)
        except BaseException as error:
            traceback.print_exc()
            report["failed"] = step.__name__
            report["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
            status = 1
            break
    Path(report_path).write_text(json.dumps(report))
    return status


def settings(report: Report) -> None:
    """The settings module imports."""
    import django

    report["django"] = django.get_version()
    configured = seatrial_boot.configure()
    report["root_urlconf"] = configured.ROOT_URLCONF


def application(report: Report) -> None:
    """The WSGI callable and the URLs import."""
    seatrial_boot.application()
    from django.conf import settings as configured

    report["wsgi"] = (
        seatrial_boot.release()["wsgi_application"] or configured.WSGI_APPLICATION or "Django's own"
    )
    importlib.import_module(configured.ROOT_URLCONF)


def static_files(report: Report) -> None:
    """Static files are collected, and compressed ahead where django-compressor is there."""
    from django.conf import settings as configured
    from django.core.management import call_command

    if "django.contrib.staticfiles" not in configured.INSTALLED_APPS:
        return
    compress = "compressor" in configured.INSTALLED_APPS and _compresses_ahead(configured)
    in_place = compress and Path(str(configured.COMPRESS_ROOT)) == Path(str(configured.STATIC_ROOT))
    if compress and not in_place:
        call_command("compress", force=True, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    if in_place:
        call_command("compress", force=True, verbosity=0)
    report["compressed"] = compress
    root = Path(str(configured.STATIC_ROOT))
    report["static_files"] = sum(1 for path in root.rglob("*") if path.is_file()) if root.is_dir() else 0


def _compresses_ahead(configured: Any) -> bool:
    import compressor.conf  # noqa: F401  (it lays its defaults into the settings)

    return bool(configured.COMPRESS_ENABLED and configured.COMPRESS_OFFLINE)


def checks(report: Report) -> None:
    """`check --deploy`: errors end the build, warnings are told by their ids."""
    from django.core import checks as registry

    found = [
        message
        for message in registry.run_checks(include_deployment_checks=True)
        if not message.is_silenced()
    ]
    # What --deploy finds is advice; any other error is one that the site's own commands stop at too.
    errors = [m for m in found if m.level >= registry.ERROR and not str(m.id).startswith("security.")]
    report["warnings"] = sorted({str(message.id) for message in found if message not in errors})
    if errors:
        first = errors[0]
        raise RuntimeError(f"{first.id}: {str(first.msg).splitlines()[0]}")


def migrations(report: Report) -> None:
    """The names of all its migrations, as one short text: the same as another release's, or not."""
    from django.apps import apps
    from django.conf import settings as configured

    names = []
    for app in apps.get_app_configs():
        package = configured.MIGRATION_MODULES.get(app.label, f"{app.name}.migrations")
        try:
            found = importlib.util.find_spec(package) if package else None
        except ImportError:
            found = None  # `migrate` says what is wrong with it
        paths = found.submodule_search_locations if found else None
        names += [f"{app.label}.{module.name}" for module in pkgutil.iter_modules(paths or [])]
    report["migrations"] = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
