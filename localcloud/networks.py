"""The networks of an instance: Docker bridges with ranges of their own."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import subprocess
import time
from collections.abc import Iterable

import docker
from docker.errors import APIError, NotFound

from localcloud.engine import LABEL
from localcloud.machine_types import MachineError

NETWORK_LABEL = "seatrial.network"
_PUBLIC = ipaddress.IPv4Network("198.18.0.0/16")


def docker_name(instance: str, name: str) -> str:
    """What the instance's network is called in Docker."""
    return f"{instance}-{name}"


def bridge_name(instance: str, name: str) -> str:
    """The network's interface on this machine. Linux allows it 15 characters."""
    return "st-" + hashlib.sha256(docker_name(instance, name).encode()).hexdigest()[:8]


def ensure(client: docker.DockerClient, instance: str, name: str, cidr: str, *, internal: bool) -> None:
    """Makes the network where it is missing; the gateway is the range's first address.

    Raises:
        MachineError: the range is no range or taken, or the network is there with another one.
    """
    try:
        wanted = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise MachineError(f"network {name}: {cidr} is no IPv4 range such as 10.116.0.0/20") from error
    found = client.api.networks(names=[docker_name(instance, name)])
    for network in found:
        if network["Name"] == docker_name(instance, name):
            has = [entry["Subnet"] for entry in network["IPAM"]["Config"] or []]
            if has != [cidr]:
                raise MachineError(f"network {name} has the range {', '.join(has)} already, not {cidr}")
            return
    try:
        client.api.create_network(
            docker_name(instance, name),
            driver="bridge",
            internal=internal,
            ipam=docker.types.IPAMConfig(
                pool_configs=[docker.types.IPAMPool(subnet=cidr, gateway=str(wanted.network_address + 1))]
            ),
            labels={LABEL: instance, NETWORK_LABEL: name},
            options={"com.docker.network.bridge.name": bridge_name(instance, name)},
            check_duplicate=True,
        )
    except APIError as error:
        raise MachineError(f"network {name} with {cidr} could not be made: {error.explanation}") from error


def remove(client: docker.DockerClient, instance: str, name: str) -> None:
    """Removes the network, if there is one."""
    for network in client.api.networks(names=[docker_name(instance, name)]):
        if network["Name"] == docker_name(instance, name):
            remove_by_id(client, network["Id"])


def remove_by_id(client: docker.DockerClient, id: str) -> None:
    """Removes a network; an engine that still writes down a container's leaving is asked again."""
    for patience in (0.2, 0.5, 1.0, None):
        try:
            client.api.remove_network(id)
        except NotFound:
            return
        except APIError:
            if patience is None:
                raise
            time.sleep(patience)
        else:
            return


def cidr_of(client: docker.DockerClient, instance: str, name: str) -> str | None:
    """The range of the instance's network, None where there is none."""
    for network in client.api.networks(names=[docker_name(instance, name)]):
        if network["Name"] == docker_name(instance, name):
            return str(network["IPAM"]["Config"][0]["Subnet"])
    return None


def taken(client: docker.DockerClient) -> list[ipaddress.IPv4Network]:
    """Every IPv4 range that this machine routes or the engine has given away; not the default route."""
    ranges: set[ipaddress.IPv4Network] = set()
    for network in client.api.networks():
        for entry in network["IPAM"]["Config"] or []:
            ranges.update(_ranges([entry.get("Subnet", "")]))
    listing = subprocess.run(["ip", "-j", "-4", "route"], capture_output=True, text=True, check=False).stdout
    ranges.update(_ranges(route.get("dst", "") for route in json.loads(listing or "[]")))
    return sorted(network for network in ranges if network.prefixlen > 0)


def free_public(instance_is_default: bool, used: Iterable[ipaddress.IPv4Network]) -> str:
    """The range for an instance's public addresses: the first for the default instance, else the first free.

    Raises:
        MachineError: none is left.
    """
    used = list(used)
    candidates: list[ipaddress.IPv4Network] = list(_PUBLIC.subnets(new_prefix=24))
    for candidate in candidates if instance_is_default else candidates[1:]:
        if not any(candidate.overlaps(other) for other in used):
            return str(candidate)
    raise MachineError(f"no range for public addresses is free in {_PUBLIC}: reset local clouds not in use")


def _ranges(texts: Iterable[str]) -> list[ipaddress.IPv4Network]:
    found = []
    for text in texts:
        try:
            found.append(ipaddress.IPv4Network(text))
        except ValueError:
            continue  # "default", or IPv6
    return found
