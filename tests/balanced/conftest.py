"""One project copy with the stack `balanced` on a local cloud of its own; both are gone afterwards."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.balanced.balanced import Balanced
from tests.e2e.project import Project


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    """The example site on several hosts, not yet up."""
    copy = Project.copied_to(tmp_path_factory.mktemp("project"), f"balanced-{os.getpid()}")
    try:
        yield Balanced(copy)
    finally:
        subprocess.run(
            [".venv/bin/python", "-m", "localcloud", "reset", "--name", copy.cloud],
            cwd=copy.folder,
            env=copy.environment,
            check=True,
        )
