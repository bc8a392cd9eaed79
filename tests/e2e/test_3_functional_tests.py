"""The example's own functional tests, in a real browser, against what `make up` put there."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.project import Project

SIGN_UP = "pytest example/functional_tests -k somebody_signs_up"


@pytest.fixture
def grid(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of a WebDriver server, as a grid has one, and the file of all that it was asked."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path / "grid.log"
    words = ["chromedriver", f"--port={port}", "--log-level=INFO", f"--log-path={log}"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert any("started successfully" in line for line in server.stdout)
        yield f"http://127.0.0.1:{port}", log
    finally:
        server.terminate()
        server.wait()


def test_the_examples_functional_tests_pass_against_the_stack(project: Project) -> None:
    done = project.make("ft")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout, "the stack allows test commands"


def test_the_browsers_are_a_grids_where_its_url_is_in_the_environment(
    project: Project, grid: tuple[str, Path]
) -> None:
    url, log = grid
    done = subprocess.run(
        [".venv/bin/python", "-m", "ops", "ft", "--run", SIGN_UP],
        cwd=project.folder,
        env={**project.environment, "SELENIUM_REMOTE_URL": url},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "COMMAND InitSession" in log.read_text()
