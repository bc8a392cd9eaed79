"""What is done in the container that owns a droplet's network: firewall and extra addresses."""

from __future__ import annotations

import docker

from localcloud.files import File, pack
from localcloud.firewall_rules import render
from localcloud.machine_types import Firewall, MachineError

_RULES = "/run/seatrial.nft"
_PLUG = "inet seatrial_plug"

# Tells the network, by a gratuitous ARP request, that the address given as the argument is here now.
_ANNOUNCE = """
import fcntl, socket, struct, sys
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))
own = fcntl.ioctl(link.fileno(), 0x8927, struct.pack("256s", b"eth0"))[18:24]
address = socket.inet_aton(sys.argv[1])
everyone = b"\\xff" * 6
request = struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1)
link.send(everyone + own + request + own + address + everyone + address)
"""


def apply_firewall(
    client: docker.DockerClient, name: str, firewall: Firewall | None, *, docker_resolver: bool
) -> None:
    """Puts the firewall in force in the container `name`, in one step.

    Raises:
        MachineError: a rule is no rule, or nft refused it.
    """
    try:
        text = render(firewall, docker_resolver=docker_resolver)
    except ValueError as error:
        raise MachineError(f"firewall for {name}: {error}") from error
    client.api.put_archive(name, "/", pack([File(_RULES, text.encode(), 0o600)]))
    _run(client, name, ["nft", "-f", _RULES])


def unplug(client: docker.DockerClient, name: str) -> None:
    """From now on nothing comes in or goes out, and nobody is told: so it is where a machine has no power."""
    chain = "chain {0} {{ type filter hook {0} priority raw; policy drop; }}\n".format
    _run(client, name, ["nft", f"table {_PLUG} {{\n{chain('prerouting')}{chain('output')}}}"])


def plug_in(client: docker.DockerClient, name: str) -> None:
    """Undoes `unplug`, if it was done."""
    # The first command makes sure that there is a table for the second to delete.
    _run(client, name, ["nft", f"table {_PLUG} {{ }}; delete table {_PLUG}"])


def add_address(client: docker.DockerClient, name: str, address: str) -> None:
    """Gives the container one more public address and tells its neighbours."""
    _run(client, name, ["ip", "address", "replace", f"{address}/32", "dev", "eth0"])
    _run(client, name, ["python3", "-c", _ANNOUNCE, address])


def remove_address(client: docker.DockerClient, name: str, address: str) -> None:
    """Takes an added address away, if it is there."""
    _run(client, name, ["ip", "address", "flush", "to", f"{address}/32", "dev", "eth0"])


def _run(client: docker.DockerClient, name: str, command: list[str]) -> None:
    api = client.api
    run = api.exec_create(name, command)
    output = api.exec_start(run["Id"])
    if api.exec_inspect(run["Id"])["ExitCode"] != 0:
        lines = output.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise MachineError(f"{name}: {command[0]} failed: {lines[0]}")
