"""Commands of the operator's own, run during a release on the machine that runs it."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Callable, Mapping


class HookFailed(Exception):
    """A hook ended with another status than 0."""

    def __init__(self, name: str, command: str, status: int, lines: list[str]) -> None:
        super().__init__(f"the hook {name} (`{command}`) ended with status {status}")
        self.lines = lines


def run(name: str, command: str, facts: Mapping[str, str], told: Callable[[str], None]) -> None:
    """Run a hook, if it is set, with the release's facts in its environment. Raises HookFailed.

    Each line of its output goes to `told` as it comes.
    """
    if not command.strip():
        return
    variables = {f"SEATRIAL_{key.upper()}": value for key, value in facts.items()}
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        env={**os.environ, **variables, "SEATRIAL_HOOK": name},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    kept: deque[str] = deque(maxlen=30)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            kept.append(line.rstrip())
            told(f"    {name}: {line.rstrip()}")
    except BaseException:
        process.terminate()
        raise
    finally:
        status = process.wait()
    if status != 0:
        raise HookFailed(name, command, status, [*kept])
