"""One project copy and one local cloud for the whole run; both are gone afterwards."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.project import Project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A copy of the project with a cloud of its own, not yet up."""
    copy = Project.copied_to(tmp_path_factory.mktemp("project"), f"e2e-{os.getpid()}")
    try:
        yield copy
    finally:
        subprocess.run(
            [".venv/bin/python", "-m", "localcloud", "reset", "--name", copy.cloud],
            cwd=copy.folder,
            env=copy.environment,
            check=True,
        )
