"""One droplet, provisioned once, and one site in a repository of its own; both are gone afterwards."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from provisioning.prober import Prober, Target
from tests.rollout.droplet import NAME, SITE, Droplet
from tests.rollout.several import Several
from tests.rollout.site import Repository
from tests.support.machines import machines_for
from tests.support.visitors import Visits, visiting

PROJECT = Path(__file__).resolve().parents[2]
Hosts = TypeVar("Hosts", Droplet, Several)


@dataclass
class Outcome:
    """What a rollout ended with, and what visitors noticed of it."""

    status: int
    told: str
    document: dict[str, Any]
    visitors: dict[str, Any] = field(default_factory=dict)


class Releases(Generic[Hosts]):
    """Droplets, the site's repository, and the rollouts between them."""

    def __init__(self, droplet: Hosts, repository: Repository, *, rate: int = 50) -> None:
        self.droplet: Hosts = droplet
        self.repository = repository
        self.rate = rate
        self.configuration = "as provisioned"

    def start(self, commit: str, **more: Any) -> subprocess.Popen[str]:
        """Begin a rollout, as infra does."""
        request = self.droplet.request(
            repository=str(self.repository.path),
            commit=commit,
            subject="a change",
            configuration=self.configuration,
            **more,
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "provisioning.rollout"],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(request))
        process.stdin.close()
        process.stdin = None
        return process

    def release(self, commit: str, **more: Any) -> Outcome:
        """A rollout to its end, with visitors meanwhile."""
        with self.visitors() as noticed:
            process = self.start(commit, **more)
            out, told = process.communicate(timeout=180)
        return Outcome(process.returncode, told, json.loads(out) if out.strip() else {}, noticed)

    @contextmanager
    def visitors(self) -> Iterator[dict[str, Any]]:
        """`rate` requests a second, on new and on kept connections; what they saw is there at the end."""
        noticed: dict[str, Any] = {}
        prober = Prober(Target(self.droplet.address, NAME, "/"), self.rate)
        prober.start()
        try:
            yield noticed
        finally:
            noticed.update(prober.stop())

    def get(self, path: str = "/") -> tuple[int, str]:
        """A page as a visitor gets it."""
        connection = http.client.HTTPConnection(self.droplet.address, timeout=15)
        try:
            connection.request("GET", path, headers={"Host": NAME})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def facts(self) -> dict[str, str]:
        """What the home page says of the release that serves."""
        status, text = self.get()
        assert status == 200, text
        return dict(line.split("=", 1) for line in text.splitlines())

    def live_release(self) -> str:
        """The id of the release that serves."""
        return self.droplet.root(f"basename $(readlink /srv/{SITE}/current)").strip()

    def releases(self) -> list[str]:
        """The folders of releases on the host."""
        return self.droplet.root(f"ls /srv/{SITE}/releases").split()


class Stage(Releases[Droplet]):
    """One droplet."""


class SeveralStage(Releases[Several]):
    """Several droplets behind an edge, with 100 visitors a second while something happens to them."""

    def visiting(self) -> AbstractContextManager[Visits]:
        """Visitors while the block runs."""
        return visiting(Target(self.droplet.address, NAME, "/"))

    def release_visited(self, commit: str, **more: Any) -> tuple[Outcome, Visits]:
        """A rollout to its end, and what visitors saw of it."""
        with self.visiting() as visits:
            process = self.start(commit, **more)
            out, told = process.communicate(timeout=240)
        document = json.loads(out) if out.strip() else {}
        return Outcome(process.returncode, told, document, visits.figures), visits

    def change(self, version: str, files: dict[str, str] | None = None) -> str:
        """A commit upon the first version, which calls itself `version`; the next one begins there again."""
        changes = self.repository.changed("memos/views.py", 'VERSION = "one"', f'VERSION = "{version}"')
        changes["memos/static/memos.css"] = f"body {{ color: {version} }}\n"
        made = self.repository.commit(version, {**changes, **(files or {})})
        self.repository.go_back_to(self.repository.first)
        return made

    def text(self, name: str) -> str:
        """A file of the first version."""
        return (self.repository.path / name).read_text()

    def is_whole(self) -> bool:
        """Whether the edge sends visitors to both app hosts."""
        return [server["state"] for server in self.droplet.servers().values()] == ["UP", "UP"]

    def nobody_noticed(self, visits: Visits) -> None:
        """Asserts that every visitor was answered, and that what they wrote is there, once."""
        assert len(visits.all) > 10
        assert not visits.failed, visits.told()
        self.kept_what_was_posted(visits)

    def kept_what_was_posted(self, visits: Visits) -> None:
        """Asserts that no answered POST was lost, and that none was done twice."""
        status, text = self.get("/all")
        assert status == 200, text
        written = Counter(text.splitlines())
        assert visits.posted()
        assert not visits.posted() - {*written}, "a POST that was answered is lost"
        posted = visits.posted() | visits.posted(answered=False)
        assert max(written[text] for text in posted) == 1, "a POST was done twice"


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The droplet with the site's first version live."""
    folder = tmp_path_factory.mktemp("rollout")
    with machines_for("rollout", folder) as machines:
        droplet = Droplet(machines)
        ready = Stage(droplet, Repository(folder / "site"))
        _release_first(ready)
        yield ready
        droplet.connection.close()


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeveralStage]:
    """An edge with two app hosts behind it, and the site's first version live."""
    folder = tmp_path_factory.mktemp("several")
    with machines_for("several", folder) as machines:
        droplets = Several(machines)
        ready = SeveralStage(droplets, Repository(folder / "site"))
        _release_first(ready)
        yield ready
        droplets.close()


def _release_first(stage: Releases[Any]) -> None:
    process = stage.start(stage.repository.first)
    out, told = process.communicate(timeout=180)
    assert process.returncode == 0, told
    assert json.loads(out)["previous_release"] is None
