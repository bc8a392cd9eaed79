"""What the tests do to droplets as a user would: SSH with a pinned key, connect, wait."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from localcloud.engine import connect
from localcloud.machine_types import Firewall, MachineSpec, Rule
from localcloud.machines import Machines

ANYWHERE = ("0.0.0.0/0", "::/0")
PATIENCE = 30.0


def permit(protocol: str, ports: int | None, *addresses: str) -> Rule:
    """A rule for one port, or all of them, from or to anywhere where no address is given."""
    assert protocol in ("tcp", "udp", "icmp")
    pair = None if ports is None else (ports, ports)
    return Rule(protocol=protocol, ports=pair, addresses=addresses or ANYWHERE)  # type: ignore[arg-type]


CONNECTION_LOST = (OSError, EOFError, paramiko.SSHException)
"""What a connection to a droplet that is about to end, or not there yet, can raise."""


def walls(inbound: list[Rule], outbound: list[Rule]) -> Firewall:
    """A firewall of these rules."""
    return Firewall(inbound=tuple(inbound), outbound=tuple(outbound))


def reachable(address: str, port: int, timeout: float = 1.0) -> bool:
    """Whether a TCP connection from this machine comes up."""
    try:
        socket.create_connection((address, port), timeout).close()
    except OSError:
        return False
    return True


def eventually(what: str, holds: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Waits until `holds`, and fails the test with `what` where it never does."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {what}"
        time.sleep(0.1)


@dataclass
class Key:
    """A key pair in OpenSSH's formats."""

    private: str
    public: str

    @classmethod
    def make(cls) -> Key:
        """A new ed25519 pair."""
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        return cls(private.decode(), public.decode())


class Lab:
    """The droplets under test. Their host keys are seeded, and every connection pins them."""

    def __init__(self, machines: Machines, instance: str, state: Path) -> None:
        self.machines = machines
        self.instance = instance
        self.state = state
        self.user = Key.make()
        self.host = Key.make()
        self._listening: set[tuple[int, int]] = set()
        cidr = machines.ensure_public_network()
        self.prefix = cidr.rpartition(".")[0]
        self.gateway = f"{self.prefix}.1"
        # Private ranges that no other instance under test has: the public range's own number is in them.
        number = int(self.prefix.split(".")[2])
        self.private = {"left": f"10.213.{number}", "right": f"10.214.{number}"}
        for name, prefix in self.private.items():
            machines.ensure_network(name, f"{prefix}.0/24", True)

    def public(self, id: int) -> str:
        """A droplet's public address."""
        return f"{self.prefix}.{10 + id}"

    def inner(self, id: int, network: str) -> str:
        """A droplet's private address."""
        return f"{self.private[network]}.{10 + id}"

    def spec(self, id: int, network: str = "left", image: str = "debian-13-x64") -> MachineSpec:
        """A small droplet with the seeded host key."""
        user_data = {
            "ssh_deletekeys": True,
            "ssh_genkeytypes": ["ed25519"],
            "ssh_keys": {"ed25519_private": self.host.private, "ed25519_public": self.host.public},
            "write_files": [{"path": "/root/from-user-data", "content": "here\n"}],
        }
        return MachineSpec(
            id=id,
            hostname=f"web-{id}",
            image=image,
            memory_mb=512,
            vcpus=1,
            disk_gb=10,
            public_address=self.public(id),
            private_address=self.inner(id, network),
            private_network=network,
            user_data="#cloud-config\n" + json.dumps(user_data),
            ssh_keys=(self.user.public,),
        )

    def create(self, *specs: MachineSpec) -> None:
        """Makes droplets, all at once, and waits for their SSH."""
        errors: list[BaseException] = []

        def make(spec: MachineSpec) -> None:
            try:
                self.machines.create(spec)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=make, args=(spec,)) for spec in specs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors, errors
        for spec in specs:
            self.wait(spec.id)

    def wait(self, id: int) -> None:
        """Waits until the droplet takes commands and cloud-init has finished."""
        eventually(f"droplet {id} answers over SSH", lambda: self._answers(id))
        self.run(id, "cloud-init status --wait >/dev/null || [ $? = 2 ]")

    def connect(self, id: int) -> paramiko.SSHClient:
        """A connection as root, refused unless the droplet shows the seeded host key."""
        client = paramiko.SSHClient()
        kind, blob = self.host.public.split()[:2]
        client.get_host_keys().add(self.public(id), kind, _public_key(kind, blob))
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        client.connect(
            self.public(id),
            username="root",
            pkey=paramiko.Ed25519Key.from_private_key(io.StringIO(self.user.private)),
            allow_agent=False,
            look_for_keys=False,
            timeout=2,
            banner_timeout=10,
        )
        return client

    def run(self, id: int, command: str, *, check: bool = True) -> str:
        """A command's output, both streams, as root on a droplet."""
        client = self.connect(id)
        try:
            _, stdout, _ = client.exec_command(f"{{ {command}\n}} 2>&1", timeout=120)
            output = stdout.read().decode(errors="replace").strip()
            status = stdout.channel.recv_exit_status()
        finally:
            client.close()
        assert status == 0 or not check, f"{command!r} gave {status}: {output}"
        return output

    def listen(self, id: int, port: int) -> None:
        """Makes sure of a web server on a droplet's port, there again after every boot."""
        if (id, port) in self._listening:
            return
        self._listening.add((id, port))
        self.run(
            id,
            f"printf '[Service]\\nExecStart=/usr/bin/python3 -m http.server {port}\\n"
            f"[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/web{port}.service; "
            f"systemctl enable -q --now web{port}; "
            f"timeout 20 sh -c 'until curl -s -o /dev/null localhost:{port}; do sleep 0.1; done'",
        )

    def gets(self, id: int, url: str) -> bool:
        """Whether a droplet gets an answer from a URL."""
        return (
            self.run(id, f"curl -s -o /dev/null -m 2 --noproxy '*' {url} && echo yes", check=False) == "yes"
        )

    def kill(self, part: str, id: int) -> None:
        """Ends one of a droplet's two containers from behind."""
        connect(self.machines.docker_host).api.kill(f"{self.instance}-{part}-{id}")

    def _answers(self, id: int) -> bool:
        try:
            self.connect(id).close()
        except CONNECTION_LOST:
            return False
        return True


def _public_key(kind: str, blob: str) -> paramiko.PKey:
    entry = paramiko.hostkeys.HostKeyEntry.from_line(f"host {kind} {blob}")
    assert entry is not None and entry.key is not None
    return entry.key
