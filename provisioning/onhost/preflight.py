"""Looks whether a host can take a release, before anything is changed."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path
from typing import Any

from . import build, lock, records, releases, siteconfig
from .layout import Layout
from .wire import Failure

LEAST_FREE_MB = 400
"""Room for one environment and one release of a common site."""
LEAST_MEMORY_MB = 120
"""Room for a second gunicorn beside the one that serves."""
_TOOLS = ("uv", "tar", "systemctl", "nginx")


def preflight(layout: Layout, keep: int) -> dict[str, Any]:
    """What is on the host. Raises Failure where it can't take a release, with `keep` of them there."""
    siteconfig.load(layout)
    missing = [
        tool
        for tool in _TOOLS
        if shutil.which(tool, path="/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") is None
    ]
    if missing:
        raise Failure(
            f"the host lacks {', '.join(missing)}", next_step="run `make up` again, which provisions the host"
        )
    usage = shutil.disk_usage(layout.releases)
    if not releases.prunable(layout, keep) and not layout.build_cache.exists():
        check_disk(layout)
    memory = available_memory_mb()
    if memory < LEAST_MEMORY_MB:
        raise Failure(
            f"only {memory} MB of memory are free; the new release runs beside the old one for a moment",
            next_step="give the host a larger droplet_size",
        )
    return {
        "disk_free_mb": usage.free // 1_000_000,
        "disk_used_percent": round(100 * usage.used / usage.total),
        "memory_free_mb": memory,
        "python": platform.python_version(),
        **status(layout),
    }


def check_disk(layout: Layout) -> None:
    """Raises Failure where there is no room for a release."""
    usage = shutil.disk_usage(layout.releases)
    free = usage.free // 1_000_000
    if free < LEAST_FREE_MB:
        raise Failure(
            f"the disk is full: {free} MB free of {usage.total // 1_000_000} MB, "
            f"a release needs {LEAST_FREE_MB} MB",
            next_step="free space on the host (`journalctl --vacuum-size=50M`, `apt-get clean`), lower "
            "seatrial:keep_releases, or give it a larger droplet_size",
        )


def status(layout: Layout) -> dict[str, Any]:
    """The releases on a host, what is live, what was live before, who holds the lock, the last runs."""
    basis = build.basis(siteconfig.load(layout))
    return {
        "releases": [{**known, "fits": known.get("basis") == basis} for known in releases.built(layout)],
        "live": releases.live(layout),
        "previous": releases.linked(layout.base / "previous"),
        # `next` is there from before the first switch until the old slot has ended.
        "unsettled": releases.linked(layout.base / "next") is not None,
        "lock": lock.holder(layout),
        "records": records.recent(layout),
    }


def available_memory_mb(meminfo: str = "/proc/meminfo") -> int:
    """Memory that a new process can have, in MB."""
    with Path(meminfo).open() as lines:
        for line in lines:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) // 1024
    return LEAST_MEMORY_MB
