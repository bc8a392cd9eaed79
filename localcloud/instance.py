"""One local cloud on this machine: its name, its files, the ports it has, and whether it runs."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

DEFAULT_NAME = "seatrial"
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


class InstanceError(Exception):
    """A user's mistake or a hindrance, in one line."""


class PortsTaken(InstanceError):
    """Ports that cannot be had, a line each."""


class Ports(BaseModel):
    """Where an instance listens on 127.0.0.1; droplets have the API at their gateway too. 0: any free one."""

    model_config = ConfigDict(extra="forbid")

    api: int = 8790
    https: int = 8791
    dns: int = 8753
    front: int = 80
    front_tls: int = 443


class Settings(BaseModel):
    """What an instance was started with last."""

    model_config = ConfigDict(extra="forbid")

    token: str
    ports: Ports = Ports()
    public_network: str = "198.18.0.0/24"
    docker_host: str = ""
    api_only: bool = False


@dataclass(frozen=True)
class Instance:
    """An instance by its name; nothing is on disk before it is started."""

    name: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InstanceError(
                f"--name {self.name}: a name has small letters, digits and dashes, begins with a letter, "
                "and is at most 31 long"
            )

    @property
    def directory(self) -> Path:
        """Where everything of this instance is kept."""
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(home) / "seatrial" / self.name

    @property
    def state_file(self) -> Path:
        """What the cloud remembers."""
        return self.directory / "state.json"

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority that signs the https listener's."""
        return self.directory / "ca.pem"

    @property
    def log_file(self) -> Path:
        """What the daemon says."""
        return self.directory / "log"

    def make_directory(self) -> None:
        """Make the directory, for its owner alone."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def settings(self) -> Settings | None:
        """What it was started with last; None before the first time. Raises InstanceError."""
        try:
            return Settings.model_validate_json(self._settings_file.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise InstanceError(
                f"{self._settings_file} cannot be read; "
                f"`python -m localcloud reset --name {self.name}` starts anew"
            ) from error

    def save_settings(self, settings: Settings) -> None:
        """Remember what it is started with."""
        part = self._settings_file.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(settings.model_dump_json(indent=2), "utf-8")
        part.replace(self._settings_file)

    def pid(self) -> int | None:
        """The daemon's process id, None where it does not run."""
        try:
            with self._lock_file.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
        except FileNotFoundError:
            return None
        except BlockingIOError:
            return int(self._lock_file.read_text() or 0) or None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be the daemon of this instance: nobody else is meanwhile. Raises InstanceError."""
        with self._lock_file.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InstanceError(f"{self.name} runs already") from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Let only one command at a time start, stop or reset this instance."""
        self.make_directory()
        with (self.directory / "command.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @property
    def _settings_file(self) -> Path:
        return self.directory / "settings.json"

    @property
    def _lock_file(self) -> Path:
        return self.directory / "pid"
