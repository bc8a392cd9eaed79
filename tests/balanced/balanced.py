"""The stack `balanced` in a project's copy: driven by `make`, seen from its hosts and by visitors."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from provisioning.prober import Target
from tests.e2e.project import Project
from tests.support.visitors import Form, Visits, visiting

STACK = "STACK=balanced"
FORM = Form(path="/lists/new", bad_from=500)
"""Without a token Django itself refuses it, which is its answer."""


@dataclass(frozen=True)
class Balanced:
    """The stack, whose hosts are droplets of the copy's own cloud."""

    project: Project

    def up(self) -> str:
        """`make up`, which must go well; returns what it said."""
        done = self.project.make("up", STACK)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        done = self.project.make("output", STACK)
        assert done.returncode == 0, done.stdout
        outputs: dict[str, Any] = json.loads(done.stdout)
        return outputs

    def set(self, setting: str, value: object) -> None:
        """Change a setting of the stack."""
        file = self.project.folder / "Pulumi.balanced.yaml"
        lines = [line for line in file.read_text().splitlines() if f"seatrial:{setting}:" not in line]
        lines.insert(lines.index("config:") + 1, f'  seatrial:{setting}: "{value}"')
        file.write_text("\n".join(lines) + "\n")

    def edit(self, file: str, old: str, new: str, message: str) -> str:
        """Change and commit a file of the site; returns the commit."""
        path = self.project.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))
        return self.project.commit(message)

    def droplets(self) -> dict[str, int]:
        """The ids of the droplets, by the hosts' names in the stack."""
        found = self.project.cloud_status()["droplets"]
        return {str(droplet["name"]).removeprefix("todo-balanced-"): int(droplet["id"]) for droplet in found}

    def on(self, host: str, *words: str, stdin: str = "") -> str:
        """Run a command on a host, as root; returns what it printed."""
        container = f"{self.project.cloud}-droplet-{self.droplets()[host]}"
        done = subprocess.run(
            ["docker", "--host", self.project.cloud_status()["docker_host"], "exec", "-i", container, *words],
            check=False,
            capture_output=True,
            text=True,
            input=stdin,
        )
        assert done.returncode == 0, f"{host}: {' '.join(words)}: {done.stderr}"
        return done.stdout

    def reaches(self, origin: str, address: str, port: int) -> bool:
        """Whether a host gets a connection to an address within 2 seconds."""
        script = f"timeout 2 bash -c '</dev/tcp/{address}/{port}' 2>/dev/null && echo yes || echo no"
        return self.on(origin, "bash", "-c", script).strip() == "yes"

    def servers(self) -> dict[str, str]:
        """The app hosts as the edge sees them: `UP`, `DOWN`, `DRAIN` ... by name."""
        shown = self.on("edge-1", "seatrial-host", "edge-status", stdin='{"site": "todo"}')
        found = json.loads(shown.strip().splitlines()[-1])
        return {server["server"]: server["state"] for server in found["servers"]}

    def served(self) -> dict[str, int]:
        """How many requests of visitors each app host answered since the edge's last reload, in its log."""
        lines = self.on("edge-1", "journalctl", "-q", "-t", "haproxy", "-n", "5000", "-o", "cat")
        counted: dict[str, int] = {}
        for name in re.findall(r"server=site/(app-\d+)", lines):
            counted[name] = counted.get(name, 0) + 1
        return counted

    def kept(self, text: str) -> list[str]:
        """The files of the syslog host's logs, as `<host>/<program>.log`, that have a text in them."""
        script = (
            'cd /var/log/seatrial && grep --recursive --files-with-matches --fixed-strings -e "$1" . || true'
        )
        found = self.on("log-1", "bash", "-c", script, "bash", text).split()
        return [file.removeprefix("./") for file in found if not file.endswith("/sudo.log")]

    def live(self) -> dict[str, str]:
        """The release that each app host serves, by name."""
        hosts = [name for name in self.droplets() if name.startswith("app-")]
        return {
            host: self.on(host, "readlink", "/srv/todo/current").strip().rsplit("/", 1)[-1] for host in hosts
        }

    def visited(self) -> AbstractContextManager[Visits]:
        """Visitors of all kinds while the block runs, 100 a second."""
        outputs = self.outputs()
        edge = outputs["dns_records"][0]["value"]
        return visiting(Target(edge, urlsplit(outputs["site_url"]).netloc, "/"), form=FORM)


def nobody_noticed(visits: Visits) -> None:
    """Asserts that there were visitors, and that each of them was answered."""
    assert len(visits.all) > 10
    assert not visits.failed, visits.told()


def within(seconds: float, what: Callable[[], bool]) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True
