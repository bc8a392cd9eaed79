"""A deploy key is usable while it is needed, and nowhere else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provisioning.deploykey import Agent, KeyRefused


@pytest.fixture
def private_key(tmp_path: Path) -> str:
    path = tmp_path / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "deploy", "-f", str(path)], check=True
    )
    return path.read_text()


def test_the_key_is_in_the_agent_for_the_block_and_gone_with_it(private_key: str) -> None:
    with Agent(private_key) as environment:
        listed = subprocess.run(
            ["ssh-add", "-l"], env={**os.environ, **environment}, capture_output=True, text=True, check=True
        )
        assert "ED25519" in listed.stdout
        folder = Path(environment["SSH_AUTH_SOCK"]).parent
        assert [path.name for path in folder.iterdir()] == ["agent"], "something was written to a file"
    assert not folder.exists()


def test_what_is_no_key_is_refused_without_being_shown() -> None:
    with (
        pytest.raises(KeyRefused, match="ssh can't read it as a private key") as told,
        Agent("hunter2 is no key"),
    ):
        pass
    assert "hunter2" not in str(told.value)


def test_a_key_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret words", "-f", str(path)], check=True)
    with pytest.raises(KeyRefused), Agent(path.read_text()):
        pass
