"""Domains: the zones that the cloud's DNS server is the authority for."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request

from localcloud.api.answers import paged
from localcloud.api.bodies import Body
from localcloud.api.dns_records import NAMESERVERS, add, check_address
from localcloud.cloud import Cloud
from localcloud.errors import not_found, refused
from localcloud.state import Assignment, Domain, State
from localcloud.zones import zone_file

NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class NewDomain(Body):
    """A domain to serve, with the address of its apex where there is one already."""

    name: str
    ip_address: str | None = None


def routes(cloud: Cloud) -> APIRouter:
    """The routes under /v2/domains, but for records."""
    router = APIRouter(prefix="/v2/domains")

    @router.get("")
    def list_domains(request: Request) -> dict[str, Any]:
        with cloud.store.read() as state:
            return paged(request, "domains", [describe(domain) for domain in state.domains.values()])

    @router.post("", status_code=201)
    def make(body: NewDomain) -> dict[str, Any]:
        name = body.name.lower().removesuffix(".")
        if not NAME.fullmatch(name):
            raise refused(f"{body.name!r} is not a valid domain name")
        with cloud.store.change() as state:
            if name in state.domains:
                raise refused(f"domain '{name}': name already exists")
            domain = Domain(name=name)
            state.domains[name] = domain
            state.urns[f"do:domain:{name}"] = Assignment(project_id=state.default_project().id)
            add(state, domain, "SOA", "@", "1800")
            for nameserver in NAMESERVERS:
                add(state, domain, "NS", "@", nameserver)
            if body.ip_address:
                check_address("A", body.ip_address)
                add(state, domain, "A", "@", body.ip_address)
            # Right after it is made, the real API has no zone file yet either.
            return {"domain": describe(domain) | {"zone_file": None}}

    @router.get("/{name}")
    def get_domain(name: str) -> dict[str, Any]:
        with cloud.store.read() as state:
            return {"domain": describe(find(state, name))}

    @router.delete("/{name}", status_code=204)
    def remove(name: str) -> None:
        with cloud.store.change() as state:
            del state.domains[find(state, name).name]
            state.urns.pop(f"do:domain:{name}", None)

    return router


def describe(domain: Domain) -> dict[str, Any]:
    """A domain as the API answers it."""
    return {"name": domain.name, "ttl": domain.ttl, "zone_file": zone_file(domain)}


def find(state: State, name: str) -> Domain:
    """The domain of a name. Raises ApiError where there is none."""
    if name.lower() not in state.domains:
        raise not_found()
    return state.domains[name.lower()]
