"""What every test of the program needs: a commit that no git was asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioning import source
from tests.unit.infra.recording import Graph, run_program

COMMIT = "c0ffee" + "0" * 34


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Graph]:
    """The program, which finds COMMIT whatever revision is asked for."""

    def resolve(repository: str, revision: str, *, deploy_key: str | None = None) -> source.Commit:
        del repository, revision, deploy_key
        return source.Commit(sha=COMMIT, subject="Sell more", dirty=False)

    monkeypatch.setattr(source, "resolve", resolve)
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "1")
    return run_program
