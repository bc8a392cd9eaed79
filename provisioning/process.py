"""Names a process so that another one on the same machine can tell for certain that it has ended."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def identity(pid: int | None = None) -> str:
    """This process (or the one with `pid`) in one word; empty where it is gone or there is no /proc.

    Made of the machine's start, the namespace of process ids, the id and its start: never the same twice.
    """
    number = os.getpid() if pid is None else pid
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").readlink().name
        # What follows the command's name in parentheses begins with the third field; the start is the 22nd.
        fields = (_PROC / str(number) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    if fields[0] in {"Z", "X"}:
        return ""
    return f"{boot}/{namespace}/{number}/{fields[19]}"


def is_gone(process: str) -> bool:
    """Whether the process called so ran here and has ended; False for one that can't be seen from here."""
    ours = identity()
    if not process or not ours or process.split("/")[:2] != ours.split("/")[:2]:
        return False
    return identity(int(process.split("/")[2])) != process
