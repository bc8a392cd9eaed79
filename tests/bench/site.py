"""The site that every contestant releases: a git repository of its own, and how their hosts reach it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
_OVERLAY = Path(__file__).parent / "overlay"
_PAGE = "templates/base.html"
_PORT = 9418


@dataclass(frozen=True)
class Site:
    """The example site, with settings for production beside its own, at `folder`."""

    folder: Path

    @classmethod
    def made_in(cls, folder: Path) -> Site:
        """Copy and commit it."""
        shutil.copytree(
            ROOT / "example", folder, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3", "staticfiles")
        )
        shutil.copytree(_OVERLAY, folder, dirs_exist_ok=True)
        site = cls(folder)
        site._git("init", "-q", "-b", "main")
        site._commit("The site as it is")
        return site

    @property
    def commit(self) -> str:
        """The newest commit."""
        return self._git("rev-parse", "HEAD")

    def edit(self, edition: str) -> str:
        """Change a template, and commit it; the text that every page has in it from then on."""
        page = self.folder / _PAGE
        mark = f"<!-- {edition} -->"
        page.write_text(page.read_text().replace("</title>", f"</title>{mark}", 1))
        assert mark in page.read_text(), f"{_PAGE} has no title"
        self._commit(edition)
        return mark

    def _commit(self, message: str) -> None:
        self._git("add", "-A")
        self._git("commit", "-q", "-m", message)

    def _git(self, *words: str) -> str:
        author = ["-c", "user.name=Bench", "-c", "user.email=bench@localhost"]
        done = subprocess.run(
            ["git", *author, *words], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()


class Served:
    """While entered, hosts fetch the site from `url`. It listens on one address of this machine alone."""

    def __init__(self, site: Site, address: str) -> None:
        self.url = f"git://{address}/{site.folder.name}"
        self._folder, self._address = site.folder, address
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Served:
        self._server = subprocess.Popen(
            [
                f"{_exec_path()}/git-daemon",
                f"--listen={self._address}",
                f"--port={_PORT}",
                f"--base-path={self._folder.parent}",
                "--export-all",
                "--reuseaddr",
                str(self._folder),
            ],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while not _answers(self._address):
            if self._server.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                raise OSError(f"git daemon does not listen on {self._address} port {_PORT}")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.terminate()
            self._server.wait()


def _answers(address: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, _PORT)) == 0


def _exec_path() -> str:
    return subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True).stdout.strip()
