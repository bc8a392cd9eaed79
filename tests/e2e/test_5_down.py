"""What is left after `make down` and `make reset`: nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.project import Project


@pytest.fixture(scope="module")
def docker(project: Project) -> list[str]:
    """The docker command on the engine that the cloud's droplets run in."""
    return ["docker", "--host", project.cloud_status()["docker_host"]]


def _things(docker: list[str], project: Project) -> list[str]:
    """The ids of the cloud's containers and networks; none where the engine has been ended."""
    found: list[str] = []
    for words in (["ps", "-aq"], ["network", "ls", "-q"]):
        command = [*docker, *words, "--filter", f"label=seatrial.cloud={project.cloud}"]
        found += subprocess.run(command, check=False, capture_output=True, text=True).stdout.split()
    return found


def _processes(project: Project) -> list[str]:
    """The command lines of running processes that name the cloud."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if project.cloud in words and int(entry.parent.name) != os.getpid():
            lines.append(" ".join(words))
    return lines


def test_make_down_removes_every_droplet_and_record(docker: list[str], project: Project) -> None:
    assert len(_things(docker, project)) >= 3, "a network and a droplet's two containers were there"
    assert _processes(project)
    done = project.make("down")
    assert done.returncode == 0, done.stdout
    assert not project.cloud_status()["running"]
    assert _processes(project) == []
    assert project.outputs() == {}


def test_make_reset_leaves_no_container_network_process_or_file_behind(
    docker: list[str], project: Project
) -> None:
    state_home = Path(project.environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    assert (state_home / "seatrial" / project.cloud).is_dir()
    done = project.make("reset")
    assert done.returncode == 0, done.stdout
    assert not (state_home / "seatrial" / project.cloud).exists()
    assert _things(docker, project) == []
    assert _processes(project) == []
