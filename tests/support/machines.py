"""Droplets for a test, without the cloud around them; all of them are gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud.machines import Machines


def own_name(purpose: str) -> str:
    """The name of droplets that no other test run has."""
    return f"{purpose}-{os.getpid()}"


@contextmanager
def machines_for(purpose: str, folder: Path) -> Iterator[Machines]:
    """Somewhere to create droplets, which keeps its state in `folder`."""
    machines = Machines(own_name(purpose), folder / "state")
    try:
        yield machines
    finally:
        machines.reset()
