"""A real OpenSSH server on loopback, with its own keys and configuration, ended with the test run."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Sshd:
    """`private_key` opens it; `other_key` is a key that it does not know."""

    port: int
    user: str
    private_key: str
    other_key: str
    host_key: str
    other_host_key: str
    folder: Path

    def connection(self, **changes: Any) -> dict[str, Any]:
        """A connection as a program gives it."""
        given = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": self.user,
            "privateKey": self.private_key,
            "hostKey": self.host_key,
        } | changes
        return {name: value for name, value in given.items() if value is not None}

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder: Path) -> Iterator[Sshd]:
        """Start an sshd; where there is none, install it, unless that would start the machine's own."""
        if shutil.which("sshd", path=PATH) is None and Path("/run/systemd/system").exists():
            pytest.skip("no sshd: installing openssh-server would open port 22 of this machine")
        subprocess.run([ROOT / "tools" / "need.sh", "sshd=openssh-server"], check=True)
        program = shutil.which("sshd", path=PATH)
        assert program is not None
        names = ("host", "other_host", "user", "other")
        keys = {name: _make_key(folder / name) for name in names}
        port = _free_port()
        config = folder / "config"
        config.write_text(
            f"""\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
AcceptEnv GREETING PULUMI_COMMAND_*
Subsystem sftp internal-sftp
"""
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        server = subprocess.Popen([program, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)
        try:
            _wait_for(port, server)
            yield cls(
                port=port,
                user=getpass.getuser(),
                private_key=keys["user"],
                other_key=keys["other"],
                host_key=(folder / "host.pub").read_text(),
                other_host_key=(folder / "other_host.pub").read_text(),
                folder=folder,
            )
        finally:
            server.terminate()
            server.wait(10)


def sessions(server: Sshd) -> int:
    """How many connections to the server are open."""
    wanted = f":{server.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(wanted) and row[3] == "01" for row in rows)


def _make_key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.read_text()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    while True:
        assert server.poll() is None, "sshd did not start"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
