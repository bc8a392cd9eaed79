"""More than one local cloud on a machine: they keep out of each other's way."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from localcloud.machines import Machines


def test_clouds_that_start_at_the_same_moment_have_networks_of_their_own(tmp_path: Path) -> None:
    clouds = [Machines(f"t-several-{os.getpid()}-{number}", tmp_path / str(number)) for number in range(3)]
    together = Barrier(len(clouds))

    def start(cloud: Machines) -> str:
        assert cloud.docker_host
        together.wait(60)
        return cloud.ensure_public_network()

    try:
        with ThreadPoolExecutor(len(clouds)) as pool:
            ranges = list(pool.map(start, clouds))
    finally:
        for cloud in clouds:
            cloud.reset()
    assert len(set(ranges)) == len(clouds)
