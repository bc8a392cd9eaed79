"""One project copy and one local cloud for the whole run; both are gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.e2e.project import Project, copied


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A copy of the project with a cloud of its own, not yet up."""
    with copied(tmp_path_factory.mktemp("project"), f"e2e-{os.getpid()}") as copy:
        yield copy
