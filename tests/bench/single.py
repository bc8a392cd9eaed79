"""How long a first, an unchanged and a code-only `make up` take, on a local cloud of their own.

`cold` starts with an empty cache as well, so that the droplets' base image is made anew.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.project import Project

#: What each run is held to on two cores, in seconds.
HOLD = {"first make up": 240, "unchanged make up": 10, "code-only make up": 30}


def main(*, cold: bool) -> int:
    """Run the three, print a line each as it ends; returns 1 when a run failed."""
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        if cold:
            os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        project = Project.copied_to(Path(folder) / "project", f"bench-{os.getpid()}")
        try:
            return int(not _measure(project))
        finally:
            project.make("reset")


def _measure(project: Project) -> bool:
    page = project.folder / "example/templates/base.html"

    def edit() -> None:
        page.write_text(page.read_text().replace("</title>", " (again)</title>", 1))
        project.commit("Another edition")

    before: dict[str, Callable[[], None]] = {"code-only make up": edit}
    for what, limit in HOLD.items():
        before.get(what, lambda: None)()
        start = time.monotonic()
        done = project.make("up")
        seconds = time.monotonic() - start
        if done.returncode != 0:
            print(done.stdout, file=sys.stderr)
            print(f"{what}: failed after {seconds:.1f} s", file=sys.stderr)
            return False
        print(f"{what:<20} {seconds:7.1f} s   to hold: {limit} s", flush=True)
    probe = project.outputs()["rollout"]["probe"]
    print(f"{'requests lost':<20} {probe['failed']:>5} of {probe['requests']} during the code-only release")
    return True
