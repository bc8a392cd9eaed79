"""Cloud firewalls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from localengine.provider import UNKNOWN, CheckFailure
from localengine.providers import schema
from localengine.providers.digitalocean.row import TAGS, Found, Row
from localengine.providers.schema import Field, Fields

_ENDS = {"inboundRules": ("source", "sources"), "outboundRules": ("destination", "destinations")}
_PEERS = {
    "Addresses": ("addresses", Field()),
    "DropletIds": ("droplet_ids", Field(kind="int")),
    "LoadBalancerUids": ("load_balancer_uids", Field()),
    "KubernetesIds": ("kubernetes_ids", Field()),
    "Tags": ("tags", TAGS.item),
}


def _rules(end: str) -> Field:
    peers = {f"{end}{name}": Field(kind="set", item=item) for name, (_, item) in _PEERS.items()}
    ports = {
        "protocol": Field(required=True, wrong=schema.one_of("tcp", "udp", "icmp")),
        "portRange": Field(),
    }
    return Field(kind="set", item=Field(kind="object", fields=ports | peers))


class Firewall(Row):
    """A firewall with all its rules; every change sends it whole."""

    path, envelope = "v2/firewalls", "firewall"
    fields: ClassVar[Fields] = {
        "name": Field(),
        "dropletIds": Field(kind="set", item=Field(kind="int")),
        "tags": TAGS,
        "inboundRules": _rules("source"),
        "outboundRules": _rules("destination"),
        "status": Field(output=True),
        "createdAt": Field(output=True),
        "pendingChanges": Field(kind="list", output=True),
    }

    def wrong(self, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[CheckFailure]:
        """There must be a rule, and tcp and udp rules must name their ports."""
        del olds
        if not any(inputs.get(rules) for rules in _ENDS):
            return [CheckFailure("inboundRules", "a firewall needs at least one rule, inbound or outbound")]
        return [
            CheckFailure(
                f"{rules}[{at}].portRange", "is required for tcp and udp, such as 80, 8000-8100 or all"
            )
            for rules in _ENDS
            if isinstance(inputs.get(rules), list)
            for at, rule in enumerate(inputs[rules])
            if rule is not UNKNOWN and rule.get("protocol") in ("tcp", "udp") and not rule.get("portRange")
        ]

    def body(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The whole firewall."""
        return {
            "name": inputs["name"],
            "droplet_ids": list(inputs.get("dropletIds", ())),
            "tags": list(inputs.get("tags", ())),
            "inbound_rules": [_sent(rule, *_ENDS["inboundRules"]) for rule in inputs.get("inboundRules", ())],
            "outbound_rules": [
                _sent(rule, *_ENDS["outboundRules"]) for rule in inputs.get("outboundRules", ())
            ],
        }

    def outputs(self, found: Found, known: Mapping[str, Any]) -> dict[str, Any]:
        """The firewall with its rules in Pulumi's words."""
        del known
        return {
            "name": found["name"],
            "status": found.get("status", ""),
            "createdAt": found.get("created_at", ""),
            "pendingChanges": [
                {
                    "dropletId": change["droplet_id"],
                    "removing": change["removing"],
                    "status": change["status"],
                }
                for change in found.get("pending_changes") or ()
            ],
            "dropletIds": list(found.get("droplet_ids") or ()),
            "tags": list(found.get("tags") or ()),
            "inboundRules": [
                _shown(rule, *_ENDS["inboundRules"]) for rule in found.get("inbound_rules") or ()
            ],
            "outboundRules": [
                _shown(rule, *_ENDS["outboundRules"]) for rule in found.get("outbound_rules") or ()
            ],
        }


def _sent(rule: Mapping[str, Any], end: str, key: str) -> dict[str, Any]:
    peers = {
        name: rule[f"{end}{suffix}"] for suffix, (name, _) in _PEERS.items() if rule.get(f"{end}{suffix}")
    }
    ports = {"ports": rule["portRange"]} if rule.get("portRange") and rule["protocol"] != "icmp" else {}
    return {"protocol": rule["protocol"], **ports, key: peers}


def _shown(rule: Mapping[str, Any], end: str, key: str) -> dict[str, Any]:
    """A rule of the API's: all ports are "0" there, and icmp has none."""
    peers = rule.get(key) or {}
    shown: dict[str, Any] = {"protocol": rule["protocol"]}
    ports = str(rule.get("ports") or "")
    if rule["protocol"] != "icmp" and ports:
        shown["portRange"] = "all" if ports == "0" else ports
    return shown | {
        f"{end}{suffix}": list(peers[name]) for suffix, (name, _) in _PEERS.items() if peers.get(name)
    }
