"""A real droplet of the local cloud, reached as infra does: as `seatrial`, with its host key pinned."""

from __future__ import annotations

import io
import shlex
import time
from dataclasses import dataclass

import docker
import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra import cloud_init
from localcloud.machine_types import MachineSpec
from localcloud.machines import Machines
from provisioning.bundle import Bundle

_PRIVATE_NETWORK = "private"


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str


class Host:
    """One droplet and the way to it; `number` tells it from the others of the same cloud."""

    def __init__(
        self, instance: str, machines: Machines, image: str, name: str = "web", number: int = 1
    ) -> None:
        self._machines = machines
        self._id = number
        self._net = f"{instance}-net-{number}"
        self._key, _ = _new_key()
        self._host_key, host_key_text = _new_key()
        public = machines.ensure_public_network().rsplit(".", 1)[0]
        # The public range's number makes a private one that no other cloud of these tests has.
        private = f"10.215.{public.rsplit('.', 1)[1]}"
        machines.ensure_network(_PRIVATE_NETWORK, f"{private}.0/24", internal=True)
        self.private_network = f"{private}.0/24"
        self.address = f"{public}.{9 + number}"
        self.private_address = f"{private}.{9 + number}"
        machines.create(
            MachineSpec(
                id=number,
                hostname=name,
                image=image,
                memory_mb=2048,
                vcpus=2,
                disk_gb=20,
                public_address=self.address,
                private_address=self.private_address,
                private_network=_PRIVATE_NETWORK,
                user_data=cloud_init.render(
                    hostname=name,
                    authorized_key=f"ssh-ed25519 {self._key.get_base64()}",
                    host_key=host_key_text,
                    host_key_public=f"ssh-ed25519 {self._host_key.get_base64()}",
                ),
                ssh_keys=(),
            )
        )

    def apply(self, bundle: Bundle) -> Result:
        """The bundle, exactly as it is handed to whoever runs it."""
        return self.run(bundle.command, bundle.stdin)

    def run(self, command: str, stdin: str = "") -> Result:
        with self._connected() as client:
            writer, reader, errors = client.exec_command(command)
            writer.write(stdin)
            writer.channel.shutdown_write()
            out, err = reader.read().decode(), errors.read().decode()
            return Result(reader.channel.recv_exit_status(), out, err)

    def must(self, command: str, stdin: str = "") -> str:
        """The output of a command that has to work."""
        result = self.run(command, stdin)
        assert result.status == 0, f"{command}\n{result.out}{result.err}"
        return result.out

    def root(self, script: str, stdin: str = "") -> str:
        """The output of a shell script run by root, which has to work."""
        return self.must(_as_root(script), stdin)

    def succeeds(self, script: str) -> bool:
        """Whether a shell script run by root ends well."""
        return self.run(_as_root(script)).status == 0

    def reboot(self) -> None:
        self._machines.reboot(self._id)

    def reboot_before_the_private_address_is_up(self) -> None:
        """Reboot, and have the private network late: after its services were to start."""
        where = f"{self.private_address}/24"
        self._in_network("ip", "address", "del", where, "dev", "eth1")
        self.reboot()
        # is-system-running waits for the end of the boot, which waits for the address.
        self.must(
            "until systemctl is-active seatrial-private-address | grep -qx activating; do sleep 0.2; done"
        )
        self._in_network("ip", "address", "add", where, "dev", "eth1")
        self.must("timeout 60 systemctl is-system-running --wait || true")

    def _in_network(self, *command: str) -> None:
        client = docker.DockerClient(base_url=self._machines.docker_host)
        ended = client.containers.get(f"{self._net}").exec_run([*command])
        client.close()
        assert ended.exit_code == 0, ended.output

    def _connected(self, patience: float = 60.0) -> paramiko.SSHClient:
        deadline = time.monotonic() + patience
        while True:
            client = paramiko.SSHClient()
            client.get_host_keys().add(self.address, "ssh-ed25519", self._host_key)
            client.set_missing_host_key_policy(paramiko.RejectPolicy())
            try:
                client.connect(
                    self.address,
                    username="seatrial",
                    pkey=self._key,
                    allow_agent=False,
                    look_for_keys=False,
                    timeout=10,
                )
                return client
            except (OSError, paramiko.SSHException, EOFError):
                client.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)


def _as_root(script: str) -> str:
    return shlex.join(["sudo", "-n", "bash", "-euo", "pipefail", "-c", script])


def _new_key() -> tuple[paramiko.Ed25519Key, str]:
    """A key, and its private half as OpenSSH writes it."""
    text = (
        Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        .decode()
    )
    return paramiko.Ed25519Key.from_private_key(io.StringIO(text)), text
