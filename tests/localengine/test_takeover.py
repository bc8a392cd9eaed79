"""Stacks handed over between the local engine and the official CLI, where that is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = ("command", "random", "tls")


def cli_is_here() -> bool:
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    return shutil.which("pulumi") is not None and all(
        shutil.which(f"pulumi-resource-{name}") or any(home.glob(f"plugins/resource-{name}-v*"))
        for name in PLUGINS
    )


pytestmark = pytest.mark.skipif(not cli_is_here(), reason="pulumi CLI with its plugins is not on PATH")

PROGRAM = """
import pulumi
import pulumi_command as command
import pulumi_random as random
import pulumi_tls as tls
from pulumi import Output, ResourceOptions

config = pulumi.Config()
hidden = config.require_secret("hidden")


class Box(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("test:index:Box", name, {"hidden": hidden, "n": 1.5})
        self.text = random.RandomString(f"{name}-text", length=8, opts=ResourceOptions(parent=self))
        self.register_outputs({"text": self.text.result})


own = random.Provider("own")
box = Box("box")
password = random.RandomPassword("password", length=VALUE_LENGTH, special=False)
number = random.RandomId("number", byte_length=4, keepers={"text": box.text.result})
uuid = random.RandomUuid("uuid", opts=ResourceOptions(provider=own, protect=False))
ed = tls.PrivateKey("ed", algorithm="ED25519")
rsa = tls.PrivateKey("rsa", algorithm="RSA", rsa_bits=2048)
signed = tls.SelfSignedCert(
    "signed",
    private_key_pem=rsa.private_key_pem,
    allowed_uses=["server_auth"],
    validity_period_hours=87600,
    early_renewal_hours=VALUE_LENGTH,
    dns_names=["log-1"],
    subject={"common_name": "log-1"},
)
said = command.local.Command(
    "said",
    create=Output.concat("echo ", password.result),
    update="echo VALUE_UPDATE",
    stdin=hidden,
    environment={"KEY": hidden, "PLAIN": "VALUE_UPDATE"},
    triggers=[ed.public_key_openssh],
    opts=ResourceOptions(additional_secret_outputs=["stderr"], ignore_changes=["dir"]),
)
after = command.local.Command(
    "after",
    create=said.stdout.apply(lambda text: f"echo {len(text)}"),
    delete="true",
    opts=ResourceOptions(deleted_with=said, depends_on=[box], delete_before_replace=True),
)
VALUE_MORE
pulumi.export("nested", {"password": password.result, "list": [1, 2.5, None, True]})
pulumi.export("key", rsa.private_key_pem)
pulumi.export("after", after.stdout)
pulumi.export("asked", command.local.run_output(command="echo asked").stdout)
"""
LAST = 'command.local.Command("last", create="echo last", opts=ResourceOptions(retain_on_delete=True))'


@dataclass
class Project:
    """A project in a folder of its own, and both engines on its stack `dev`."""

    folder: Path

    def write(self, *, length: int = 12, update: str = "one", more: str = "") -> None:
        text = PROGRAM.replace("VALUE_LENGTH", str(length)).replace("VALUE_UPDATE", update)
        (self.folder / "__main__.py").write_text(text.replace("VALUE_MORE", more))

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{self.folder}/backend",
            "PULUMI_CONFIG_PASSPHRASE": "correct horse",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PYTHONPATH": str(ROOT),
        }

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def cli(self, *words: str) -> str:
        return self._run(["pulumi", *words, "--stack", "dev", "--non-interactive", "--color", "never"])

    def local(self, *words: str) -> str:
        return self._run([sys.executable, "-m", "localengine", *words, "--stack", "dev"])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "backend").mkdir()
    runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
    (tmp_path / "Pulumi.yaml").write_text(json.dumps({"name": "tests", "runtime": runtime}))
    made = Project(tmp_path)
    made._run(["pulumi", "stack", "init", "dev", "--non-interactive"])
    return made


Run = Callable[..., str]


@pytest.mark.parametrize("first", ["cli", "local"])
def test_a_stack_goes_from_one_engine_to_the_other_and_back(project: Project, first: str) -> None:
    engines: dict[str, Run] = {"cli": project.cli, "local": project.local}
    one, other = engines.pop(first), engines.popitem()[1]
    now = ("--yes", "--skip-preview")
    one("config", "set", "hidden", "xyzzy-plugh", "--secret")
    assert other("config", "get", "hidden").strip() == "xyzzy-plugh"
    project.write()
    one("up", *now)
    other("preview", "--expect-no-changes")
    other("up", *now, "--expect-no-changes")
    one("preview", "--expect-no-changes")

    project.write(length=14, update="two", more=LAST)
    other("up", *now)
    one("preview", "--expect-no-changes")
    one("refresh", *now, "--expect-no-changes")
    other("refresh", *now, "--expect-no-changes")
    other("preview", "--expect-no-changes")
    project.write(length=14, update="three")
    one("up", *now)
    other("preview", "--expect-no-changes")

    shown = [json.loads(engine("stack", "output", "--json", "--show-secrets")) for engine in (one, other)]
    assert shown[0] == shown[1]
    assert len(shown[0]["nested"]["password"]) == 14
    kept: list[Any] = [json.loads(engine("stack", "export")) for engine in (one, other)]
    assert kept[0]["deployment"]["resources"] == kept[1]["deployment"]["resources"]
    other("destroy", *now)
    assert json.loads(one("stack", "export"))["deployment"].get("resources", []) == []
