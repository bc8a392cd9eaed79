"""The two containers a droplet is made of: how they are created. Docker's options stand here alone.

The net container owns the droplet's network for as long as the droplet exists and holds NET_ADMIN;
the droplet container runs the system in that network without it. So addresses and firewall survive
power cycles, and nothing that runs on the droplet can change them.
"""

from __future__ import annotations

import os
from typing import Any

import docker
from docker.types import EndpointConfig, LogConfig, NetworkingConfig

from localcloud import kernel
from localcloud.engine import LABEL
from localcloud.machine_types import MachineSpec

DROPLET_LABEL = "seatrial.droplet"
PART_LABEL = "seatrial.part"
POWER_OFF_SIGNAL = "SIGRTMIN+3"
"""What systemd takes as: power off, in order."""

_LOGS = LogConfig(type="json-file", config={"max-size": "1m", "max-file": "1"})
_BOOT = "; ".join(
    (
        # Docker lays its own files over these three; under them are ordinary ones, as a droplet has them.
        "umount /etc/hostname /etc/hosts /etc/resolv.conf",
        # The machine's kernel is not the droplet's to set; its own network's settings are.
        "mount --bind /proc/sys /proc/sys",
        "mount --bind /proc/sys/net /proc/sys/net",
        "mount -o remount,bind,ro /proc/sys",
        # Docker turns IPv6 off where a network has none; a droplet has ::1 all the same.
        "echo 0 > /proc/sys/net/ipv6/conf/lo/disable_ipv6",
        # With cgroup v2 Docker gives the container's own part of the tree, but to read only.
        "test ! -e /sys/fs/cgroup/cgroup.controllers || mount -o remount,rw,bind /sys/fs/cgroup",
        "exec /lib/systemd/systemd",
    )
)


def create_net(
    client: docker.DockerClient,
    instance: str,
    name: str,
    image: str,
    spec: MachineSpec,
    public: str,
    private: str,
) -> None:
    """Creates, and does not start, the container that owns the network: eth0 on the Docker network
    `public`, eth1 on `private`, in this order because the first is attached first."""
    api = client.api
    container = api.create_container(
        image,
        ["/bin/sleep", "infinity"],
        name=name,
        hostname=spec.hostname,
        labels=_labels(instance, spec, "net"),
        stop_signal="SIGKILL",  # sleep has nothing to finish
        host_config=api.create_host_config(
            network_mode=public,
            cap_drop=["ALL"],
            cap_add=["NET_ADMIN", "NET_RAW"],
            security_opt=["no-new-privileges"],
            log_config=_LOGS,
            sysctls={
                # Docker's own default opens the low ports to every user.
                "net.ipv4.ip_unprivileged_port_start": "1024",
            },
        ),
        networking_config=NetworkingConfig(
            {public: EndpointConfig(api.api_version, ipv4_address=spec.public_address)}  # type: ignore[arg-type]
        ),
    )
    api.connect_container_to_network(container["Id"], private, ipv4_address=spec.private_address)


def create_droplet(
    client: docker.DockerClient, instance: str, name: str, net: str, image: str, spec: MachineSpec
) -> str:
    """Creates, and does not start, the container that runs the system; its id."""
    api = client.api
    options: dict[str, Any] = {
        "network_mode": f"container:{net}",
        "cap_add": ["ALL"],
        "cap_drop": kernel.dropped_capabilities(),
        "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
        "tmpfs": {"/run": "exec,mode=755", "/run/lock": ""},
        "shm_size": spec.memory_mb * 1024 * 1024 // 2,
        "log_config": _LOGS,
        "cgroupns": "private" if kernel.cgroup_v2_only() else "host",
        **limits(client, spec.hostname, spec.memory_mb, spec.vcpus),
    }
    if not kernel.cgroup_v2_only():
        options["binds"] = ["/sys/fs/cgroup:/sys/fs/cgroup:rw"]
    host_config = api.create_host_config(**options)
    # systempaths=unconfined: units with namespaces of their own cannot mount a /proc that is masked in part.
    host_config |= {"MaskedPaths": [], "ReadonlyPaths": []}
    container = api.create_container(
        image,
        ["/bin/sh", "-c", _BOOT],
        name=name,
        labels=_labels(instance, spec, "droplet"),
        environment={"container": "docker"},
        tty=True,
        stop_signal=POWER_OFF_SIGNAL,
        host_config=host_config,
    )
    return str(container["Id"])


def limits(client: docker.DockerClient, hostname: str, memory_mb: int, vcpus: int) -> dict[str, Any]:
    """The size of a droplet as Docker's options, as far as the kernel under the engine can hold it."""
    info = client.info()
    chosen: dict[str, Any] = {}
    if info.get("MemoryLimit"):
        chosen["mem_limit"] = memory_mb * 1024 * 1024
    if info.get("CPUSet"):
        chosen["cpuset_cpus"] = kernel.processors(hostname, vcpus)
    return chosen


def _labels(instance: str, spec: MachineSpec, part: str) -> dict[str, str]:
    return {LABEL: instance, DROPLET_LABEL: str(spec.id), PART_LABEL: part}


def missing_limits(client: docker.DockerClient) -> list[str]:
    """What the kernel under the engine cannot hold a droplet to."""
    info = client.info()
    return [word for word, key in (("memory", "MemoryLimit"), ("processors", "CPUSet")) if not info.get(key)]


def all_processors() -> str:
    """Every processor of this machine, as a cpuset: an update with an empty one changes nothing."""
    return ",".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0)))
