"""What someone at a terminal sees and is asked."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

from tests.localengine.conftest import ROOT, Project


class Terminal:
    """A command of the engine at a terminal."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self._main, other = pty.openpty()
        self.text = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.localengine.files", *arguments, "-C", str(project.folder)],
            cwd=ROOT,
            stdin=other,
            stdout=other,
            stderr=other,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
            start_new_session=True,
        )
        os.close(other)

    def read_until(self, wanted: str) -> str:
        """Read until `wanted` is shown, control sequences left out; all of it up to there."""
        end = time.monotonic() + 30
        while wanted not in self.text:
            assert time.monotonic() < end, f"{wanted!r} is not in {self.text!r}"
            if not self._read():
                break
        assert wanted in self.text, self.text
        return self.text

    def _read(self) -> bool:
        ready, _, _ = select.select([self._main], [], [], 1)
        if not ready:
            return True
        try:
            data = os.read(self._main, 65536)
        except OSError:
            return False
        self.text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode(errors="replace"))
        return bool(data)

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def end(self) -> int:
        """Read to the end; returns the exit code."""
        while self._read() and self.process.poll() is None:
            pass
        while select.select([self._main], [], [], 0.1)[0] and self._read():
            pass
        os.close(self._main)
        return self.process.wait(timeout=30)


@pytest.fixture
def slow(project: Project) -> Project:
    project.write("""
        print("hello from the program")
        a = File("a", say=["half way"], slow=0.5)
        File("b", text=a.path)
        pulumi.export("path", a.path)
    """)
    return project


def test_an_update_shows_its_plan_asks_and_shows_each_resource_while_it_is_made(slow: Project) -> None:
    terminal = Terminal(slow, "up", "-s", "dev")
    shown = terminal.read_until("Perform this update of dev? [yes/no]")
    assert "hello from the program" in shown
    assert re.search(r"\+ +├─ files:index:File +a +create", shown)
    assert slow.existing() == []
    terminal.type("yes\n")
    terminal.read_until("files:index:File a creating")
    assert terminal.end() == 0, terminal.text
    after = terminal.text.partition("Updating (dev)")[2]
    assert "hello from the program" in after
    assert "files:index:File a created" in after
    assert "files:index:File b created" in after
    assert '+ path: "a.json"' in after
    assert "+ 3 created" in after
    assert "Traceback" not in after
    assert slow.existing() == ["a", "b"]


def test_anything_but_a_yes_changes_nothing(slow: Project) -> None:
    terminal = Terminal(slow, "up", "-s", "dev")
    terminal.read_until("[yes/no]")
    terminal.type("\n")
    assert terminal.end() == 1
    assert "nothing was changed" in terminal.text
    assert slow.existing() == []


def test_ctrl_c_at_the_question_changes_nothing(slow: Project) -> None:
    terminal = Terminal(slow, "up", "-s", "dev")
    terminal.read_until("[yes/no]")
    terminal.process.send_signal(2)
    assert terminal.end() == 130
    assert "nothing was changed" in terminal.text
    assert "Traceback" not in terminal.text
    assert slow.existing() == []


def test_an_error_is_shown_above_the_rows(project: Project) -> None:
    project.write('File("a", slow=0.3, fail="create", text="this")')
    terminal = Terminal(project, "up", "-s", "dev", "--yes", "--skip-preview")
    assert terminal.end() == 1
    assert "error: files:index:File a: creating failed: the disk said no to this" in terminal.text
    assert "error: up failed" in terminal.text


def test_without_interaction_lines_are_plain_and_yes_is_needed(slow: Project) -> None:
    terminal = Terminal(slow, "up", "-s", "dev", "--non-interactive")
    assert terminal.end() == 1
    assert "needs --yes" in terminal.text


def test_destroy_and_refresh_ask_too(project: Project) -> None:
    project.write('File("a")')
    project.up_well()
    for command, question in (("refresh", "Take this over"), ("destroy", "Destroy everything in dev?")):
        terminal = Terminal(project, command, "-s", "dev")
        terminal.read_until(question)
        terminal.type("no\n")
        assert terminal.end() == 1
    assert project.existing() == ["a"]
    terminal = Terminal(project, "destroy", "-s", "dev")
    terminal.read_until("Destroy everything in dev?")
    terminal.type("yes\n")
    assert terminal.end() == 0, terminal.text
    assert project.existing() == []
