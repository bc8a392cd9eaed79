"""Where everything of a site is on a host."""

from __future__ import annotations

import pwd
from dataclasses import dataclass
from pathlib import Path

SLOTS = ("blue", "green")


@dataclass(frozen=True)
class Layout:
    """The paths of one site. `root` is / except in tests."""

    site: str
    root: Path = Path("/")

    @property
    def base(self) -> Path:
        return self.root / "srv" / self.site

    @property
    def releases(self) -> Path:
        return self.base / "releases"

    @property
    def venvs(self) -> Path:
        """Virtual environments, shared by the releases that want the same packages."""
        return self.releases / ".venvs"

    @property
    def pythons(self) -> Path:
        """Pythons that uv installed, where the host's own did not fit."""
        return self.releases / ".pythons"

    @property
    def shared(self) -> Path:
        return self.base / "shared"

    @property
    def slots(self) -> Path:
        return self.base / "slots"

    @property
    def live_socket(self) -> Path:
        """The link that nginx talks through."""
        return self.base / "live.sock"

    @property
    def records(self) -> Path:
        """One JSON line for each run."""
        return self.base / "releases.jsonl"

    @property
    def configuration(self) -> Path:
        return self.root / "etc" / self.site / "site.json"

    @property
    def lock(self) -> Path:
        """In /run: a reboot frees it."""
        return self.root / "run" / "seatrial" / f"{self.site}.lock.json"

    @property
    def busy(self) -> Path:
        """Held (flock) by a verb that changes something, for as long as it runs."""
        return self.root / "run" / "seatrial" / f"{self.site}.busy"

    @property
    def build_home(self) -> Path:
        return self.root / "var" / "cache" / f"{self.site}-build"

    @property
    def build_cache(self) -> Path:
        """What uv has downloaded and built."""
        return self.build_home / ".cache" / "uv"

    @property
    def run_home(self) -> Path:
        return self.root / "var" / "cache" / self.site

    @property
    def build_user(self) -> str | None:
        """Who builds; None where this user does not exist (tests), for the user that we are."""
        return _existing(f"{self.site}-build")

    @property
    def run_user(self) -> str | None:
        """Who runs the site."""
        return _existing(self.site)

    def release(self, release_id: str) -> Path:
        return self.releases / release_id

    def socket(self, slot: str) -> Path:
        return self.root / "run" / f"{self.site}-{slot}" / "gunicorn.sock"


def _existing(user: str) -> str | None:
    try:
        return pwd.getpwnam(user).pw_name
    except KeyError:
        return None
