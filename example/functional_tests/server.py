"""Which site the tests visit: the one in the environment, else a development server of their own."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SITE = Path(__file__).resolve().parent.parent
VARIABLES = ("STAGING_SERVER", "TEST_SERVER", "BASE_URL")


class NoServer(Exception):
    """There is no site to visit; the message says why."""


def url_from(environment: dict[str, str]) -> str | None:
    """The first address that is set, without a slash at its end; a bare host name means http."""
    for variable in VARIABLES:
        if address := environment.get(variable, "").strip().rstrip("/"):
            return address if "://" in address else f"http://{address}"
    return None


def run_there(program: str, *words: str) -> str:
    """Runs a command of manage.py on the site's server by the program that knows how; returns its output."""
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{program} {' '.join(words)}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def python_with_django() -> str:
    """The interpreter named by PYTHON, else the one that runs this. Raises NoServer."""
    if named := os.environ.get("PYTHON"):
        if found := shutil.which(named):
            return found
        raise NoServer(f"PYTHON={named} is no program")
    if importlib.util.find_spec("django"):
        return sys.executable
    raise NoServer(f"set one of {', '.join(VARIABLES)}, or PYTHON to an interpreter that has Django")


@contextmanager
def own_server() -> Iterator[str]:
    """Runs the development server on an empty database and any free port. Raises NoServer."""
    python = python_with_django()
    with tempfile.TemporaryDirectory(prefix="todos-") as data:
        environment = {**os.environ, "TODOS_DATA_DIR": data, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
        manage = [python, str(SITE / "manage.py")]
        migrated = subprocess.run(
            [*manage, "migrate", "--verbosity=0"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if migrated.returncode:
            raise RuntimeError(f"the development server has no database:\n{migrated.stderr}")
        log = Path(data, "server.log")
        with log.open("w") as errors:
            server = subprocess.Popen(
                [*manage, "runserver", "--noreload", "127.0.0.1:0"],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        try:
            yield _announced(server, log)
        finally:
            server.terminate()
            server.wait()
            server.stdout.close()


def _announced(server: subprocess.Popen, log: Path) -> str:
    for line in server.stdout:
        if found := re.search(r"at (http://127\.0\.0\.1:\d+)/", line):
            return found[1]
    raise RuntimeError(f"the development server did not start:\n{log.read_text()}")
