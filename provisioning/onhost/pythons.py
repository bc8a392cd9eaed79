"""Chooses the Python a site runs on: the host's own where it fits, else one that uv installs."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from . import requirements
from .commands import CommandFailed, Runner
from .layout import Layout
from .requirements import PythonWish
from .wire import Failure


@dataclass(frozen=True)
class Python:
    """An interpreter to build with."""

    path: str
    version: str
    is_system: bool


def choose(layout: Layout, runner: Runner, wish: PythonWish | None) -> Python:
    """The Python for a wish. Raises Failure where the host has none that fits and none could be installed."""
    ours = sys.version_info[:3]
    if wish is None or requirements.satisfies((ours[0], ours[1], ours[2]), wish.specifier):
        return Python(sys.executable, platform.python_version(), is_system=True)
    minor = requirements.minor_wanted(wish.specifier)
    if minor is None:
        raise Failure(
            f"no Python fits {wish.source}, which asks for {wish.specifier}",
            next_step="correct it, or set seatrial:python_version to a version such as 3.13",
        )
    environment = {"UV_PYTHON_INSTALL_DIR": str(layout.pythons), "UV_NO_PROGRESS": "1"}
    user = layout.build_user
    try:
        runner.run(["uv", "python", "install", "--no-bin", minor], user=user, env=environment, timeout=300)
        found = runner.run(["uv", "python", "find", "--managed-python", minor], user=user, env=environment)
    except CommandFailed as error:
        raise Failure(
            f"{wish.source} asks for Python {wish.specifier}; this host has {platform.python_version()}, "
            f"and uv could not install {minor}",
            next_step=f"use an image whose Python fits (debian-13-x64 has 3.13, debian-12-x64 has 3.11), "
            f"or let the host reach where uv gets Python {minor} from (github.com)",
            log=error.lines,
        ) from None
    return Python(found[-1].strip(), minor, is_system=False)
