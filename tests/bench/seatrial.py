"""Seatrial as a contestant: a copy of this project, driven by `make up STACK=balanced`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from provisioning.prober import Target
from tests.bench.contestant import run
from tests.bench.site import Site
from tests.e2e.project import Project
from tests.support.cloud import FREE_PORTS, localcloud

_STACK = "balanced"


class Seatrial:
    """Its first run makes what the others find: droplets, network, firewalls, DNS."""

    name = "seatrial"

    def __init__(self, cloud: str, site: Site, folder: Path, log: Path) -> None:
        self._site, self._log = site, log
        self._project = Project.copied_to(folder / "project", cloud)

    @property
    def cloud(self) -> str:
        return self._project.cloud

    @property
    def target(self) -> Target:
        words = [".venv/bin/python", "-m", "ops", "output", "--stack", _STACK]
        said = subprocess.run(
            words,
            cwd=self._project.folder,
            env=self._project.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        outputs = json.loads(said)
        edge = outputs["hosts"]["edge-1"]["public_address"]
        return Target(address=edge, host=urlsplit(outputs["site_url"]).netloc, path="/")

    def prepare(self) -> None:
        started = localcloud("start", "--name", self.cloud, *FREE_PORTS)
        if started.returncode != 0:
            raise OSError(started.stderr.strip())
        self._set("syslog: host", 'syslog: ""')  # the others have no host for the logs

    def provision(self) -> str:
        words = ["make", "--no-print-directory", "up", f"STACK={_STACK}", f"SITE={self._site.folder}"]
        return run(words, folder=self._project.folder, environment=self._project.environment, log=self._log)

    again = provision

    def is_unchanged(self, said: str) -> bool:
        counted = said.partition("Resources:")[2].partition("Duration:")[0].split()
        return counted[1::2] == ["unchanged"]

    def releases(self) -> Sequence[str]:
        return ("",)

    def release(self, way: str) -> str:
        assert not way
        return self.provision()

    def grow(self) -> str:
        self._set('app_hosts: "3"', 'app_hosts: "4"')
        return self.provision()

    def remove(self) -> None:
        localcloud("reset", "--name", self.cloud)

    def _set(self, old: str, new: str) -> None:
        """Change a line of the stack's settings."""
        settings = self._project.folder / f"Pulumi.{_STACK}.yaml"
        text = settings.read_text()
        assert old in text, f"{settings.name} has no {old!r}"
        settings.write_text(text.replace(old, new))
