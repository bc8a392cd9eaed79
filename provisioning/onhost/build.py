"""Builds a release from its code: environment, settings, static files, checks."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from . import diagnosis, discovery, environments, releases, requirements, siteconfig
from .commands import CommandFailed, Runner
from .layout import Layout
from .wire import Failure, detail

_SITE_FILES = Path(__file__).with_name("site")
_COMPRESSED = {
    ".css",
    ".js",
    ".mjs",
    ".svg",
    ".html",
    ".txt",
    ".json",
    ".xml",
    ".map",
    ".ttf",
    ".otf",
    ".ico",
}
# What a new host needs to build the same release.
_INPUTS = ("subdirectory", "django_settings_module", "wsgi_application", "requirements", "python_version")
_STEPS = {
    "settings": "the settings module {settings} does not import",
    "application": "the site does not import",
    "static_files": "its static files could not be collected",
    "checks": "Django's checks found an error",
}


def build(layout: Layout, runner: Runner, request: dict[str, Any]) -> dict[str, Any]:
    """Build the release that was received as `request['release']`; what is built already is left as it is.

    Raises Failure, with nothing left of the release.
    """
    release_id = request["release"]
    known = releases.facts(layout, release_id)
    if known is not None:
        return {**known, "reused": True}
    try:
        facts = _build(layout, runner, request)
    except Failure:
        releases.remove(layout, release_id)
        raise
    except OSError as error:
        releases.remove(layout, release_id)
        raise Failure(
            f"{error.strerror or error}: {error.filename or layout.releases}",
            next_step="free space on the host, or give it a larger droplet_size" if error.errno == 28 else "",
        ) from None
    except CommandFailed as error:
        releases.remove(layout, release_id)
        if diagnosis.disk_is_full(error.lines):
            raise Failure(
                "the disk is full",
                next_step="free space on the host, or give it a larger droplet_size",
                log=error.lines,
            ) from None
        raise Failure(str(error), log=error.lines) from None
    return {**facts, "reused": False}


def _build(layout: Layout, runner: Runner, request: dict[str, Any]) -> dict[str, Any]:
    site = siteconfig.load(layout)
    folder = layout.release(request["release"])
    code = folder / "code"
    given = request["django_settings_module"] or site.named_settings_module
    project = discovery.find(code, request["subdirectory"], given)
    wanted = requirements.find(project.folder, code, request["requirements"])
    wish = environments.wish_of(
        project.folder, code, request["python_version"], str(site.values.get("python_version") or "")
    )
    environment = environments.make(
        layout,
        runner,
        wanted,
        wish,
        engine=site.engine,
        has_redis=site.has_redis,
        commit=request["commit"],
    )
    count = len(environments.installed_packages(environment.path))
    extra = f", added {', '.join(environment.added)}" if environment.added else ""
    again = "as before" if environment.reused else f"from {wanted.path.name}"
    detail(f"python {environment.python}, {count} packages {again}{extra}")
    _as_builder(layout, runner, "ln", "-sfn", f"../.venvs/{environment.path.name}", str(folder / "venv"))
    facts = {
        "settings_module": project.settings_module,
        "wsgi_application": request["wsgi_application"],
        "static_root": str(folder / "static"),
        "configuration": str(layout.configuration),
        "shared": str(layout.shared),
    }
    detail(f"settings {project.settings_module} ({project.why})")
    report = _run_site(layout, runner, folder, code, project.folder, facts)
    if report["warnings"]:
        detail(f"check --deploy: {', '.join(report['warnings'])}")
    live = releases.live(layout)
    before = layout.release(live["id"]) if live else folder
    compressed = compress(folder / "static", before / "static")
    detail(
        f"Django {report['django']}, {report.get('static_files', 0)} static files, {compressed} compressed"
    )
    # Nobody but the builder and the site may read the code; nginx reads what is in `static`.
    for path, mode in ((folder, 0o751), (code, 0o750), (folder / "seatrial", 0o750)):
        path.chmod(mode)
    built = {
        "id": request["release"],
        "commit": request["commit"],
        "subject": request["subject"],
        "build_key": request["build_key"],
        "inputs": {name: request[name] for name in _INPUTS},
        "project": str(project.folder.relative_to(code)),
        "settings_module": project.settings_module,
        "django": report["django"],
        "python": environment.python,
        "basis": basis(site),
        "migrations": report.get("migrations", ""),
    }
    temporary = folder / ".built.json"
    temporary.write_text(json.dumps(built))
    temporary.chmod(0o644)
    temporary.replace(folder / "built.json")
    return built


def basis(site: siteconfig.SiteConfiguration) -> str:
    """What a release is built on beside its code: it fits as long as this stays the same."""
    digest = hashlib.sha256()
    for path in sorted(_SITE_FILES.glob("seatrial_*.py")):
        digest.update(path.read_bytes())
    digest.update(f"{site.engine} {site.has_redis} {site.values.get('python_version')}".encode())
    return digest.hexdigest()[:16]


def _as_builder(layout: Layout, runner: Runner, *argv: str) -> None:
    runner.run([*argv], user=layout.build_user)


def _run_site(
    layout: Layout, runner: Runner, folder: Path, code: Path, project: Path, facts: dict[str, str]
) -> dict[str, Any]:
    """Let the site import itself and collect its static files, with hashed names where that works."""
    for hashed in (True, False):
        _lay_site_files(layout, folder, {**facts, "hashed_static": hashed})
        shutil.rmtree(folder / "static", ignore_errors=True)
        report, lines = run_in_site(
            layout, runner, folder, project, "seatrial_build.py", layout.build_user, building=True
        )
        if report.get("failed") != "static_files" or not hashed:
            break
        detail("static files keep their plain names: hashed ones did not work out")
    step = report.get("failed")
    if step is None and report:
        return report
    found = diagnosis.of_site(lines, str(code))
    if diagnosis.disk_is_full(lines):
        found = diagnosis.Diagnosis(
            "the disk is full", "free space on the host, or give it a larger droplet_size"
        )
    what = _STEPS.get(str(step), "the site's own code ended the build").format(
        settings=facts["settings_module"]
    )
    cause = (
        found.cause
        if found and step != "checks"
        else str(report.get("error", lines[-1] if lines else "see the log"))
    )
    next_step = found.next_step if found else "see the log lines above"
    if step == "checks":
        cause = cause.removeprefix("RuntimeError: ")
        next_step = "correct it in the site's repository; `manage.py check` shows it there too"
    raise Failure(f"{what}: {cause}", next_step=next_step, log=lines)


def run_in_site(
    layout: Layout,
    runner: Runner,
    folder: Path,
    project: Path,
    program: str,
    user: str | None,
    *,
    building: bool = False,
) -> tuple[dict[str, Any], list[str]]:
    """Run one of the programs in `site/` with a release's own Python; its report and its output."""
    home = layout.build_home if user == layout.build_user else layout.run_home
    report = (home if home.is_dir() else folder) / f".{program}.{folder.name}.json"
    report.unlink(missing_ok=True)
    argv = [str(folder / "venv" / "bin" / "python"), str(folder / "seatrial" / program), str(report)]
    try:
        step = {"SEATRIAL_BUILDING": "1"} if building else {}
        lines = runner.run(argv, user=user, cwd=project, env={**site_environment(folder, project), **step})
    except CommandFailed as error:
        lines = error.lines or [str(error)]
    try:
        written: dict[str, Any] = json.loads(report.read_text())
    except (OSError, json.JSONDecodeError):
        written = {}
    report.unlink(missing_ok=True)
    return written, lines


def site_environment(folder: Path, project: Path) -> dict[str, str]:
    """The variables that a release's Python runs with, for builds, migrations and commands alike."""
    return {
        "PYTHONPATH": f"{folder / 'seatrial'}{os.pathsep}{project}",
        "DJANGO_SETTINGS_MODULE": "seatrial_settings",
        "PYTHONUNBUFFERED": "1",
        "SEATRIAL_RELEASE": folder.name,
    }


def _lay_site_files(layout: Layout, folder: Path, facts: dict[str, Any]) -> None:
    target = folder / "seatrial"
    target.mkdir(exist_ok=True)
    for source in sorted(_SITE_FILES.glob("seatrial_*.py")):
        shutil.copyfile(source, target / source.name)
    (target / "release.json").write_text(json.dumps(facts))
    if layout.build_user:
        for path in (target, *target.iterdir()):
            shutil.chown(path, layout.build_user, layout.run_user)


def compress(static: Path, before: Path) -> int:
    """Write a `.gz` beside each text file that gains by it, for nginx; how many.

    Of a file that is the same in `before`, the static files of another release, it is shared with that.
    """
    count = 0
    for path in sorted(static.rglob("*")) if static.is_dir() else []:
        target = path.with_name(path.name + ".gz")
        # A link is the build's, which may name what only root can read or write.
        if path.is_symlink() or target.is_symlink() or target.exists():
            continue
        if path.suffix not in _COMPRESSED or not path.is_file() or path.stat().st_size < 1000:
            continue
        data = path.read_bytes()
        known = before / path.relative_to(static)
        kept = known.with_name(target.name)
        if kept.is_file() and known.is_file() and known.read_bytes() == data:
            os.link(kept, target, follow_symlinks=False)
        elif len(squeezed := gzip.compress(data, 6, mtime=0)) < 0.9 * len(data):
            target.write_bytes(squeezed)
        else:
            continue
        count += 1
    return count
