"""What a reset leaves on this machine: nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from localcloud.engine import connect
from localcloud.machine_types import PUBLIC_NETWORK
from localcloud.machines import Machines
from localcloud.networks import bridge_name
from tests.localcloud.machines.lab import Lab, permit, walls


def test_a_reset_removes_every_container_network_interface_and_file_of_the_instance(
    lab: Lab, tmp_path: Path
) -> None:
    # The other instance under test keeps the engine alive, so that it can be asked afterwards.
    name = f"machines-reset-{os.getpid()}"
    machines = Machines(name, tmp_path)
    own = {bridge_name(name, network) for network in (PUBLIC_NETWORK, "left", "right")}
    try:
        other = Lab(machines, name, tmp_path)
        other.create(other.spec(1))
        machines.set_firewall(1, walls([permit("tcp", 22)], []))
        machines.add_public_address(1, f"{other.prefix}.200")
        assert own <= _links()
    finally:
        machines.reset()
    client = connect(lab.machines.docker_host)
    assert client.api.containers(all=True, filters={"label": f"seatrial.cloud={name}"}) == []
    assert client.api.networks(filters={"label": f"seatrial.cloud={name}"}) == []
    assert not own & _links()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert lab.machines.status(1) == "active"
    machines.reset()


def _links() -> set[str]:
    listing = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    return {line.split(": ")[1].partition("@")[0] for line in listing.splitlines()}
