"""A domain's records."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from fastapi import APIRouter, Request

from localcloud.api.answers import paged
from localcloud.api.bodies import Body
from localcloud.cloud import Cloud
from localcloud.errors import not_found, refused
from localcloud.state import DnsRecord, Domain, State

NAMESERVERS = ("ns1.digitalocean.com", "ns2.digitalocean.com", "ns3.digitalocean.com")
TYPES = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "SRV", "TXT")
HOSTS = ("CNAME", "MX", "NS", "SRV")
LABEL = re.compile(r"(\*|[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
LEAST_TTL, MOST_TTL = 30, 2**31 - 1
NEEDED = {"MX": ("priority",), "SRV": ("priority", "port", "weight"), "CAA": ("flags", "tag")}


class RecordBody(Body):
    """A record, whole or in part."""

    type: str | None = None
    name: str | None = None
    data: str | None = None
    priority: int | None = None
    port: int | None = None
    ttl: int | None = None
    weight: int | None = None
    flags: int | None = None
    tag: str | None = None


def routes(cloud: Cloud) -> APIRouter:
    """The routes under /v2/domains/{domain}/records."""
    router = APIRouter(prefix="/v2/domains/{domain}/records")

    @router.get("")
    def list_records(request: Request, domain: str, name: str = "", type: str = "") -> dict[str, Any]:
        with cloud.store.read() as state:
            zone = find_zone(state, domain)
            found = [
                record.model_dump()
                for record in zone.records.values()
                if type.upper() in ("", record.type) and (not name or name.lower() == full_name(zone, record))
            ]
        return paged(request, "domain_records", found)

    @router.post("", status_code=201)
    def make(domain: str, body: RecordBody) -> dict[str, Any]:
        with cloud.store.change() as state:
            zone = find_zone(state, domain)
            type = (body.type or "").upper()
            if type not in TYPES:
                raise refused(f"Type {body.type!r} is not one of {', '.join(TYPES)}")
            record = DnsRecord(id=0, type=type, name="", data="", ttl=zone.ttl)
            if body.name is None:
                raise refused("Name can't be blank")
            fill(zone, record, body)
            record.id = state.take_id()
            zone.records[record.id] = record
            zone.serial += 1
            return {"domain_record": record.model_dump()}

    @router.get("/{id}")
    def get_record(domain: str, id: int) -> dict[str, Any]:
        with cloud.store.read() as state:
            return {"domain_record": find(find_zone(state, domain), id).model_dump()}

    @router.put("/{id}")
    @router.patch("/{id}")
    def change(domain: str, id: int, body: RecordBody) -> dict[str, Any]:
        with cloud.store.change() as state:
            zone = find_zone(state, domain)
            record = find(zone, id)
            if record.type == "SOA":
                check_ttl(body.ttl)
                record.ttl = body.ttl or record.ttl
            else:
                fill(zone, record, body)
            zone.serial += 1
            return {"domain_record": record.model_dump()}

    @router.delete("/{id}", status_code=204)
    def remove(domain: str, id: int) -> None:
        with cloud.store.change() as state:
            zone = find_zone(state, domain)
            if find(zone, id).type == "SOA":
                raise refused("The SOA record of a domain can not be deleted")
            del zone.records[id]
            zone.serial += 1

    return router


def find_zone(state: State, name: str) -> Domain:
    """The domain of a name. Raises ApiError where there is none."""
    if name.lower() not in state.domains:
        raise not_found()
    return state.domains[name.lower()]


def find(zone: Domain, id: int) -> DnsRecord:
    """The record of an id. Raises ApiError where there is none."""
    if id not in zone.records:
        raise not_found()
    return zone.records[id]


def full_name(zone: Domain, record: DnsRecord) -> str:
    """A record's name with its domain."""
    return zone.name if record.name == "@" else f"{record.name}.{zone.name}"


def add(state: State, zone: Domain, type: str, name: str, data: str) -> None:
    """Put a record into a zone as it is, such as those every zone begins with."""
    record = DnsRecord(id=state.take_id(), type=type, name=name, data=data, ttl=zone.ttl)
    zone.records[record.id] = record


def fill(zone: Domain, record: DnsRecord, body: RecordBody) -> None:
    """Give a record what a body says. Raises ApiError."""
    if body.name is not None:
        record.name = relative(zone, body.name)
    if body.data is not None or not record.data or record.type in HOSTS:
        record.data = read_data(zone, record.type, body)
    for field in ("priority", "port", "weight", "flags", "tag"):
        value = getattr(body, field)
        if value is not None and field in NEEDED.get(record.type, ()):
            setattr(record, field, value)
    for field in NEEDED.get(record.type, ()):
        if getattr(record, field) is None:
            raise refused(f"{field.capitalize()} can't be blank")
    check_ttl(body.ttl)
    record.ttl = body.ttl or record.ttl
    neighbours = [
        other for other in zone.records.values() if other is not record and other.name == record.name
    ]
    if any(record.type == "CNAME" or other.type == "CNAME" for other in neighbours):
        raise refused("CNAME records cannot share a name with other records")


def relative(zone: Domain, name: str) -> str:
    """A record's name relative to its zone, "@" for the zone itself. Raises ApiError."""
    name = name.lower()
    if name in ("@", zone.name, f"{zone.name}."):
        return "@"
    name = name.removesuffix(".").removesuffix(f".{zone.name}")
    if not name:
        raise refused("Name can't be blank")
    if not LABEL.fullmatch(name) or len(f"{name}.{zone.name}") > 253:
        raise refused(f"Name {name!r} is not valid")
    return name


def read_data(zone: Domain, type: str, body: RecordBody) -> str:
    """A record's data as it is kept: without the dot at the end. Raises ApiError."""
    data = body.data or ""
    host = type in HOSTS or (type == "CAA" and (body.tag or "") != "iodef")
    if host and data != "@" and not data.endswith("."):
        raise refused("Data needs to end with a dot (.)")
    if not data.strip():
        raise refused("Data can't be blank")
    if type in ("A", "AAAA"):
        check_address(type, data)
    if host:
        return zone.name if data == "@" else data.removesuffix(".").lower()
    return data


def check_address(type: str, data: str) -> None:
    """Raises ApiError for what is no address of the record type's kind."""
    try:
        IPv4Address(data) if type == "A" else IPv6Address(data)
    except ValueError as error:
        example = "IPv4 format (e.g. 127.0.0.1)" if type == "A" else "IPv6 format (e.g. 2001:db8::1)"
        raise refused(f"IP address did not match {example}.") from error


def check_ttl(ttl: int | None) -> None:
    """Raises ApiError for a time to live that cannot be."""
    if ttl is not None and not LEAST_TTL <= ttl <= MOST_TTL:
        raise refused(f"TTL must be between {LEAST_TTL} and {MOST_TTL}")
