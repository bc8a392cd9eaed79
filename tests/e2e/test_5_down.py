"""What is left after `make down` and `make reset`: nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.e2e.project import Project


def test_make_down_removes_every_droplet_and_record(project: Project) -> None:
    done = project.make("down")
    assert done.returncode == 0, done.stdout
    status = project.cloud_status()
    assert not status["running"]
    assert not status.get("droplets")


def test_make_reset_leaves_no_container_network_or_file_behind(project: Project) -> None:
    docker_host = project.cloud_status()["docker_host"]
    done = project.make("reset")
    assert done.returncode == 0, done.stdout
    links = subprocess.run(["ip", "-o", "link"], check=True, capture_output=True, text=True).stdout
    assert project.cloud not in links
    for kind in ("ps -aq", "network ls -q"):
        listed = subprocess.run(
            [
                "docker",
                "--host",
                docker_host,
                *kind.split(),
                "--filter",
                f"label=seatrial.cloud={project.cloud}",
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        assert listed.stdout == ""
    state_home = Path(project.environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    assert not (state_home / "seatrial" / project.cloud).exists()
