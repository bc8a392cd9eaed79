"""The engine with the providers that come with it, on a program as users write them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from localengine.registry import load_packaged
from tests.localengine.conftest import ROOT, Project

PROGRAM = """
import pulumi
import pulumi_command as command
import pulumi_random as random
import pulumi_tls as tls

password = random.RandomPassword("password", length={length}, special=False)
key = tls.PrivateKey("key", algorithm="ED25519")
hidden = pulumi.ResourceOptions(additional_secret_outputs=["stdout"])
greet = command.local.Command("greet", create="echo {greeting}; cat", stdin=password.result, opts=hidden)
after = command.local.Command("after", create="echo after", opts=pulumi.ResourceOptions(depends_on=[greet]))
pulumi.export("password", password.result)
pulumi.export("public", key.public_key_openssh)
pulumi.export("said", pulumi.Output.unsecret(greet.stdout).apply(lambda text: text.split()[0]))
"""


def write(project: Project, *, length: int = 12, greeting: str = "hello") -> None:
    project.write(PROGRAM.format(length=length, greeting=greeting), prelude=False)


def up(project: Project, *arguments: str) -> str:
    result = project.up(*arguments, load=load_packaged)
    assert result.code == 0, result.text
    return result.out


def outputs(project: Project) -> dict[str, str]:
    return dict(project.run("stack", "output", "--json", "--show-secrets", "-s", "dev").json())


def test_passwords_keys_and_commands_go_up_change_and_go_down(project: Project) -> None:
    write(project)
    assert "5 created" in up(project)
    made = outputs(project)
    assert len(made["password"]) == 12
    assert made["public"].startswith("ssh-ed25519 ")
    assert made["said"] == "hello"
    assert made["password"] not in project.state_file.read_text()
    assert "PRIVATE KEY" not in project.state_file.read_text()

    assert "5 unchanged" in up(project)
    assert outputs(project) == made

    write(project, greeting="goodbye")
    changed = up(project)
    assert "1 updated" in changed
    assert outputs(project)["said"] == "goodbye"

    write(project, length=20, greeting="goodbye")
    assert "1 replaced" in up(project)
    assert len(outputs(project)["password"]) == 20

    gone = project.run("destroy", "-s", "dev", "--yes", load=load_packaged)
    assert gone.code == 0, gone.text
    assert project.resources() == []


def test_a_failing_command_is_one_clear_error(project: Project) -> None:
    project.write(
        'import pulumi_command as c\nc.local.Command("bad", create="echo to stderr >&2; exit 7")',
        prelude=False,
    )
    result = project.up(load=load_packaged)
    assert result.code == 1
    assert "error: command:local:Command bad: creating failed" in result.text
    assert "7" in result.text
    assert "to stderr" in result.text
    assert "Traceback" not in result.text


def test_the_module_is_a_command_of_its_own(project: Project) -> None:
    write(project)
    done = subprocess.run(
        [sys.executable, "-m", "localengine", "up", "-s", "dev", "--yes", "-C", str(project.folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 to create" in done.stdout
    assert "5 created" in done.stdout
    assert done.stderr == ""
    wrong = subprocess.run(
        [sys.executable, "-m", "localengine", "up", "--targets", "x"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 2
    assert "--targets" in wrong.stderr


def test_a_preview_and_its_update_run_the_program_afresh(project: Project) -> None:
    (project.folder / "counting.py").write_text("count = []\n")
    project.write(
        "import pulumi, counting\ncounting.count.append(1)\npulumi.export('count', len(counting.count))\n",
        prelude=False,
    )
    assert project.run("up", "-s", "dev", "--yes").code == 0
    assert project.run("stack", "output", "count", "-s", "dev").out == "1\n"
    assert "counting" not in sys.modules
    assert str(project.folder) not in sys.path
    assert Path.cwd() != project.folder
