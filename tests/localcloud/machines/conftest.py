"""Real droplets for the tests of this folder, on an instance of their own that is reset at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from localcloud.machines import Machines
from tests.localcloud.machines.lab import Lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Droplets 1 and 2 in one private network, 3 in another, all made at once."""
    name = f"machines-test-{os.getpid()}"
    state = tmp_path_factory.mktemp("state")
    machines = Machines(name, state)
    try:
        lab = Lab(machines, name, state)
        lab.create(lab.spec(1), lab.spec(2), lab.spec(3, "right"))
        yield lab
    finally:
        machines.reset()
