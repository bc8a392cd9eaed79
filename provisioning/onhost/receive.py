"""Takes a release's code in: a compressed tar of the exact commit, on stdin behind the request's line."""

from __future__ import annotations

import os
import shutil
import threading
from typing import Any

from . import diagnosis, preflight, releases
from .commands import CommandFailed, Runner
from .layout import Layout
from .wire import Failure


def receive(layout: Layout, runner: Runner, request: dict[str, Any]) -> dict[str, Any]:
    """Unpack `bytes` of stdin into `releases/<id>/code`, after making room, with `keep` releases staying.

    Raises Failure, with nothing left, unless they came whole.
    """
    # First, so that what an interrupted run left behind does not take the room of this one.
    releases.prune(layout, int(request["keep"]))
    preflight.check_disk(layout)
    folder = layout.release(request["release"])
    shutil.rmtree(folder, ignore_errors=True)
    user = layout.build_user
    runner.run(["mkdir", "-p", str(folder / "code")], user=user)
    content, writing = os.pipe()
    passing = threading.Thread(target=_pass_on, args=[int(request["bytes"]), writing], daemon=True)
    passing.start()
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
            stdin=content,
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
    finally:
        os.close(content)
        passing.join()
    return {"files": sum(1 for path in (folder / "code").rglob("*") if path.is_file())}


def _pass_on(size: int, to: int) -> None:
    """All of stdin that belongs to this request, wanted or not: the next one follows."""
    wanted = True
    while size and (piece := os.read(0, min(size, 1 << 16))):
        size -= len(piece)
        try:
            while wanted and piece:
                piece = piece[os.write(to, piece) :]
        except BrokenPipeError:
            wanted = False
    os.close(to)
