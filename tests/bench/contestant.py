"""What every contestant can do, and how its commands are run."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from provisioning.prober import Target

_LAST_WORDS_SECONDS = 60
_LONGEST_SECONDS = 1200
"""A command that takes so long is not going to end."""


class CommandFailed(Exception):
    """A contestant's command that did not end well: which, and the last that it said."""


class Contestant(Protocol):
    """A tool that brings the site up on one edge, three app hosts and a data host, of its own each."""

    name: str

    @property
    def cloud(self) -> str:
        """The name of its local cloud."""

    @property
    def target(self) -> Target:
        """The site at the edge."""

    def prepare(self) -> None:
        """What is there before the clock runs."""

    def provision(self) -> str:
        """From fresh hosts, or none, to a site that serves; like each of these, returns what it said."""

    def again(self) -> str:
        """The same once more: nothing is to change."""

    def is_unchanged(self, said: str) -> bool:
        """Whether it says that it changed nothing."""

    def releases(self) -> Sequence[str]:
        """The ways to release new code, the usual one first."""

    def release(self, way: str) -> str:
        """Bring the site's newest commit live."""

    def grow(self) -> str:
        """A fourth app host."""

    def remove(self) -> None:
        """Leave nothing behind."""


def run(words: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: Path) -> str:
    """Run a command with its output in `log` as well; what it said. Raises CommandFailed.

    Whatever interrupts us interrupts it and all that it started, and waits for their end.
    """
    with log.open("ab") as written:
        begun = written.tell()
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(_LONGEST_SECONDS)
        except BaseException as error:
            _end(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            status = process.returncode
    said = log.read_bytes()[begun:].decode(errors="replace")
    if status != 0:
        last = "\n".join(said.splitlines()[-30:])
        raise CommandFailed(f"{' '.join(words[:3])} ended with {status} (all of it: {log}):\n{last}")
    return said


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(_LAST_WORDS_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
