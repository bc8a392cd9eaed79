"""Virtual environments: one for each set of packages, shared by the releases that want the same."""

from __future__ import annotations

import configparser
import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import diagnosis, pythons, requirements
from .commands import CommandFailed, Runner
from .layout import Layout
from .pythons import Python
from .requirements import PythonWish, Requirements
from .wire import Failure, detail

GUNICORN = "gunicorn>=25.1"
"""Older ones do not know the options that a slot starts it with."""
_DATABASE_DRIVERS = {"psycopg", "psycopg2", "psycopg2-binary", "psycopg2cffi", "psycopg-binary", "psycopg-c"}


@dataclass(frozen=True)
class Environment:
    """A finished environment."""

    path: Path
    python: str
    reused: bool
    added: tuple[str, ...]


def make(
    layout: Layout,
    runner: Runner,
    wanted: Requirements,
    wish: PythonWish | None,
    *,
    engine: str,
    has_redis: bool,
    commit: str,
) -> Environment:
    """Make the environment for the requirements, or find it made. Raises Failure with uv's reason."""
    python = pythons.choose(layout, runner, wish)
    try:
        return _make(layout, runner, wanted, python, engine=engine, has_redis=has_redis, commit=commit)
    except CommandFailed as error:
        needed = diagnosis.python_needed(error.lines)
        if needed is None or wish is not None:
            found = diagnosis.of_install(error.lines)
            if needed:
                found = diagnosis.Diagnosis(
                    f"a package needs Python {needed}, and {python.version} was asked for by "
                    f"{wish.source if wish else 'nobody'}",
                    "correct the one or the other",
                )
            raise Failure(
                f"the requirements ({wanted.path.name}) could not be installed: {found.cause}",
                next_step=found.next_step,
                log=error.lines,
            ) from None
    # Nobody named a Python, and the host's own is too old for a package (Django itself, mostly).
    wish = PythonWish(needed, f"a package in {wanted.path.name}")
    detail(f"a package needs Python {needed}, the host has {python.version}")
    python = pythons.choose(layout, runner, wish)
    try:
        return _make(layout, runner, wanted, python, engine=engine, has_redis=has_redis, commit=commit)
    except CommandFailed as error:
        found = diagnosis.of_install(error.lines)
        raise Failure(
            f"the requirements ({wanted.path.name}) could not be installed: {found.cause}",
            next_step=found.next_step,
            log=error.lines,
        ) from None


def key(wanted: Requirements, python: Python, *, engine: str, has_redis: bool, commit: str) -> str:
    """What an environment is made of, as a name: the same text for the same packages."""
    parts = [
        wanted.kind,
        wanted.digest,
        python.version,
        GUNICORN,
        engine,
        str(has_redis),
        commit if wanted.needs_code else "",
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def missing_packages(installed: set[str], *, engine: str, has_redis: bool, django: str) -> list[str]:
    """What a release needs and its site did not ask for. `django` is its version, such as 5.2.19."""
    wanted = []
    if engine == "postgres" and not installed & _DATABASE_DRIVERS:
        # psycopg 3 is known to Django from 4.2 on.
        modern = tuple(int(part) for part in re.findall(r"\d+", django)[:2]) >= (4, 2)
        wanted.append("psycopg[binary]" if modern else "psycopg2-binary")
    if has_redis and "redis" not in installed:
        wanted.append("redis")
    return wanted


def installed_packages(venv: Path) -> dict[str, str]:
    """The packages of an environment, name (lower case, hyphens) to version."""
    found = {}
    for path in venv.glob("lib/python*/site-packages/*.dist-info"):
        name, _, version = path.name.removesuffix(".dist-info").partition("-")
        found[name.lower().replace("_", "-")] = version
    return found


def index_options(pip_conf: Path = Path("/etc/pip.conf")) -> dict[str, str]:
    """The host's pip settings, for uv, which does not read them: where packages come from."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(pip_conf)
    except configparser.Error:
        return {}
    names = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "find-links": "UV_FIND_LINKS",
        "trusted-host": "UV_INSECURE_HOST",
        "cert": "SSL_CERT_FILE",
    }
    section = parser["global"] if parser.has_section("global") else {}
    return {
        variable: " ".join(section[name].split()) for name, variable in names.items() if section.get(name)
    }


def _make(
    layout: Layout,
    runner: Runner,
    wanted: Requirements,
    python: Python,
    *,
    engine: str,
    has_redis: bool,
    commit: str,
) -> Environment:
    venv = layout.venvs / key(wanted, python, engine=engine, has_redis=has_redis, commit=commit)
    complete = venv / ".complete"
    if complete.is_file():
        return Environment(venv, python.version, True, ())
    user = layout.build_user
    shutil.rmtree(venv, ignore_errors=True)
    variables = uv_environment(layout)
    # Errors are raised to `make` as they are: it may try again with another Python.
    try:
        runner.run(["uv", "venv", "--quiet", "--python", python.path, str(venv)], user=user, env=variables)
        for argv in install_commands(wanted, venv):
            runner.run(argv, user=user, env=variables, cwd=wanted.path.parent)
        installed = installed_packages(venv)
        if "django" not in installed:
            raise Failure(
                f"{wanted.path.name} does not install Django",
                next_step="add django to it, or set seatrial:requirements to the file that lists it",
            )
        added = missing_packages(
            set(installed), engine=engine, has_redis=has_redis, django=installed["django"]
        )
        runner.run(_pip(venv, GUNICORN, *added), user=user, env=variables)
        runner.run(["touch", str(complete)], user=user)
    except BaseException:
        shutil.rmtree(venv, ignore_errors=True)
        raise
    return Environment(venv, python.version, False, tuple(added))


def uv_environment(layout: Layout) -> dict[str, str]:
    """The variables that uv runs with. It links files from its cache: a second environment is quick."""
    return {
        "UV_PYTHON_INSTALL_DIR": str(layout.pythons),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_COMPILE_BYTECODE": "1",
        "UV_NO_PROGRESS": "1",
        "UV_SYSTEM_CERTS": "1",
        "UV_NATIVE_TLS": "1",
        **index_options(layout.root / "etc" / "pip.conf"),
    }


def install_commands(wanted: Requirements, venv: Path) -> list[list[str]]:
    """How the site's own requirements are installed into `venv`."""
    if wanted.kind == "lock":
        # uv finds the environment by the variable that `env` sets: it takes no option for it.
        sync = ["uv", "sync", "--quiet", "--frozen", "--no-default-groups", "--inexact", "--no-editable"]
        return [["env", f"UV_PROJECT_ENVIRONMENT={venv}", *sync]]
    return [_pip(venv, "--requirements", str(wanted.path))]


def _pip(venv: Path, *arguments: str) -> list[str]:
    return ["uv", "pip", "install", "--python", str(venv / "bin" / "python"), *arguments]


def wish_of(project: Path, code: Path, given: str, configured: str) -> PythonWish | None:
    """Which Python is wanted: by the request, else by the host's configuration, else by the site's files."""
    return requirements.python_wish(project, code, given or configured)
