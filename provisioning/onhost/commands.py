"""Runs commands, as the user they belong to, with their output in the journal and its end at hand."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import syslog
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

KEPT_LINES = 400


class CommandFailed(Exception):
    """A command that ended with another status than 0; `lines` is the end of what it printed."""

    def __init__(self, argv: Sequence[str], status: int, lines: Sequence[str]) -> None:
        super().__init__(f"{Path(argv[0]).name} ended with status {status}")
        self.argv = [*argv]
        self.status = status
        self.lines = [*lines]


class Runner:
    """Starts commands in process groups of their own, so that all of a build can be ended at once."""

    def __init__(self, *, journal: bool = True) -> None:
        self._journal = journal
        self._running: set[int] = set()
        self._guard = threading.Lock()
        self._aborted = False

    def run(
        self,
        argv: Sequence[str],
        *,
        user: str | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: IO[bytes] | int = subprocess.DEVNULL,
        timeout: float = 1800,
        told: bool = True,
    ) -> list[str]:
        """Run to the end; return the last lines of output (both streams). `told`: they go to the journal.

        Raises CommandFailed, also where it took longer than `timeout` seconds.
        """
        with self._guard:
            if self._aborted:
                raise CommandFailed(argv, -signal.SIGTERM, [])
            process = subprocess.Popen(
                [*argv],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**base_environment(user), **(env or {})},
                start_new_session=True,
                **_identity(user),
            )
            self._running.add(process.pid)
        timer = threading.Timer(timeout, _end_group, [process.pid])
        timer.start()
        lines: deque[str] = deque(maxlen=KEPT_LINES)
        try:
            assert process.stdout is not None
            for raw in process.stdout:
                line = raw.decode("utf-8", "replace").rstrip()
                lines.append(line)
                if self._journal and told and line:
                    syslog.syslog(line)
            status = process.wait()
        finally:
            timer.cancel()
            with self._guard:
                self._running.discard(process.pid)
        if status != 0:
            raise CommandFailed(argv, status, [*lines])
        return [*lines]

    def abort(self) -> None:
        """End all that runs, and start nothing more."""
        with self._guard:
            self._aborted = True
            for pid in self._running:
                _end_group(pid)


def base_environment(user: str | None) -> dict[str, str]:
    """A small, known environment: nothing of the caller's but where the system keeps its CA certificates."""
    home = pwd.getpwnam(user).pw_dir if user else os.environ.get("HOME", "/")
    kept = {name: os.environ[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ}
    path = "/usr/local/bin:/usr/bin:/bin"
    if not user:
        path = os.environ.get("PATH", path)
    return {"PATH": path, "HOME": home, "LANG": "C.UTF-8", **kept}


def _identity(user: str | None) -> dict[str, Any]:
    if user is None:
        return {"umask": 0o022}
    entry = pwd.getpwnam(user)
    groups = os.getgrouplist(user, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups, "umask": 0o022}


def _end_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
