"""A deploy key that git may use and that is never in a file: an ssh-agent of its own, fed over stdin."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType


class KeyRefused(Exception):
    """The deploy key can't be used, and why, in one line."""


class Agent:
    """Holds one private key while the `with` block lasts; gives the variables that git's ssh needs."""

    def __init__(self, private_key: str) -> None:
        self._key = private_key.strip() + "\n"
        self._pid = 0
        self._folder: Path | None = None

    def __enter__(self) -> dict[str, str]:
        self._folder = Path(tempfile.mkdtemp(prefix="seatrial-agent-"))
        socket = self._folder / "agent"
        try:
            started = subprocess.run(
                ["ssh-agent", "-s", "-a", str(socket), "-t", "3600"],
                capture_output=True,
                text=True,
                check=True,
            )
            found = re.search(r"SSH_AGENT_PID=(\d+)", started.stdout)
            self._pid = int(found.group(1)) if found else 0
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
        except subprocess.CalledProcessError as error:
            self._end()
            raise KeyRefused(
                f"no ssh-agent could be started for seatrial:deploy_key: {error.stderr.strip()}"
            ) from None
        if added.returncode != 0:
            self._end()
            why = (
                "it has a passphrase"
                if "passphrase" in added.stderr
                else "it is no private key that ssh can read"
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
        if self._pid:
            try:
                os.kill(self._pid, signal.SIGTERM)
            except ProcessLookupError:
                self._pid = 0
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
