"""Docker's engine of our own: it comes by itself, goes with its last container, and leaves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import subprocess
from localcloud import engine

def rules():
    tables = (["iptables", "-t", table, "-S"] for table in ("filter", "nat"))
    return [subprocess.run(table, capture_output=True, text=True).stdout for table in tables]

def links():
    return subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout

before = rules(), links()
host = engine.ensure_docker()
assert host == engine.own_host() == engine.ensure_docker(), host
assert "DOCKER" in rules()[0]
client = engine.connect(host)
network = client.networks.create("x", labels={engine.LABEL: "x"})
assert not engine.stop_if_unused(), "ended with a network on it"
network.remove()
client.close()
assert engine.stop_if_unused()
assert engine.find_docker() is None
after = rules(), links()
assert after == before, (before, after)
assert not engine.run_dir().exists()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a network namespace to start an engine in")
def test_our_own_engine_starts_by_itself_and_leaves_nothing_behind_when_it_ends(
    tmp_path: Path,
) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    environment.pop("DOCKER_HOST", None)
    script = SCRIPT.replace("import subprocess\n", "import subprocess\n" + _ONLY_OUR_OWN, 1)
    result = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "starting a Docker engine of our own" in result.stderr


# Another engine on this machine is none of this test's business.
_ONLY_OUR_OWN = (
    "from pathlib import Path\nimport localcloud.engine as e\ne._DEFAULT_SOCKET = Path('/nonexistent')\n"
)


def test_a_docker_host_that_does_not_answer_is_one_clear_line(tmp_path: Path) -> None:
    result = _python(
        "from localcloud.engine import ensure_docker\nfrom localcloud.machine_types import MachineError\n"
        "try: ensure_docker()\nexcept MachineError as error: print(error)\n",
        {"DOCKER_HOST": f"unix://{tmp_path}/none.sock"},
    )
    assert result.count("\n") == 1
    assert "DOCKER_HOST" in result and "none.sock" in result


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become a user who is not")
def test_a_user_who_may_not_start_an_engine_is_told_what_to_do() -> None:
    code = (
        "import os\n"
        "from localcloud.engine import ensure_docker\nfrom localcloud.machine_types import MachineError\n"
        "os.setuid(65534)\n"
        "try: ensure_docker()\nexcept MachineError as error: print(error)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        # No sudo on this path, and no engine of this user's own.
        result = _python(code, {"XDG_CACHE_HOME": folder, "PATH": folder})
    assert result.count("\n") == 1
    assert "sudo" in result


def _python(code: str, environment: dict[str, str]) -> str:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout
