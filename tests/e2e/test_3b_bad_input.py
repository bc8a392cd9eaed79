"""What goes wrong is said once, in one line with its cause and the next step; what served goes on serving."""

from __future__ import annotations

import http.server
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.project import Project, get

BROKEN = {
    "a package that does not exist": (
        "requirements.txt",
        "no-such-package-of-this-name==1.0\n",
        "the package 'no-such-package-of-this-name' does not exist; next: correct the site's requirements",
    ),
    "a settings module with a mistake in it": (
        "todos/settings.py",
        "DEBUG = = True\n",
        "the settings module todos.settings does not import: SyntaxError",
    ),
    "no word of its packages": (
        "requirements.txt",
        None,
        "the site does not say which packages it needs; next: add a requirements.txt",
    ),
}


@pytest.fixture
def site(project: Project, tmp_path: Path) -> Iterator[Path]:
    """The example in a plain folder of its own; the name keeps it the same site."""
    folder = tmp_path / "todo"
    shutil.copytree(project.folder / "example", folder)
    yield folder


@pytest.fixture
def private_repository() -> Iterator[str]:
    """The URL of a git server that asks everybody who they are."""

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="private"')
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/ana/todo.git"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("breakage", BROKEN)
def test_a_site_that_cannot_be_built_is_named_once_and_never_serves(
    project: Project, site: Path, breakage: str
) -> None:
    before = project.outputs()
    name, added, said = BROKEN[breakage]
    if added is None:
        (site / name).unlink()
    else:
        with (site / name).open("a") as file:
            file.write(added)
    done = project.make("up", f"SITE={site}")
    assert done.returncode != 0
    (error,) = [line for line in done.stdout.splitlines() if line.startswith("error: command:")]
    assert said in error
    assert "Traceback" not in done.stdout
    assert "1 updated" not in done.stdout
    assert project.outputs() == before
    assert get(before["site_url"]).status == 200


def test_a_private_repository_without_a_key_is_one_line_and_nobody_is_asked_for_a_password(
    project: Project, private_repository: str
) -> None:
    before = project.outputs()
    done = project.make("up", f"SITE={private_repository}", timeout=60)
    assert done.returncode != 0
    (error,) = [line for line in done.stdout.splitlines() if "can't be read" in line]
    assert private_repository in error and "seatrial:deploy_key" in error
    assert project.outputs() == before


def test_a_taken_port_is_told_with_who_has_it_and_how_to_choose_another(project: Project) -> None:
    other = f"{project.cloud}-other"
    try:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            done = project.make("up", LOCALCLOUD=other, FRONT_PORT=port)
    finally:
        subprocess.run(
            [".venv/bin/python", "-m", "localcloud", "reset", "--name", other], cwd=project.folder, check=True
        )
    assert done.returncode != 0
    assert f"port {port} " in done.stdout and f"(pid {os.getpid()})" in done.stdout
    assert "FRONT_PORT=" in done.stdout
    assert "Traceback" not in done.stdout


def test_ctrl_c_in_a_rollout_puts_it_back_and_the_next_make_up_goes_on(project: Project, site: Path) -> None:
    before = project.outputs()
    (site / "todos" / "extra.py").write_text("# another edition\n")
    process = subprocess.Popen(
        ["make", "--no-print-directory", "up", f"SITE={site}"],
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "receive" in line:
            break
    # The terminal sends it to everything that runs in it.
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "run it again to go on from here" in rest
    assert "Traceback" not in rest
    assert project.outputs() == before
    assert get(before["site_url"]).status == 200

    done = project.make("up", f"SITE={site}")
    assert done.returncode == 0, done.stdout
    assert "lock of a run that lives no more" not in done.stdout
    assert project.outputs()["release"]["id"] != before["release"]["id"]
