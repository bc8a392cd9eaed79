"""Droplets of a local cloud of their own, for contestants that bring no cloud: made by the cloud's API."""

from __future__ import annotations

import io
import json
import secrets
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import paramiko
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra import cloud_init
from infra.names import SSH_USER
from provisioning.connection import Connection
from tests.bench.site import ROOT
from tests.support.cloud import FREE_PORTS, localcloud

_ACTION_SECONDS = 300
_BOOT_SECONDS = 120


@dataclass(frozen=True)
class Droplet:
    """A host: where it is, and the host key that it was given."""

    name: str
    address: str
    private_address: str
    host_key: str


class Fleet:
    """The droplets of one contestant, by their names: edge-1, app-1 ... and data-1."""

    def __init__(self, name: str, folder: Path) -> None:
        """`folder` is for what SSH clients read: the private key `id`, and `known_hosts`."""
        self.name = name
        self.hosts: dict[str, Droplet] = {}
        self.private_network = ""
        self.key_file, self.known_hosts = folder / "id", folder / "known_hosts"
        self._sizes = _sizes()
        self._vpc = ""
        self._http = httpx.Client()
        private, self._public = _key_pair()
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(private)

    def start(self) -> str:
        """Start the cloud; the address at which its hosts reach this machine."""
        started = localcloud("start", "--name", self.name, "--json", *FREE_PORTS)
        if started.returncode != 0:
            raise OSError(f"the local cloud {self.name} does not start: {started.stderr.strip()}")
        status = json.loads(started.stdout)
        self._http = httpx.Client(
            base_url=status["api_url"],
            headers={"Authorization": f"Bearer {status['token']}"},
            timeout=120,
        )
        vpc = self._ask("POST", "/v2/vpcs", {"name": "private", "region": "fra1"})["vpc"]
        self._vpc, self.private_network = vpc["id"], vpc["ip_range"]
        return str(status["gateway"])

    def add(self, names: Iterable[str]) -> None:
        """Make these hosts, all at once, and wait until each has booted and lets us in."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            made = [*pool.map(self._make, names)]
        self.hosts |= {droplet.name: droplet for droplet in made}
        lines = [f"{droplet.address} {droplet.host_key}\n" for droplet in self.hosts.values()]
        self.known_hosts.write_text("".join(lines))

    def group(self, role: str) -> dict[str, Droplet]:
        """The hosts of a role (edge, app or data), by name."""
        return {name: host for name, host in self.hosts.items() if name.startswith(f"{role}-")}

    def remove(self) -> None:
        """Remove the cloud with all its droplets."""
        self._http.close()
        localcloud("reset", "--name", self.name)

    def _make(self, name: str) -> Droplet:
        private, host_key = _key_pair()
        made = self._ask(
            "POST",
            "/v2/droplets",
            {
                "name": name,
                "region": "fra1",
                "size": self._sizes.get(name.partition("-")[0], self._sizes["other"]),
                "image": "debian-13-x64",
                "vpc_uuid": self._vpc,
                "user_data": cloud_init.render(
                    hostname=name, authorized_key=self._public, host_key=private, host_key_public=host_key
                ),
            },
        )
        self._wait(made["links"]["actions"][0]["id"])
        found = self._ask("GET", f"/v2/droplets/{made['droplet']['id']}")["droplet"]
        address = {net["type"]: net["ip_address"] for net in found["networks"]["v4"]}
        with Connection.open(
            address["public"],
            user=SSH_USER,
            private_key=self.key_file.read_text(),
            host_key=host_key,
            patience=_BOOT_SECONDS,
        ) as connection:
            connection.run("cloud-init status --wait")
        return Droplet(name, address["public"], address["private"], host_key)

    def _wait(self, action: int) -> None:
        deadline = time.monotonic() + _ACTION_SECONDS
        while (state := self._ask("GET", f"/v2/actions/{action}")["action"]["status"]) != "completed":
            if state == "errored" or time.monotonic() > deadline:
                raise OSError(f"the local cloud {self.name} made no droplet: {state}")
            time.sleep(0.2)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(method, path, json=body)
        if answer.is_error:
            raise OSError(f"the local cloud {self.name} refused {method} {path}: {answer.text}")
        return answer.json()


def serving(cloud: str, edge: str) -> int:
    """How many app hosts HAProxy on a droplet of this cloud sends requests to, whoever configured it."""
    status = json.loads(localcloud("status", "--name", cloud, "--json").stdout)
    ids = [droplet["id"] for droplet in status["droplets"] if droplet["public_address"] == edge]
    container = f"{cloud}-droplet-{ids[0]}"
    asked = subprocess.run(
        ["docker", "--host", status["docker_host"], "exec", container, "python3", "-c", _SHOW_STATISTICS],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rows = [line.split(",") for line in asked.splitlines() if line.startswith("site,app-")]
    return sum(row[17] == "UP" for row in rows)


_SHOW_STATISTICS = """
import socket
asked = socket.socket(socket.AF_UNIX)
asked.connect("/run/haproxy/admin.sock")
asked.sendall(b"show stat\\n")
while piece := asked.recv(65536):
    print(piece.decode(), end="")
"""


def new_secret() -> str:
    """A password that needs no quoting anywhere."""
    return secrets.token_hex(16)


def _sizes() -> dict[str, str]:
    """The droplets' sizes by role, as the stack `balanced` has them."""
    config = yaml.safe_load((ROOT / "Pulumi.balanced.yaml").read_text())["config"]
    own = {role: config.get(f"seatrial:{role}_size") for role in ("edge", "app", "data")}
    return {"other": config["seatrial:droplet_size"]} | {role: size for role, size in own.items() if size}


def _key_pair() -> tuple[str, str]:
    """A private key as OpenSSH writes it, and its public one."""
    private = (
        Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        .decode()
    )
    return private, f"ssh-ed25519 {paramiko.Ed25519Key.from_private_key(io.StringIO(private)).get_base64()}"
