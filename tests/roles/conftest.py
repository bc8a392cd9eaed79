"""For each Debian release one droplet, and the hosts of one site: provisioned once, gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from localcloud.engine import cache_dir
from localcloud.images import RELEASES
from provisioning.bundle import Bundle
from tests.roles.content import bundle
from tests.roles.fleet import Fleet
from tests.roles.host import Host, Result
from tests.support.machines import machines_for, own_name

_ALWAYS = "debian-13-x64"
_EVERYTHING = "TEST_EVERYTHING"


@dataclass(frozen=True)
class Provisioned:
    """A droplet, the bundle put on it, and what its first application said."""

    host: Host
    bundle: Bundle
    first: Result


@pytest.fixture(scope="session", params=sorted(RELEASES, reverse=True))
def image(request: pytest.FixtureRequest) -> str:
    """Each Debian release."""
    name = str(request.param)
    if name != _ALWAYS and not any((cache_dir() / "images").glob(f"{name}-*.tar")):
        pytest.skip(f"the image {name} was not made yet: a droplet with it makes it")
    return name


@pytest.fixture(scope="session")
def provisioned(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provisioned]:
    """A fresh droplet after one application of all roles."""
    with machines_for("roles", tmp_path_factory.mktemp(image)) as machines:
        host = Host(own_name("roles"), machines, image)
        rendered = bundle()
        yield Provisioned(host, rendered, host.apply(rendered))


@pytest.fixture(scope="session")
def fleet_image(image: str) -> str:
    """The Debian release of several hosts: the usual one, or each where everything is tested."""
    if image != _ALWAYS and not os.environ.get(_EVERYTHING):
        pytest.skip(f"takes minutes: {_EVERYTHING}=1 has it done with {image} too")
    return image


@pytest.fixture(scope="session")
def provisioned_fleet(fleet_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Fresh droplets of one site, after one application of the edge's and the data host's roles."""
    with machines_for("fleet", tmp_path_factory.mktemp(f"fleet-{fleet_image}")) as machines:
        yield Fleet(own_name("fleet"), machines, fleet_image)


@pytest.fixture
def fleet(provisioned_fleet: Fleet) -> Fleet:
    """The hosts with their roles applied."""
    for said in provisioned_fleet.applied.values():
        assert said.status == 0, said.err
    return provisioned_fleet


@pytest.fixture
def host(provisioned: Provisioned) -> Host:
    """The droplet with its roles applied."""
    assert provisioned.first.status == 0, provisioned.first.err
    return provisioned.host
