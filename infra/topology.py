"""Which hosts a site has, what each is for, and who may reach what. Pure: from the settings alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.settings import Settings
from infra.settings.logs import OWN

EDGE, APP, DATA, LOG = "edge", "app", "data", "log"
SYSLOG_PORT = 6514
_WELL = 8405
"""Where an edge tells the other one whether it is well (provisioning/roles/edge)."""


@dataclass(frozen=True, kw_only=True)
class PlannedHost:
    """One host to be.

    `name` is its name in the stack, `group` what it is tagged and guarded as (empty: as every host of the
    stack), `roles` what it does, in the order of application; `keeps_data` whether something is lost with it.
    """

    name: str
    group: str
    roles: tuple[str, ...]
    size: str
    keeps_data: bool


@dataclass(frozen=True, kw_only=True)
class Opening:
    """TCP ports of a group's hosts (empty: of all) that another group may reach (empty: everyone)."""

    to: str
    ports: tuple[int, ...]
    source: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The hosts of a site, and what is open between them and to the world."""

    hosts: tuple[PlannedHost, ...]
    openings: tuple[Opening, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that have a tag of their own, in order."""
        return tuple(dict.fromkeys(host.group for host in self.hosts if host.group))

    @property
    def entry(self) -> PlannedHost:
        """The host that the site's names lead to."""
        return next((host for host in self.hosts if EDGE in host.roles), self.app_hosts[0])

    @property
    def shares_address(self) -> bool:
        """Whether the site's address goes from one edge to the other, as they see fit."""
        return sum(EDGE in host.roles for host in self.hosts) > 1

    @property
    def app_hosts(self) -> tuple[PlannedHost, ...]:
        """The hosts that run the site, in the order they are released on."""
        return tuple(host for host in self.hosts if "app" in host.roles)


def plan(settings: Settings) -> Plan:
    """The hosts that the settings ask for."""
    return _balanced(settings) if settings.topology == "balanced" else _single(settings)


def _single(settings: Settings) -> Plan:
    web = PlannedHost(
        name="web",
        group="",
        roles=("base", *_services(settings), "app", *_sender(settings)),
        size=settings.droplet_size,
        keeps_data=True,
    )
    return Plan(hosts=(web,), openings=(Opening(to="", ports=(80, 443), source=""),))


def _balanced(settings: Settings) -> Plan:
    services, sender = _services(settings), _sender(settings)
    edges = [
        _host(EDGE, number, [*_edge_roles(settings), *sender], settings.edge_size or settings.droplet_size)
        for number in range(1, settings.edges + 1)
    ]
    apps = [
        _host(APP, number, ["app", *sender], settings.app_size or settings.droplet_size)
        for number in range(1, settings.app_hosts + 1)
    ]
    data = _host(DATA, 1, [*services, *sender], settings.data_size or settings.droplet_size)
    logs = _logs(settings)
    ports = {"database": 5432, "cache": 6379}
    return Plan(
        hosts=(*edges, *apps, data, *logs),
        openings=(
            Opening(to=EDGE, ports=(80, 443), source=""),
            # Also with one edge: one that is about to go must not take the other for gone.
            Opening(to=EDGE, ports=(_WELL,), source=EDGE),
            Opening(to=APP, ports=(80,), source=EDGE),
            Opening(to=DATA, ports=tuple(ports[service] for service in services), source=APP),
            *(Opening(to=LOG, ports=(SYSLOG_PORT,), source=group) for group in (EDGE, APP, DATA) if logs),
        ),
    )


def _host(group: str, number: int, roles: Sequence[str], size: str) -> PlannedHost:
    name = f"{group}-{number}"
    keeps_data = group in (DATA, LOG)
    return PlannedHost(name=name, group=group, roles=("base", *roles), size=size, keeps_data=keeps_data)


def _edge_roles(settings: Settings) -> list[str]:
    return ["edge", "failover"] if settings.edges > 1 else ["edge"]


def _services(settings: Settings) -> list[str]:
    wanted = {"database": settings.database == "postgres", "cache": settings.cache == "redis"}
    return [service for service, is_wanted in wanted.items() if is_wanted]


def _sender(settings: Settings) -> list[str]:
    return ["sender"] if settings.syslog else []


def _logs(settings: Settings) -> list[PlannedHost]:
    own = settings.syslog == OWN
    return [_host(LOG, 1, ["syslog"], settings.syslog_size or settings.droplet_size)] if own else []
