"""Cloud firewalls: their rules, and the droplets and tags they are put on."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from localcloud.api.answers import paged
from localcloud.api.bodies import Body, Listed
from localcloud.cloud import Cloud
from localcloud.errors import ApiError, not_found, refused
from localcloud.permissions import applies, port_range
from localcloud.state import Firewall, FirewallRule, Peers, State

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.-]+")
MOST_RULES, MOST_DROPLETS, MOST_TAGS, MOST_PEERS = 50, 10, 5, 1000


class PeersBody(Body):
    """Who a rule is about."""

    addresses: Listed[str] = Field(default_factory=list)
    droplet_ids: Listed[int] = Field(default_factory=list)
    tags: Listed[str] = Field(default_factory=list)
    load_balancer_uids: Listed[str] = Field(default_factory=list)
    kubernetes_ids: Listed[str] = Field(default_factory=list)


class RuleBody(Body):
    """One rule; inbound ones have sources, outbound ones destinations."""

    protocol: Literal["tcp", "udp", "icmp"]
    ports: str | None = None
    sources: Any = None
    destinations: Any = None


class Rules(Body):
    """Rules to add or to take away."""

    inbound_rules: Listed[RuleBody] = Field(default_factory=list)
    outbound_rules: Listed[RuleBody] = Field(default_factory=list)


class Droplets(Body):
    """Droplets to put a firewall on, or to take it from."""

    droplet_ids: list[int]


class Tags(Body):
    """Tags to put a firewall on, or to take it from."""

    tags: list[str]


class FirewallBody(Rules):
    """A firewall, whole."""

    name: str
    droplet_ids: Listed[int] = Field(default_factory=list)
    tags: Listed[str] = Field(default_factory=list)


def routes(cloud: Cloud) -> APIRouter:
    """The routes under /v2/firewalls."""
    router = APIRouter(prefix="/v2/firewalls")

    def changed(id: str, change: Callable[[State, Firewall], None]) -> None:
        with cloud.store.change() as state:
            firewall = find(state, id)
            change(state, firewall)
            check(state, firewall)
        cloud.enforcer.apply()

    @router.get("")
    def list_firewalls(request: Request) -> dict[str, Any]:
        with cloud.store.read() as state:
            return paged(request, "firewalls", [describe(state, each) for each in state.firewalls.values()])

    @router.post("", status_code=202)
    def make(body: FirewallBody) -> dict[str, Any]:
        firewall = Firewall(name=body.name)
        with cloud.store.change() as state:
            fill(state, firewall, body)
            state.firewalls[firewall.id] = firewall
        cloud.enforcer.apply()
        with cloud.store.read() as state:
            return {"firewall": describe(state, firewall)}

    @router.get("/{id}")
    def get_firewall(id: str) -> dict[str, Any]:
        with cloud.store.read() as state:
            return {"firewall": describe(state, find(state, id))}

    @router.put("/{id}")
    def replace(id: str, body: FirewallBody) -> dict[str, Any]:
        changed(id, lambda state, firewall: fill(state, firewall, body))
        return get_firewall(id)

    @router.delete("/{id}", status_code=204)
    def remove(id: str) -> None:
        with cloud.store.change() as state:
            del state.firewalls[find(state, id).id]
        cloud.enforcer.apply()

    @router.post("/{id}/droplets", status_code=204)
    def add_droplets(id: str, body: Droplets) -> None:
        def add(_: State, firewall: Firewall) -> None:
            firewall.droplet_ids = list(dict.fromkeys(firewall.droplet_ids + body.droplet_ids))

        changed(id, add)

    @router.delete("/{id}/droplets", status_code=204)
    def remove_droplets(id: str, body: Droplets) -> None:
        def take(_: State, firewall: Firewall) -> None:
            firewall.droplet_ids = [id for id in firewall.droplet_ids if id not in body.droplet_ids]

        changed(id, take)

    @router.post("/{id}/tags", status_code=204)
    def add_tags(id: str, body: Tags) -> None:
        def add(_: State, firewall: Firewall) -> None:
            firewall.tags = list(dict.fromkeys(firewall.tags + body.tags))

        changed(id, add)

    @router.delete("/{id}/tags", status_code=204)
    def remove_tags(id: str, body: Tags) -> None:
        def take(_: State, firewall: Firewall) -> None:
            firewall.tags = [tag for tag in firewall.tags if tag not in body.tags]

        changed(id, take)

    @router.post("/{id}/rules", status_code=204)
    def add_rules(id: str, body: Rules) -> None:
        def add(_: State, firewall: Firewall) -> None:
            firewall.inbound += [read_rule(rule, "sources") for rule in body.inbound_rules]
            firewall.outbound += [read_rule(rule, "destinations") for rule in body.outbound_rules]

        changed(id, add)

    @router.delete("/{id}/rules", status_code=204)
    def remove_rules(id: str, body: Rules) -> None:
        def take(_: State, firewall: Firewall) -> None:
            inbound = [read_rule(rule, "sources") for rule in body.inbound_rules]
            outbound = [read_rule(rule, "destinations") for rule in body.outbound_rules]
            firewall.inbound = [rule for rule in firewall.inbound if rule not in inbound]
            firewall.outbound = [rule for rule in firewall.outbound if rule not in outbound]

        changed(id, take)

    return router


def describe(state: State, firewall: Firewall) -> dict[str, Any]:
    """A firewall as the API answers it; droplets still being made are its pending changes."""
    waiting = [
        {"droplet_id": droplet.id, "removing": False, "status": "waiting"}
        for droplet in state.live_droplets()
        if droplet.status == "new" and applies(firewall, droplet)
    ]
    return {
        "id": firewall.id,
        "name": firewall.name,
        "status": "waiting" if waiting else "succeeded",
        "created_at": firewall.created_at,
        "pending_changes": waiting,
        "inbound_rules": [describe_rule(rule, "sources") for rule in firewall.inbound],
        "outbound_rules": [describe_rule(rule, "destinations") for rule in firewall.outbound],
        "droplet_ids": firewall.droplet_ids,
        "tags": firewall.tags,
    }


def describe_rule(rule: FirewallRule, side: Literal["sources", "destinations"]) -> dict[str, Any]:
    """A rule as the API answers it: lists that are empty are left out, the peers never are."""
    peers = {name: value for name, value in rule.peers.model_dump().items() if value}
    return {"protocol": rule.protocol, "ports": rule.ports, side: peers}


def find(state: State, id: str) -> Firewall:
    """The firewall of an id. Raises ApiError where there is none."""
    if id not in state.firewalls:
        raise not_found()
    return state.firewalls[id]


def fill(state: State, firewall: Firewall, body: FirewallBody) -> None:
    """Give a firewall everything a body says. Raises ApiError."""
    firewall.name = body.name
    firewall.inbound = [read_rule(rule, "sources") for rule in body.inbound_rules]
    firewall.outbound = [read_rule(rule, "destinations") for rule in body.outbound_rules]
    firewall.droplet_ids = list(dict.fromkeys(body.droplet_ids))
    firewall.tags = list(dict.fromkeys(body.tags))
    check(state, firewall)


def read_rule(body: RuleBody, side: Literal["sources", "destinations"]) -> FirewallRule:
    """A rule as it is kept. Raises ApiError."""
    given = body.sources if side == "sources" else body.destinations
    if given is not None and not isinstance(given, dict):
        raise refused(f"You specified an invalid type for one of the {side}.")
    peers = PeersBody.model_validate(given or {})
    for address in peers.addresses:
        try:
            ip_network(address, strict=False)
        except ValueError as error:
            raise refused(f"invalid address {address!r} in the {side} of a rule") from error
    if sum(map(len, peers.model_dump().values())) > MOST_PEERS:
        raise refused(f"a rule can have at most {MOST_PEERS} {side}")
    return FirewallRule(
        protocol=body.protocol, ports=read_ports(body), peers=Peers.model_validate(peers.model_dump())
    )


def read_ports(body: RuleBody) -> str:
    """Ports as the API keeps them: "0" for all and for icmp, else as they were sent."""
    if body.protocol == "icmp":
        return "0"
    if not body.ports:
        raise refused("You must specify a positive value for ports.")
    if body.ports == "all":
        return "0"
    try:
        port_range(body.ports)
    except ValueError as error:
        raise refused("you must specify a valid range for ports") from error
    return body.ports


def check(state: State, firewall: Firewall) -> None:
    """Raises ApiError for a firewall that cannot be."""
    if not NAME.fullmatch(firewall.name):
        raise refused(
            "name must be two or more letters, numbers, dashes and periods, the first a letter or number"
        )
    if any(other.name == firewall.name and other.id != firewall.id for other in state.firewalls.values()):
        raise ApiError(409, "duplicate name")
    rules = (*firewall.inbound, *firewall.outbound)
    if not rules:
        raise refused("a firewall needs at least one rule")
    for what, count, most in (
        ("rules", len(rules), MOST_RULES),
        ("droplets", len(firewall.droplet_ids), MOST_DROPLETS),
        ("tags", len(firewall.tags), MOST_TAGS),
    ):
        if count > most:
            raise refused(f"a firewall can have at most {most} {what}")
    named = [*firewall.droplet_ids, *(id for rule in rules for id in rule.peers.droplet_ids)]
    unknown = sorted({id for id in named if state.droplet(id) is None})
    if unknown:
        raise refused(f"droplet {unknown[0]} does not exist")
    for tag in (*firewall.tags, *(tag for rule in rules for tag in rule.peers.tags)):
        if tag not in state.tags:
            raise refused(f"invalid address: there is no tag {tag}")
