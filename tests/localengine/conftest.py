"""A project in a temporary folder, and the engine's commands on it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localengine.cli import main
from localengine.registry import Load
from tests.localengine.files import Loader

ROOT = Path(__file__).parents[2]
PRELUDE = """
import pulumi
from pulumi import Output, ResourceOptions


class File(pulumi.CustomResource):
    path: pulumi.Output[str]
    size: pulumi.Output[int]
    text: pulumi.Output[str]

    def __init__(self, name, /, opts=None, **inputs):
        super().__init__("files:index:File", name, {"path": None, "size": None, "text": None, **inputs}, opts)


class Box(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("test:index:Box", name, None, opts)
"""


@dataclass
class Result:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    def json(self) -> Any:
        return json.loads(self.out)


class Project:
    """A Pulumi project whose resources are files."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.files.mkdir(parents=True)
        self.backend = folder / "backend"
        self._capsys = capsys
        (folder / "Pulumi.yaml").write_text("name: tests\nruntime: python\n")

    def write(self, program: str, *, prelude: bool = True) -> None:
        """Make `program` the project's program, after the classes every test uses."""
        text = textwrap.dedent(program)
        (self.folder / "__main__.py").write_text(PRELUDE + text if prelude else text)

    def run(self, *arguments: str, load: Load | None = None) -> Result:
        """Run a command in this process; the state it leaves must be one the CLI accepts."""
        self._capsys.readouterr()
        before = {file: file.read_bytes() for file in self._state_files()}
        code = main([*arguments, "-C", str(self.folder)], load=load or Loader())
        captured = self._capsys.readouterr()
        for file in self._state_files():
            if file.read_bytes() != before.get(file):
                assert_integrity(json.loads(file.read_text()))
        return Result(code, captured.out, captured.err)

    def _state_files(self) -> list[Path]:
        return list(self.backend.glob(".pulumi/stacks/*/*.json"))

    def up(self, *arguments: str, load: Load | None = None) -> Result:
        """Update the stack `dev` without a preview."""
        return self.run("up", "-s", "dev", "--yes", "--skip-preview", *arguments, load=load)

    def up_well(self) -> Result:
        """Update the stack, and expect that to work."""
        result = self.up()
        assert result.code == 0, result.text
        return result

    def preview(self, *arguments: str) -> Result:
        """Preview the stack `dev`."""
        return self.run("preview", "-s", "dev", *arguments)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.localengine.files", *arguments, "-C", str(self.folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    @property
    def state_file(self) -> Path:
        return self.backend / ".pulumi/stacks/tests/dev.json"

    def checkpoint(self) -> dict[str, Any]:
        """The stack's checkpoint file, whole."""
        return dict(json.loads(self.state_file.read_text()))

    def latest(self) -> dict[str, Any]:
        return dict(self.checkpoint()["checkpoint"]["latest"])

    def put_latest(self, latest: Mapping[str, Any]) -> None:
        """Write a state as another engine may have left it."""
        document = {"version": 3, "checkpoint": {"stack": "organization/tests/dev", "latest": dict(latest)}}
        self.state_file.parent.mkdir(parents=True, exist_ok=True)
        self.state_file.write_text(json.dumps(document))

    def resources(self) -> list[dict[str, Any]]:
        return list(self.latest().get("resources", []))

    def resource(self, name: str) -> dict[str, Any]:
        """The one resource of that name that is not waiting for deletion."""
        found = [
            item for item in self.resources() if item["urn"].endswith(f"::{name}") and not item.get("delete")
        ]
        assert len(found) == 1, f"{name}: {len(found)} in the state"
        return found[0]

    def names(self) -> list[str]:
        return [item["urn"].rpartition("::")[2] for item in self.resources()]

    def calls(self) -> list[str]:
        """What the provider did since this was last asked, in order."""
        file = self.files / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [line for line in lines if not line.startswith("create-begin")]

    def existing(self) -> list[str]:
        return sorted(path.stem for path in self.files.glob("*.json"))


def assert_integrity(document: Mapping[str, Any]) -> None:
    """Hold a checkpoint to what the official CLI insists on."""
    assert document["version"] == 3
    latest = document["checkpoint"]["latest"]
    manifest = latest["manifest"]
    assert re.fullmatch(r"[0-9a-f]{64}|", manifest["magic"])
    seen: set[str] = set()
    current: set[str] = set()
    for resource in latest.get("resources", []):
        urn = resource["urn"]
        needed = {*resource.get("dependencies", []), resource.get("parent"), resource.get("deletedWith")}
        needed |= {item for urns in resource.get("propertyDependencies", {}).values() for item in urns}
        if resource.get("provider"):
            needed.add(resource["provider"].rpartition("::")[0])
        missing = needed - seen - {None}
        assert not missing, f"{urn} comes before what it needs: {missing}"
        assert not resource["custom"] or resource.get("id"), f"{urn} has no id"
        if not resource.get("delete"):
            assert urn not in current, f"{urn} is there twice"
            current.add(urn)
        seen.add(urn)
    if "ciphertext" in json.dumps(latest):
        assert latest["secrets_providers"]["state"]["salt"].startswith("v1:")


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project with its own backend and the passphrase `correct horse`."""
    made = Project(tmp_path / "project", capsys)
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{made.backend}")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse")
    monkeypatch.setenv("FILES_FOLDER", str(made.files))
    for name in ("PULUMI_STACK", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    return made
