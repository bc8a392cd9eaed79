"""A deploy key that git may use and that is never in a file: an ssh-agent of its own, fed over stdin."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType


class KeyRefused(Exception):
    """The deploy key can't be used, and why, in one line."""


class Agent:
    """Holds one private key while the `with` block lasts; gives the variables that git's ssh needs."""

    def __init__(self, private_key: str) -> None:
        self._key = private_key.strip() + "\n"
        self._agent: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None

    def __enter__(self) -> dict[str, str]:
        self._folder = Path(tempfile.mkdtemp(prefix="seatrial-agent-"))
        socket = self._folder / "agent"
        try:
            self._agent = subprocess.Popen(
                ["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            _wait_for(socket)
            added = subprocess.run(
                ["ssh-add", "-q", "-"],
                input=self._key,
                env={**os.environ, "SSH_AUTH_SOCK": str(socket), "SSH_ASKPASS_REQUIRE": "never"},
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError as error:
            self._end()
            raise KeyRefused(
                f"{error.filename} is not installed on this machine (Debian: apt-get install openssh-client)"
            ) from None
        except BaseException:
            self._end()
            raise
        if added.returncode != 0:
            self._end()
            why = (
                "it has a passphrase"
                if "passphrase" in added.stderr
                else "ssh can't read it as a private key"
            )
            raise KeyRefused(f"seatrial:deploy_key can't be used: {why}")
        # The agent's key alone: the caller's own keys must not be what makes it work here and fail in CI.
        ssh = "ssh -o BatchMode=yes -o ConnectTimeout=15 -o IdentityFile=none"
        return {"SSH_AUTH_SOCK": str(socket), "GIT_SSH_COMMAND": ssh}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._agent is not None:
            self._agent.terminate()
            self._agent.wait()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _wait_for(socket: Path, patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while not socket.exists():
        if time.monotonic() > deadline:
            raise KeyRefused("seatrial:deploy_key can't be used: no ssh-agent could be started")
        time.sleep(0.01)
