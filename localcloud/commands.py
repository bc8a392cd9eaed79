"""Starting, stopping, describing and removing an instance."""

from __future__ import annotations

import http.client
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from ipaddress import IPv4Network
from typing import Any

from pydantic import ValidationError

from localcloud.instance import Instance, InstanceError, Ports, Settings
from localcloud.machine_types import PUBLIC_NETWORK
from localcloud.sockets import LOOPBACK, bind, bind_for_droplets
from localcloud.state import State

START_SECONDS, STOP_SECONDS = 180, 120
DEFAULT_TOKEN = "local"  # noqa: S105
MOST_LOG_BYTES = 5_000_000


def start(
    instance: Instance, wanted: dict[str, int | None], token: str | None = None, api_only: bool = False
) -> bool:
    """Start an instance and wait until its API answers; False where it ran already.

    A port that is None stays as it was the last time. Raises InstanceError or MachineError.
    """
    with instance.starting():
        if instance.pid():
            return False
        known = instance.settings()
        ports = known.ports if known else Ports()
        ports = ports.model_copy(update={name: port for name, port in wanted.items() if port is not None})
        settings = Settings(
            token=token or (known.token if known else DEFAULT_TOKEN),
            public_network=known.public_network if known else "",
            api_only=api_only,
        )
        sockets, settings.ports = bind(ports)
        try:
            _prepare_machines(instance, settings)
            if not settings.api_only:
                sockets["droplets"] = _bind_for_droplets(instance, settings)
            instance.save_settings(settings)
            _launch(instance, settings, {name: sock.fileno() for name, sock in sockets.items()})
        finally:
            for sock in sockets.values():
                sock.close()
    return True


def stop(instance: Instance, *, power_off: bool = True) -> bool:
    """End an instance's daemon, its droplets first powered off in order; False where none runs."""
    if not instance.directory.exists():
        return False
    with instance.starting():
        pid = instance.pid()
        if pid is None:
            return False
        process = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(process, signal.SIGTERM if power_off else signal.SIGINT)
            ended, _, _ = select.select([process], [], [], STOP_SECONDS)
            if not ended:
                os.killpg(pid, signal.SIGKILL)
        finally:
            os.close(process)
        return True


def reset(instance: Instance) -> bool:
    """Remove an instance whole: process, droplets, networks, files. False where there was none."""
    if not instance.directory.exists():
        return False
    stop(instance, power_off=False)
    try:
        settings = instance.settings()
    except InstanceError:
        settings = None  # damaged ones are no reason to leave droplets behind
    # Docker's client takes long to import, and most commands have no need of it.
    from localcloud.engine import find_docker
    from localcloud.machines import Machines

    if find_docker() if settings is None else not settings.api_only:
        Machines(instance.name, instance.directory).reset()
    shutil.rmtree(instance.directory)
    return True


def describe(instance: Instance) -> dict[str, Any]:
    """What `status` says, for programs. Raises InstanceError."""
    pid = instance.pid()
    settings = instance.settings()
    if settings is None:
        return {"name": instance.name, "running": False}
    state = _state(instance)
    network = IPv4Network(settings.public_network)
    ports = settings.ports
    return {
        "name": instance.name,
        "running": pid is not None,
        "pid": pid,
        "api_url": f"http://{LOOPBACK}:{ports.api}",
        "api_https_url": f"https://{LOOPBACK}:{ports.https}",
        "droplet_api_url": "" if settings.api_only else f"http://{network[1]}:{ports.api}",
        "ca_file": str(instance.ca_file),
        "token": settings.token,
        "dns": f"{LOOPBACK}:{ports.dns}",
        "front_http_port": ports.front,
        "front_https_port": ports.front_tls,
        "gateway": str(network[1]),
        "public_network": str(network),
        "docker_host": settings.docker_host,
        "api_only": settings.api_only,
        "state_directory": str(instance.directory),
        "log": str(instance.log_file),
        "droplets": [
            {
                "id": droplet.id,
                "name": droplet.name,
                "status": droplet.status if pid else "off",
                "size": droplet.size,
                "image": droplet.image,
                "region": droplet.region,
                "public_address": droplet.public_address,
                "private_address": droplet.private_address,
                "reserved_ips": [ip.ip for ip in state.reserved_ips.values() if ip.droplet_id == droplet.id],
                "tags": droplet.tags,
            }
            for droplet in state.live_droplets()
        ],
        "domains": {name: len(domain.records) for name, domain in state.domains.items()},
        "failures": [failure.model_dump() for failure in state.failures],
    }


def _state(instance: Instance) -> State:
    try:
        return State.model_validate_json(instance.state_file.read_text("utf-8"))
    except FileNotFoundError:
        return State()
    except ValidationError as error:
        raise InstanceError(
            f"{instance.state_file} cannot be read; "
            f"`python -m localcloud reset --name {instance.name}` starts anew"
        ) from error


def _prepare_machines(instance: Instance, settings: Settings) -> None:
    """Docker's engine and the public network, in the foreground: who must install something says so here."""
    if settings.api_only:
        settings.public_network = settings.public_network or "198.18.0.0/24"
        return
    # Docker's client takes long to import, and most commands have no need of it.
    from localcloud.machines import Machines

    machines = Machines(instance.name, instance.directory)
    if settings.public_network:
        machines.ensure_network(PUBLIC_NETWORK, settings.public_network, internal=False)
    else:
        settings.public_network = machines.ensure_public_network()
    settings.docker_host = machines.docker_host
    if os.geteuid() != 0:
        machines.prepare_image()


def _bind_for_droplets(instance: Instance, settings: Settings) -> socket.socket:
    from localcloud.networks import bridge_name  # Docker's client again

    gateway = str(IPv4Network(settings.public_network)[1])
    return bind_for_droplets(gateway, settings.ports.api, bridge_name(instance.name, PUBLIC_NETWORK))


def _launch(instance: Instance, settings: Settings, handles: dict[str, int]) -> None:
    if instance.log_file.exists() and instance.log_file.stat().st_size > MOST_LOG_BYTES:
        instance.log_file.replace(instance.log_file.with_suffix(".old"))
    words = [f"{name}={handle}" for name, handle in handles.items()]
    with instance.log_file.open("ab") as log:
        before = log.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "localcloud.daemon", instance.name, *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=list(handles.values()),
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not _answers(settings):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            said = instance.log_file.read_bytes()[before:].decode(errors="replace").strip().splitlines()
            last = said[-1].removeprefix("localcloud: ") if said else "it said nothing"
            raise InstanceError(
                f"the daemon of {instance.name} did not come up: {last} (log: {instance.log_file})"
            )
        time.sleep(0.05)


def _answers(settings: Settings) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, settings.ports.api, timeout=1)
    try:
        connection.request("GET", "/v2/account", headers={"Authorization": f"Bearer {settings.token}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
