"""One droplet for each Debian release, provisioned once; it is gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from localcloud.engine import cache_dir
from localcloud.images import RELEASES
from localcloud.machines import Machines
from provisioning.bundle import Bundle
from tests.roles.content import bundle
from tests.roles.host import Host, Result

_ALWAYS = "debian-13-x64"


@dataclass(frozen=True)
class Provisioned:
    """A droplet, the bundle put on it, and what its first application said."""

    host: Host
    bundle: Bundle
    first: Result


@pytest.fixture(scope="session", params=sorted(RELEASES, reverse=True))
def provisioned(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Provisioned]:
    """A fresh droplet after one application of all roles."""
    image = request.param
    if image != _ALWAYS and not any((cache_dir() / "images").glob(f"{image}-*.tar")):
        pytest.skip(f"the image {image} was not made yet: a droplet with it makes it")
    folder = tmp_path_factory.mktemp(image)
    machines = Machines(f"roles-{os.getpid()}", folder / "state")
    try:
        host = Host(machines, image)
        rendered = bundle()
        yield Provisioned(host, rendered, host.apply(rendered))
    finally:
        machines.reset()


@pytest.fixture
def host(provisioned: Provisioned) -> Host:
    """The droplet with its roles applied."""
    assert provisioned.first.status == 0, provisioned.first.err
    return provisioned.host
