"""A real droplet of the local cloud with the roles of a single-host site on it."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra import cloud_init
from localcloud.machine_types import MachineSpec
from localcloud.machines import Machines
from provisioning import bundle
from provisioning.connection import Connection
from provisioning.onhost.health import wait

SITE = "notes"
NAME = "notes.example.test"


@dataclass(frozen=True)
class Key:
    """An SSH key: its private half as OpenSSH writes it, its public half as one line."""

    private: str
    public: str


def new_key() -> Key:
    """A fresh ed25519 key."""
    text = (
        Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        .decode()
    )
    return Key(text, f"ssh-ed25519 {paramiko.Ed25519Key.from_private_key(io.StringIO(text)).get_base64()}")


@dataclass(frozen=True)
class Place:
    """Where a droplet is: its public and its private address, and the range of the private network."""

    public: str
    private: str
    network: str


def boot(machines: Machines, number: int, name: str, key: Key, host_key: Key) -> Place:
    """Create a droplet; it may still be booting."""
    public = machines.ensure_public_network().rsplit(".", 1)[0]
    private = f"10.214.{public.rsplit('.', 1)[1]}"
    place = Place(f"{public}.{9 + number}", f"{private}.{9 + number}", f"{private}.0/24")
    machines.ensure_network("private", place.network, internal=True)
    machines.create(
        MachineSpec(
            id=number,
            hostname=name,
            image="debian-13-x64",
            memory_mb=2048,
            vcpus=2,
            disk_gb=20,
            public_address=place.public,
            private_address=place.private,
            private_network="private",
            user_data=cloud_init.render(
                hostname=name,
                authorized_key=key.public,
                host_key=host_key.private,
                host_key_public=host_key.public,
            ),
            ssh_keys=(),
        )
    )
    return place


def root(connection: Connection, script: str) -> str:
    """The output of a shell script run by root, which has to work."""
    lines: list[str] = []
    done = connection.run("sudo -n bash -euo pipefail -s", script.encode(), on_line=lines.append)
    assert done.status == 0, f"{script}\n{lines}\n{done.errors}"
    return "\n".join(lines)


class Droplet:
    """One provisioned droplet."""

    def __init__(self, machines: Machines, *, database: str = "postgres") -> None:
        self.key, self.host_key = new_key(), new_key()
        self.address = boot(machines, 1, "web", self.key, self.host_key).public
        self._machines = machines
        self.connection = self.connect(patience=90)
        self.provision(database=database)

    def connect(self, patience: float = 30) -> Connection:
        """A connection as the rollout makes it."""
        return Connection.open(
            self.address,
            user="seatrial",
            private_key=self.key.private,
            host_key=self.host_key.public,
            patience=patience,
        )

    def provision(self, *, database: str = "postgres", environment: dict[str, str] | None = None) -> str:
        """Put the roles on; the digest of what was put on."""
        rendered = bundle.render(
            host="web",
            roles=["base", "cache", "database", "app"]
            if database == "postgres"
            else ["base", "cache", "app"],
            variables={
                "site_name": SITE,
                "server_names": NAME,
                "url": f"http://{NAME}",
                "database": database,
                "cache": "redis",
                "memory_mb": "2048",
                "cpus": "2",
                "stack": "test",
            },
            secrets={
                "secret_key": base64.b64encode(b"only for this test, long enough for Django").decode(),
                "database_password": "only-for-this-test",
                **{f"env.{name}": value for name, value in (environment or {}).items()},
            },
        )
        done = self.connection.run(rendered.command, rendered.stdin.encode())
        assert done.status == 0, done.errors
        return rendered.digest

    def root(self, script: str) -> str:
        """The output of a shell script run by root, which has to work."""
        return root(self.connection, script)

    def reboot(self) -> None:
        """Restart the droplet, and connect anew."""
        self.connection.close()
        self._machines.reboot(1)
        self.connection = self.connect(patience=90)

    def answers_again(self) -> bool:
        """Whether its site answers within a minute of a restart."""
        return wait((self.address, 80), host=NAME, scheme="http", path="/", patience=60).is_healthy

    def request(self, **more: Any) -> dict[str, Any]:
        """A rollout's request for this droplet."""
        return {
            "site": SITE,
            "url": f"http://{NAME}",
            "server_names": [NAME],
            "hosts": [
                {
                    "name": "web",
                    "address": self.address,
                    "host_key": self.host_key.public,
                    "droplet_id": "1",
                    "roles": ["app", "cache", "database"],
                }
            ],
            "private_key": self.key.private,
            "probe_rate": 50,
            "drain_seconds": 5,
            **more,
        }
