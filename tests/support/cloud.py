"""A local cloud for a test: started by its command, on free ports, and removed afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
FREE_PORTS = tuple(
    f"--{name}=0" for name in ("port", "https-port", "dns-port", "front-port", "front-tls-port")
)


def localcloud(*words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run one of the local cloud's commands; the time is in seconds."""
    return subprocess.run(
        [sys.executable, "-m", "localcloud", *words],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@contextmanager
def running_cloud(name: str, *, api_only: bool = False, token: str | None = None) -> Iterator[dict[str, Any]]:
    """The status of a running cloud called `name`, as `status --json` has it.

    With `api_only` it needs no Docker and can make no droplets.
    """
    options = [*FREE_PORTS, *(["--api-only"] if api_only else []), *(["--token", token] if token else [])]
    try:
        started = localcloud("start", "--name", name, "--json", *options)
        assert started.returncode == 0, started.stderr
        yield json.loads(started.stdout)
    finally:
        removed = localcloud("reset", "--name", name)
        assert removed.returncode == 0, removed.stderr
