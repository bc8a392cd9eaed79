"""Programs that have the operator's terminal while they run, and answer its ctrl-C themselves."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run a program to its end; returns its exit code.

    The terminal sends ctrl-C to it as well, and it says and decides what becomes of what is under way:
    nobody is to end it meanwhile.
    """
    process = subprocess.Popen(command, cwd=folder, env=dict(environment))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
