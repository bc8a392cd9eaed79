"""What the DNS answers: pure functions of the zones, with no socket in sight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localcloud.state import DnsRecord, Domain

CONTACT = "hostmaster"
REFRESH, RETRY, EXPIRE = 10800, 3600, 604800
LONGEST_CHAIN = 8


@dataclass(frozen=True)
class Found:
    """One record of an answer, its names whole and without the dot at the end; the TTL is in seconds."""

    name: str
    type: str
    data: str
    ttl: int
    record: DnsRecord | None = None


@dataclass(frozen=True)
class Answer:
    """An answer: `known` is false where no zone has the name, `refused` where no zone covers it."""

    records: tuple[Found, ...] = ()
    authority: tuple[Found, ...] = ()
    known: bool = True
    refused: bool = False


def answer(zones: Mapping[str, Domain], name: str, type: str) -> Answer:
    """What the zones say of a name (in lower case, no dot at the end) and a record type.

    A CNAME is followed as far as it stays within the zones.
    """
    chain: list[Found] = []
    zone = zone_of(zones, name)
    if zone is None:
        return Answer(refused=True)
    for _ in range(LONGEST_CHAIN):
        here = _at(zone, name)
        if here is None:
            return Answer(tuple(chain), (soa(zone),), known=False)
        matching = [found for found in here if type in (found.type, "ANY")]
        alias = next((found for found in here if found.type == "CNAME"), None)
        if matching or alias is None:
            return Answer((*chain, *_one_ttl(matching)), () if matching else (soa(zone),))
        chain.append(alias)
        name = alias.data
        onward = zone_of(zones, name)
        if onward is None:
            break
        zone = onward
    return Answer(tuple(chain))


def zone_of(zones: Mapping[str, Domain], name: str) -> Domain | None:
    """The closest zone that a name is in."""
    labels = name.split(".")
    for start in range(len(labels)):
        zone = zones.get(".".join(labels[start:]))
        if zone is not None:
            return zone
    return None


def addresses_of(zones: Mapping[str, Domain], name: str) -> list[str]:
    """The IPv4 addresses of a name."""
    return [
        found.data
        for found in answer(zones, name.lower().removesuffix("."), "A").records
        if found.type == "A"
    ]


def soa(zone: Domain) -> Found:
    """A zone's start of authority; its last number is also how long a "no" may be kept."""
    record = next((record for record in zone.records.values() if record.type == "SOA"), None)
    ttl = record.ttl if record else zone.ttl
    primary = next((record.data for record in zone.records.values() if record.type == "NS"), zone.name)
    numbers = f"{zone.serial} {REFRESH} {RETRY} {EXPIRE} {ttl}"
    return Found(zone.name, "SOA", f"{primary}. {CONTACT}.{zone.name}. {numbers}", ttl)


def zone_file(domain: Domain) -> str:
    """A zone as a master file, as the API shows it."""
    lines = [f"$ORIGIN {domain.name}.", f"$TTL {domain.ttl}"]
    for record in domain.records.values():
        found = (
            soa(domain)
            if record.type == "SOA"
            else Found(_owner(domain, record), record.type, record.data, record.ttl, record)
        )
        lines.append(f"{found.name}. {found.ttl} IN {found.type} {text_of(found)}")
    return "\n".join(lines) + "\n"


def text_of(found: Found) -> str:
    """A record's data as in a master file."""
    record = found.record
    match found.type:
        case "CNAME" | "NS":
            return f"{found.data}."
        case "MX" if record:
            return f"{record.priority} {found.data}."
        case "SRV" if record:
            return f"{record.priority} {record.weight} {record.port} {found.data}."
        case "CAA" if record:
            return f'{record.flags} {record.tag} "{found.data}"'
        case "TXT":
            escaped = found.data.replace("\\", "\\\\").replace('"', '\\"')
            return " ".join(f'"{escaped[start : start + 255]}"' for start in range(0, len(escaped), 255))
        case _:
            return found.data


def _owner(zone: Domain, record: DnsRecord) -> str:
    return zone.name if record.name == "@" else f"{record.name}.{zone.name}"


def _at(zone: Domain, name: str) -> list[Found] | None:
    """The records at a name, a wildcard's where it has none of its own; None where there is no such name."""
    by_owner: dict[str, list[DnsRecord]] = {}
    for record in zone.records.values():
        by_owner.setdefault(_owner(zone, record), []).append(record)
    owner = name
    if name not in by_owner:
        # A name with others below it exists, with nothing at it.
        if any(other.endswith(f".{name}") for other in by_owner):
            return []
        closest = name
        while closest != zone.name and not (
            closest != name and any(other == closest or other.endswith(f".{closest}") for other in by_owner)
        ):
            closest = closest.partition(".")[2]
        owner = f"*.{closest}"
        if owner not in by_owner:
            return None
    return [
        soa(zone) if record.type == "SOA" else Found(name, record.type, record.data, record.ttl, record)
        for record in by_owner[owner]
    ]


def _one_ttl(records: list[Found]) -> list[Found]:
    """The records without repetitions, with one TTL for all of a type: the smallest."""
    least = {found.type: min(other.ttl for other in records if other.type == found.type) for found in records}
    different = {(found.type, text_of(found)): found for found in records}.values()
    return [Found(found.name, found.type, found.data, least[found.type], found.record) for found in different]
