"""A copy of this project in a folder and on a local cloud of its own, driven as a person would: by `make`."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Answer:
    """What a site answered."""

    status: int
    headers: dict[str, str]
    body: str


@contextmanager
def copied(folder: Path, cloud: str) -> Iterator[Project]:
    """A copy of the project, with nothing up; at the end its local cloud is gone."""
    copy = Project.copied_to(folder, cloud)
    try:
        yield copy
    finally:
        subprocess.run(
            [".venv/bin/python", "-m", "localcloud", "reset", "--name", copy.cloud],
            cwd=copy.folder,
            env=copy.environment,
            check=True,
        )


@dataclass(frozen=True)
class Project:
    """The copy: a git repository at `folder`, whose stacks live on the local cloud named `cloud`."""

    folder: Path
    cloud: str

    @classmethod
    def copied_to(cls, folder: Path, cloud: str) -> Project:
        """Copy what git tracks (and what it would track) of this project, and commit it there."""
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        folder.mkdir(parents=True, exist_ok=True)
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        project = cls(folder=folder, cloud=cloud)
        project.git("init", "-q", "-b", "main")
        project.commit("The project as it is")
        return project

    @property
    def environment(self) -> dict[str, str]:
        """This process' environment with the copy's own cloud, and nothing of a user's own stacks."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PULUMI_", "DIGITALOCEAN_", "MAKE"))}
        return {**kept, "LOCALCLOUD": self.cloud}

    def make(self, *words: str, timeout: float = 600, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run make in the copy; both streams come back together in stdout."""
        return subprocess.run(
            ["make", "--no-print-directory", *words],
            cwd=self.folder,
            env={**self.environment, **environment},
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=timeout,
        )

    def git(self, *words: str) -> str:
        """Run git in the copy; returns what it printed."""
        author = ["-c", "user.name=E2E", "-c", "user.email=e2e@localhost"]
        done = subprocess.run(
            ["git", *author, *words], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything in the copy; returns the commit's sha."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, as `make output` prints them."""
        done = self.make("output")
        assert done.returncode == 0, done.stdout
        outputs: dict[str, Any] = json.loads(done.stdout)
        return outputs

    def cloud_status(self) -> dict[str, Any]:
        """What the local cloud says of itself."""
        done = subprocess.run(
            [".venv/bin/python", "-m", "localcloud", "status", "--name", self.cloud, "--json"],
            cwd=self.folder,
            env=self.environment,
            check=False,  # 3: it does not run
            capture_output=True,
            text=True,
        )
        status: dict[str, Any] = json.loads(done.stdout)
        return status


def get(url: str, *, host: str | None = None, timeout: float = 10) -> Answer:
    """GET a URL under `.localhost` the way browsers do: the name means loopback.

    `host` replaces the Host header.
    """
    parts = urlsplit(url)
    address = "127.0.0.1" if (parts.hostname or "").endswith("localhost") else parts.hostname or ""
    connection = http.client.HTTPConnection(address, parts.port or 80, timeout=timeout)
    try:
        connection.request("GET", parts.path or "/", headers={"Host": host or parts.netloc})
        answer = connection.getresponse()
        headers = {key.lower(): value for key, value in answer.getheaders()}
        return Answer(answer.status, headers, answer.read().decode(errors="replace"))
    finally:
        connection.close()
