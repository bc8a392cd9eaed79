"""Takes a release's code in: a compressed tar of the exact commit, on stdin."""

from __future__ import annotations

import shutil
import sys
from typing import Any

from . import diagnosis, preflight, releases
from .commands import CommandFailed, Runner
from .layout import Layout
from .wire import Failure


def receive(layout: Layout, runner: Runner, request: dict[str, Any]) -> dict[str, Any]:
    """Unpack stdin into `releases/<id>/code`. Raises Failure, with nothing left, unless it came whole."""
    preflight.check_disk(layout)
    folder = layout.release(request["release"])
    shutil.rmtree(folder, ignore_errors=True)
    user = layout.build_user
    runner.run(["mkdir", "-p", str(folder / "code")], user=user)
    try:
        runner.run(
            [
                "tar",
                "--extract",
                "--gzip",
                "--no-same-owner",
                "--no-same-permissions",
                "-C",
                str(folder / "code"),
            ],
            user=user,
            stdin=sys.stdin.buffer,
        )
    except CommandFailed as error:
        releases.remove(layout, request["release"])
        full = diagnosis.disk_is_full(error.lines)
        raise Failure(
            "the disk is full" if full else "the code did not arrive whole",
            next_step="free space on the host, or give it a larger droplet_size"
            if full
            else "run `make up` again",
            log=error.lines,
        ) from None
    return {"files": sum(1 for path in (folder / "code").rglob("*") if path.is_file())}
