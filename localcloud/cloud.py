"""One cloud: its state, its machines, and the parts that keep the two in step."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from localcloud.addresses import NothingFree, free_address, free_range, machine_routes
from localcloud.catalog import Catalog
from localcloud.enforcement import Enforcer
from localcloud.errors import refused
from localcloud.faults import Faults
from localcloud.fleet import Fleet
from localcloud.jobs import Jobs
from localcloud.state import State, Vpc
from localcloud.store import Store

PRIVATE_START = IPv4Network("10.116.0.0/16")
PUBLIC_SPACE = IPv4Network("198.18.0.0/15")
RATE_LIMIT_PER_HOUR = 5000


class Knobs(BaseModel):
    """What can be turned while the cloud runs. Times are in seconds."""

    model_config = ConfigDict(extra="forbid")

    action_delay: Annotated[float, Field(ge=0, le=600)] = 0.0
    vpc_member_lag: Annotated[float, Field(ge=0, le=600)] = 0.0
    requests_per_hour: Annotated[int, Field(ge=1)] | None = None


@dataclass
class Cloud:
    """What the API's routes work with.

    `number` tells several clouds on one machine apart: their addresses never overlap.
    """

    store: Store
    fleet: Fleet
    number: int = 0
    catalog: Catalog = field(default_factory=Catalog.load)
    faults: Faults = field(default_factory=Faults)
    knobs: Knobs = field(default_factory=Knobs)

    def __post_init__(self) -> None:
        self.enforcer = Enforcer(self.store, self.fleet)
        self.jobs = Jobs(
            store=self.store,
            fleet=self.fleet,
            enforcer=self.enforcer,
            faults=self.faults,
            delay=lambda: self.knobs.action_delay,
            public_network=str(self.public_network),
        )
        self._lingering: list[tuple[float, str, str]] = []

    @property
    def public_network(self) -> IPv4Network:
        """Where droplets' public addresses and reserved ones are from."""
        return public_network(self.number)

    def close(self) -> None:
        """Stop the work in the background; what is unfinished goes on at the next start."""
        self.jobs.close()

    def take_public_address(self, state: State) -> str:
        """A public address nobody has. Raises ApiError."""
        taken = {droplet.public_address for droplet in state.droplets.values()} | set(state.reserved_ips)
        try:
            state.last_public_address = free_address(self.public_network, taken, state.last_public_address)
        except NothingFree as error:
            raise refused(str(error)) from error
        return state.last_public_address

    def take_private_address(self, state: State, vpc: Vpc) -> str:
        """An address of a VPC nobody has. Raises ApiError."""
        taken = {droplet.private_address for droplet in state.droplets.values() if droplet.vpc == vpc.id}
        try:
            return free_address(IPv4Network(vpc.ip_range), taken)
        except NothingFree as error:
            raise refused(str(error)) from error

    def pick_range(self, state: State) -> str:
        """A range for a VPC that overlaps no other one, nor another network of this machine."""
        first = IPv4Network((int(PRIVATE_START.network_address) + self.number * 2**16, 20))
        taken = [IPv4Network(vpc.ip_range) for vpc in state.vpcs.values()] + machine_routes()
        try:
            return str(free_range(first, taken))
        except NothingFree as error:
            raise refused(str(error)) from error

    def vpc_network(self, state: State, id: str) -> IPv4Network:
        """The range of a VPC that has droplets."""
        return IPv4Network(state.vpcs[id].ip_range)

    def default_vpc(self, state: State, region: str) -> Vpc:
        """A region's default VPC, made when first needed."""
        for vpc in state.vpcs.values():
            if vpc.region == region and vpc.default:
                return vpc
        vpc = Vpc(name=f"default-{region}", region=region, ip_range=self.pick_range(state), default=True)
        state.vpcs[vpc.id] = vpc
        return vpc

    def linger(self, vpc_id: str, droplet_id: int) -> None:
        """Let a deleted droplet count as a VPC's member for a while, where the knob says so."""
        until = time.monotonic() + self.knobs.vpc_member_lag
        self._lingering = [entry for entry in self._lingering if entry[0] > time.monotonic()]
        if self.knobs.vpc_member_lag:
            self._lingering.append((until, vpc_id, f"do:droplet:{droplet_id}"))

    def lingering(self, vpc_id: str) -> list[str]:
        """The URNs of deleted members that a VPC still counts."""
        return [urn for until, vpc, urn in self._lingering if vpc == vpc_id and until > time.monotonic()]


def public_network(number: int) -> IPv4Network:
    """The public network of the cloud with a number, out of the range set aside for tests of networks."""
    return IPv4Network((int(PUBLIC_SPACE.network_address) + number * 256, 24))
