"""One project copy with the stack `balanced` on a local cloud of its own; both are gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.balanced.balanced import Balanced
from tests.e2e.project import copied


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    """The example site on several hosts, not yet up."""
    with copied(tmp_path_factory.mktemp("project"), f"balanced-{os.getpid()}") as copy:
        yield Balanced(copy)
