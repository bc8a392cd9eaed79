"""Domains and their DNS records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from localengine.provider import CheckFailure, ProviderError
from localengine.providers import schema
from localengine.providers.digitalocean.api import Api
from localengine.providers.digitalocean.row import Found, Row, is_known
from localengine.providers.schema import Field, Fields
from localengine.providers.waiting import Deadline

DOTTED = ("CNAME", "MX", "NS", "SRV", "CAA")
"""The types whose data the API shows without the dot at its end."""
_PORT = Field(kind="int", wrong=schema.between(0, 65535))
_NEEDS = {"MX": ("priority",), "SRV": ("priority", "weight", "port"), "CAA": ("flags", "tag")}


class Domain(Row):
    """A zone. Its id is its name; removing it removes all its records."""

    path, envelope = "v2/domains", "domain"
    automatic_name = 0
    fields: ClassVar[Fields] = {
        "name": Field(required=True, replaces=True),
        "ipAddress": Field(replaces=True),
        "domainUrn": Field(output=True),
        "ttl": Field(kind="int", output=True),
    }

    def id_of(self, found: Found) -> str:
        """The name."""
        return str(found["name"])

    def outputs(self, found: Found, known: Mapping[str, Any]) -> dict[str, Any]:
        """The name and the default TTL in seconds."""
        return super().outputs(found, known) | {"domainUrn": f"do:domain:{found['name']}"}


def _same_name(old: Any, new: Any, news: Mapping[str, Any]) -> bool:
    """`www` and `www.example.com.` are one name in example.com, and so are `@` and `example.com.`."""
    zone = f"{news.get('domain')}."
    return new is not None and ((old == "@" and new == zone) or f"{old}.{zone}" == new)


def _same_value(old: Any, new: Any, news: Mapping[str, Any]) -> bool:
    zone = f"{news.get('domain')}."
    return new is not None and ((old == "@" and new == zone) or old == f"{new}.{zone}")


class DnsRecord(Row):
    """A record of a zone."""

    envelope = "domain_record"
    fields: ClassVar[Fields] = {
        "domain": Field(required=True, replaces=True),
        "type": Field(
            required=True,
            replaces=True,
            wrong=schema.one_of("A", "AAAA", "CAA", "CNAME", "MX", "NS", "TXT", "SRV", "SOA"),
        ),
        "name": Field(same=_same_name),
        "value": Field(required=True, same=_same_value),
        "ttl": Field(kind="int", computed=True, wrong=schema.between(1, 2**31 - 1)),
        "priority": _PORT,
        "port": _PORT,
        "weight": _PORT,
        "flags": Field(kind="int", wrong=schema.between(0, 255)),
        "tag": Field(wrong=schema.one_of("issue", "issuewild", "iodef")),
        "fqdn": Field(output=True),
    }
    unknown_after: ClassVar[Mapping[str, tuple[str, ...]]] = {"name": ("fqdn",)}

    def wrong(self, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[CheckFailure]:
        """Some types need more than a value."""
        del olds
        needs = _NEEDS.get(inputs.get("type", ""), ()) if isinstance(inputs.get("type"), str) else ()
        return [
            CheckFailure(name, f"is required for {inputs['type']} records")
            for name in needs
            if name not in inputs
        ]

    def make(self, api: Api, inputs: Mapping[str, Any], deadline: Deadline) -> tuple[str, Found]:
        """Make it in its zone."""
        found = self.unwrap(
            api.post(_records(inputs), self.body(inputs) | {"type": inputs["type"]}, deadline)
        )
        return self.id_of(found), found

    def find(self, api: Api, id: str, known: Mapping[str, Any]) -> Found | None:
        """Look in its zone."""
        answer = api.find(f"{_records(known)}/{id}")
        return None if answer is None else self.unwrap(answer)

    def change(self, api: Api, id: str, found: Found, inputs: Mapping[str, Any], deadline: Deadline) -> None:
        """Send all of it but its type."""
        del found
        api.put(f"{_records(inputs)}/{id}", self.body(inputs), deadline)

    def remove(self, api: Api, id: str, known: Mapping[str, Any], deadline: Deadline) -> None:
        """Take it out of its zone."""
        api.delete(f"{_records(known)}/{id}", deadline)

    def body(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The record."""
        names = ("name", "ttl", "priority", "port", "weight", "flags", "tag")
        return {"data": inputs["value"]} | {
            name: inputs[name] for name in names if is_known(inputs.get(name))
        }

    def outputs(self, found: Found, known: Mapping[str, Any]) -> dict[str, Any]:
        """The record, with the dot that the API leaves out."""
        data, zone, name = str(found["data"]), str(known.get("domain", "")), str(found["name"])
        if found["type"] in DOTTED and data != "@" and found.get("tag") != "iodef" and not data.endswith("."):
            data += "."
        outputs = super().outputs(found, known) | {"value": data, "domain": zone}
        return outputs | {"fqdn": zone if name == "@" else f"{name}.{zone}"}

    def from_id(self, id: str) -> tuple[str, dict[str, Any]]:
        """`<domain>,<id>`."""
        domain, comma, own = id.partition(",")
        if not comma:
            raise ProviderError(f"DnsRecord {id}: look it up as <domain>,<id>")
        return own, {"domain": domain}


def _records(known: Mapping[str, Any]) -> str:
    return f"v2/domains/{known['domain']}/records"
