from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from localengine.provider import UNKNOWN, Archive, Asset, Provider, ProviderError
from tests.localengine.providers.lifecycle import Made, make

COMMAND = "command:local:Command"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the project, where commands run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(provider: Provider, create: str, *, timeout: float | None = None, **inputs: Any) -> Made:
    return make(provider, COMMAND, called="cmd", create=create, timeout=timeout, **inputs)


def test_a_command_runs_in_the_projects_folder(command: Provider, project: Path, lines: list[str]) -> None:
    made = run(command, "pwd; cat; echo $WHO; echo e >&2", stdin="in\n", environment={"WHO": "me"})
    assert made.outputs["stdout"] == f"{project}\nin\nme" and made.outputs["stderr"] == "e"
    assert sorted(lines) == sorted([str(project), "in", "me", "e"])
    assert made.diff().changed == () and command.secret_outputs(COMMAND) == frozenset()
    (project / "sub").mkdir()
    assert run(command, "pwd", dir="sub").outputs["stdout"] == str(project / "sub")
    with pytest.raises(ProviderError, match="there is no folder nowhere"):
        run(command, "pwd", dir="nowhere")


def test_another_interpreter_can_be_named(command: Provider) -> None:
    made = run(command, "print(6 * 7)", interpreter=["python3", "-c"])
    assert made.outputs["stdout"] == "42"
    with pytest.raises(ProviderError, match="can't be started: no-such-program: No such file"):
        run(command, "x", interpreter=["no-such-program"])


def test_update_and_delete_run_with_what_was_said_before(command: Provider, project: Path) -> None:
    made = run(command, "echo one", delete="echo bye $PULUMI_COMMAND_STDOUT > note")
    assert made.preview(create="echo two")["stdout"] is UNKNOWN
    after = made.update(update="echo $PULUMI_COMMAND_STDOUT and two")
    assert after.outputs["stdout"] == "one and two"
    assert after.diff(triggers=["x"]).replaces == ("triggers",)
    after.delete()
    assert (project / "note").read_text() == "bye one and two\n"
    assert run(command, "", update="echo x").outputs["stdout"] == ""
    nothing = make(command, COMMAND, delete="true")
    assert nothing.outputs["stdout"] == ""


def test_a_failure_tells_the_status_and_what_was_said(command: Provider) -> None:
    with pytest.raises(ProviderError) as caught:
        run(command, "echo reason >&2; exit 4")
    assert str(caught.value) == "the command ended with exit status 4\nreason"
    with pytest.raises(ProviderError, match="was ended by SIGKILL; it said nothing"):
        run(command, "kill -9 $$")


def test_long_lines_pass_and_what_does_not_fit_an_environment_is_left_out(command: Provider) -> None:
    made = run(command, "head -c 3000000 /dev/zero | tr '\\0' x", logging="none")
    assert made.outputs["stdout"] == "x" * 3_000_000
    assert made.update(create='echo "[$PULUMI_COMMAND_STDOUT]"').outputs["stdout"] == "[]"


def test_a_cancelled_command_may_clean_up_and_then_ends(
    command: Provider, project: Path, cancel: threading.Event, lines: list[str]
) -> None:
    program = """
import time
try:
    print("ready", flush=True)
    time.sleep(60)
finally:
    open("note", "w").write("clean")
"""

    def stop() -> None:
        while "ready" not in lines:
            time.sleep(0.02)
        cancel.set()

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(ProviderError, match="cancelled while the command was running"):
        run(command, program, interpreter=["python3", "-c"])
    assert (project / "note").read_text() == "clean"
    cancel.clear()
    with pytest.raises(ProviderError, match=r"gave up after 0\.5 s"):
        run(command, "sleep 60", timeout=0.5)


def test_files_can_be_taken_along(command: Provider, project: Path) -> None:
    made = run(
        command,
        "mkdir -p out/deep; echo a > out/a.txt; echo s > out/s.txt; echo b > out/deep/b.txt",
        assetPaths=["out/**/*.txt", "!out/s*"],
        archivePaths=["out/deep/*"],
    )
    assert made.outputs["assets"] == {
        name: Asset("path", str(project / name)) for name in ("out/a.txt", "out/deep/b.txt")
    }
    member = Asset("path", str(project / "out/deep/b.txt"))
    assert made.outputs["archive"] == Archive("assets", {"out/deep/b.txt": member})


def test_run_answers_at_once_in_previews_too(command: Provider) -> None:
    answer = command.invoke("command:local:run", {"command": "echo $A", "environment": {"A": "b"}})
    assert answer["stdout"] == "b" and answer["command"] == "echo $A"
    with pytest.raises(ProviderError, match="command:local:other: the local engine has no such function"):
        command.invoke("command:local:other", {})
