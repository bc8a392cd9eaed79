"""What the cloud remembers: one model for each kind of thing, and `State` with all of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FIRST_ID = 100_001


def now() -> str:
    """The time as the API writes it, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_uuid() -> str:
    """An identifier of the kind VPCs, firewalls and projects have."""
    return str(uuid.uuid4())


class Record(BaseModel):
    """A thing in the state; an unknown field in a saved state is an error, not a loss."""

    model_config = ConfigDict(extra="forbid")


class Key(Record):
    """An SSH key of the account."""

    id: int
    name: str
    fingerprint: str
    public_key: str


class Droplet(Record):
    """A droplet. Memory is in MiB, disk in GiB; `deleting` ones are hidden and about to go."""

    id: int
    name: str
    region: str
    size: str
    image: str
    memory: int
    vcpus: int
    disk: int
    status: Literal["new", "active", "off"] = "new"
    locked: bool = True
    created_at: str = Field(default_factory=now)
    features: list[str] = []
    tags: list[str] = []
    vpc: str
    public_address: str
    private_address: str
    keys: list[str] = []
    user_data: str = ""
    deleting: bool = False


class Action(Record):
    """Something done to a resource; `parameters` let it be taken up again after a restart."""

    id: int
    type: str
    status: Literal["in-progress", "completed", "errored"] = "in-progress"
    started_at: str = Field(default_factory=now)
    completed_at: str | None = None
    resource_id: int | None
    resource_type: Literal["droplet", "reserved_ip"]
    region: str
    parameters: dict[str, Any] = {}


class Vpc(Record):
    """A private network of one region. `made` once machines were given a network for it."""

    id: str = Field(default_factory=new_uuid)
    name: str
    description: str = ""
    region: str
    ip_range: str
    default: bool = False
    created_at: str = Field(default_factory=now)
    made: bool = False


class Peers(Record):
    """Who a firewall rule is about."""

    addresses: list[str] = []
    droplet_ids: list[int] = []
    tags: list[str] = []
    load_balancer_uids: list[str] = []
    kubernetes_ids: list[str] = []


class FirewallRule(Record):
    """One rule; `ports` is "0" for all and for icmp, a number or a range "8000-9000"."""

    protocol: Literal["tcp", "udp", "icmp"]
    ports: str
    peers: Peers


class Firewall(Record):
    """A cloud firewall with the droplets and tags it is put on."""

    id: str = Field(default_factory=new_uuid)
    name: str
    created_at: str = Field(default_factory=now)
    inbound: list[FirewallRule] = []
    outbound: list[FirewallRule] = []
    droplet_ids: list[int] = []
    tags: list[str] = []


class DnsRecord(Record):
    """A record of a domain; `name` is relative to it, `data` has no trailing dot."""

    id: int
    type: str
    name: str
    data: str
    priority: int | None = None
    port: int | None = None
    ttl: int
    weight: int | None = None
    flags: int | None = None
    tag: str | None = None


class Domain(Record):
    """A zone this cloud is the authority for."""

    name: str
    ttl: int = 1800
    serial: int = 1
    records: dict[int, DnsRecord] = {}


class ReservedIp(Record):
    """A public address that outlives droplets."""

    ip: str
    region: str
    droplet_id: int | None = None
    project_id: str


class Project(Record):
    """A project of the account; which resources are in it stands in `State.urns`."""

    id: str = Field(default_factory=new_uuid)
    name: str
    description: str = ""
    purpose: str
    environment: str = ""
    is_default: bool = False
    created_at: str = Field(default_factory=now)
    updated_at: str = Field(default_factory=now)


class Assignment(Record):
    """Which project a resource is in, and since when."""

    project_id: str
    assigned_at: str = Field(default_factory=now)


class Failure(Record):
    """Something that went wrong behind an answer already given, for the operator's eyes."""

    at: str = Field(default_factory=now)
    what: str
    why: str


class State(Record):
    """Everything the cloud knows, as it is saved."""

    account_id: str = Field(default_factory=new_uuid)
    droplet_limit: int = 25
    next_id: int = FIRST_ID
    last_public_address: str = ""
    keys: dict[int, Key] = {}
    droplets: dict[int, Droplet] = {}
    actions: dict[int, Action] = {}
    tags: list[str] = []
    vpcs: dict[str, Vpc] = {}
    firewalls: dict[str, Firewall] = {}
    domains: dict[str, Domain] = {}
    reserved_ips: dict[str, ReservedIp] = {}
    projects: dict[str, Project] = {}
    urns: dict[str, Assignment] = {}
    failures: list[Failure] = []

    def take_id(self) -> int:
        """A number no other resource has or had."""
        self.next_id += 1
        return self.next_id - 1

    def live_droplets(self) -> Iterator[Droplet]:
        """The droplets that clients may see."""
        return (droplet for droplet in self.droplets.values() if not droplet.deleting)

    def droplet(self, id: int) -> Droplet | None:
        """A droplet that clients may see, by its id."""
        droplet = self.droplets.get(id)
        return None if droplet is None or droplet.deleting else droplet

    def tagged(self, tag: str) -> list[Droplet]:
        """The droplets with a tag."""
        return [droplet for droplet in self.live_droplets() if tag in droplet.tags]

    def pending(self, droplet_id: int) -> bool:
        """Whether something is being done to a droplet right now."""
        return any(
            action.resource_type == "droplet"
            and action.resource_id == droplet_id
            and action.status == "in-progress"
            for action in self.actions.values()
        )

    def default_project(self) -> Project:
        """The project that resources are in unless put in another; made when first asked for."""
        for project in self.projects.values():
            if project.is_default:
                return project
        project = Project(
            name="local",
            description="The first project",
            purpose="Just trying out",
            environment="Development",
            is_default=True,
        )
        self.projects[project.id] = project
        return project

    def fail(self, what: str, why: str) -> None:
        """Remember the last failures, newest at the end."""
        self.failures = [*self.failures[-19:], Failure(what=what, why=why)]
