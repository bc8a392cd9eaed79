"""Droplets."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from localengine.provider import CheckFailure, ProviderError
from localengine.providers import schema
from localengine.providers.digitalocean.api import Api, ApiError, polls
from localengine.providers.digitalocean.row import LOST_AFTER, TAGS, Found, Row, retag
from localengine.providers.schema import Field, Fields
from localengine.providers.waiting import Deadline

GRACE = 60.0
"""Seconds a droplet has to shut down by itself before it is removed."""

_POLICY = Field(
    kind="object",
    fields={
        "plan": Field(wrong=schema.one_of("daily", "weekly")),
        "weekday": Field(wrong=schema.one_of("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")),
        "hour": Field(kind="int", wrong=schema.between(0, 20)),
    },
)


def digest(text: str) -> str:
    """User data as the state keeps it: its SHA-1 in hexadecimal digits."""
    known = re.fullmatch(r"[0-9a-f]{40}", text)
    return text if known else hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _same_user_data(old: Any, new: Any, _news: Mapping[str, Any]) -> bool:
    return digest(str(old or "")) == digest(str(new or ""))


class Droplet(Row):
    """A machine. Its image, SSH keys and user data are never read back."""

    path, envelope = "v2/droplets", "droplet"
    fields: ClassVar[Fields] = {
        "name": Field(),
        "image": Field(required=True, replaces=True),
        "size": Field(required=True, same=schema.same_word),
        "region": Field(computed=True, replaces=True, same=schema.same_word),
        "sshKeys": Field(kind="set", item=Field(), replaces=True),
        "userData": Field(replaces=True, same=_same_user_data),
        "vpcUuid": Field(computed=True, replaces=True),
        "tags": TAGS,
        "volumeIds": Field(kind="set", item=Field(), computed=True),
        "monitoring": Field(kind="bool", default=False, replaces=True),
        "ipv6": Field(kind="bool", default=False, replaces=lambda old, new: bool(old) and new is False),
        "ipv6Address": Field(computed=True),
        "backups": Field(kind="bool", default=False),
        "backupPolicy": _POLICY,
        "dropletAgent": Field(kind="bool", replaces=True),
        "gpuPartitionMode": Field(replaces=True),
        "publicNetworking": Field(kind="bool", computed=True, replaces=True),
        "privateNetworking": Field(kind="bool", computed=True),
        "gracefulShutdown": Field(kind="bool", default=False),
        "resizeDisk": Field(kind="bool", default=True),
        **{
            name: Field(output=True)
            for name in ("ipv4Address", "ipv4AddressPrivate", "dropletUrn", "createdAt")
        },
        **{name: Field(kind="int", output=True) for name in ("disk", "memory", "vcpus")},
        **{name: Field(kind="float", output=True) for name in ("priceHourly", "priceMonthly")},
        "status": Field(output=True),
        "locked": Field(kind="bool", output=True),
    }
    unknown_after: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "size": ("disk", "memory", "vcpus", "priceHourly", "priceMonthly"),
        "ipv6": ("ipv6Address",),
    }
    schema_version = 1

    def wrong(self, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[CheckFailure]:
        """A backup policy needs backups."""
        del olds
        if inputs.get("backupPolicy") and inputs.get("backups", False) is False:
            return [CheckFailure("backupPolicy", "needs backups to be true")]
        return []

    def body(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The request for a new droplet."""
        own = (
            "gracefulShutdown",
            "resizeDisk",
            "image",
            "sshKeys",
            "volumeIds",
            "dropletAgent",
            "ipv6Address",
        )
        body = super().body({name: value for name, value in inputs.items() if name not in own})
        image = str(inputs["image"])
        body["image"] = int(image) if image.isdigit() else image
        body["ssh_keys"] = [int(key) if key.isdigit() else key for key in map(str, inputs.get("sshKeys", ()))]
        if inputs.get("volumeIds"):
            body["volumes"] = [{"id": id} for id in inputs["volumeIds"]]
        if "dropletAgent" in inputs:
            body["with_droplet_agent"] = inputs["dropletAgent"]
        return body

    def settle(self, api: Api, id: str, inputs: Mapping[str, Any], deadline: Deadline) -> Found:
        """Wait until it runs."""
        del inputs
        return self._wait(api, id, "active", deadline)

    def change(self, api: Api, id: str, found: Found, inputs: Mapping[str, Any], deadline: Deadline) -> None:
        """Change in place what is not as it should be; another size means off and on again."""
        actions = f"{self.path}/{id}/actions"
        features = set(found.get("features") or ())
        if inputs["size"].casefold() != found["size"]["slug"].casefold():
            self._resize(api, id, inputs, deadline)
        if inputs["name"] != found["name"]:
            api.act(actions, {"type": "rename", "name": inputs["name"]}, deadline)
        if bool(inputs.get("backups")) != ("backups" in features):
            kind = "enable_backups" if inputs.get("backups") else "disable_backups"
            api.act(actions, {"type": kind} | self._policy(inputs), deadline)
        elif inputs.get("backups") and inputs.get("backupPolicy"):
            api.act(actions, {"type": "change_backup_policy"} | self._policy(inputs), deadline)
        for name, feature in (("ipv6", "ipv6"), ("privateNetworking", "private_networking")):
            if inputs.get(name) and feature not in features:
                api.act(actions, {"type": f"enable_{feature}"}, deadline)
        retag(api, "droplet", id, found.get("tags") or [], inputs.get("tags", []), deadline)
        if found["status"] == "off" and inputs["size"].casefold() == found["size"]["slug"].casefold():
            # A resize that was interrupted leaves it so.
            api.act(actions, {"type": "power_on"}, deadline)
        if "volumeIds" in inputs:
            self._attach(api, int(id), set(found.get("volume_ids") or ()), set(inputs["volumeIds"]), deadline)

    def remove(self, api: Api, id: str, known: Mapping[str, Any], deadline: Deadline) -> None:
        """Remove it, after a shutdown where that is wanted, and wait until it is gone."""
        if api.find(f"{self.path}/{id}") is None:
            return
        self._wait(api, id, "", deadline)
        if known.get("gracefulShutdown"):
            # A droplet that does not shut down is removed all the same.
            with contextlib.suppress(ApiError):
                api.act(f"{self.path}/{id}/actions", {"type": "shutdown"}, deadline)
                self._wait(api, id, "off", api.deadline(GRACE))
        api.delete(f"{self.path}/{id}", deadline)
        waits = polls(deadline, f"waiting for droplet {id} to be gone")
        while api.find(f"{self.path}/{id}") is not None:
            next(waits)

    def outputs(self, found: Found, known: Mapping[str, Any]) -> dict[str, Any]:
        """What the API tells of a droplet."""
        size, networks = found.get("size") or {}, found.get("networks") or {}
        public = _address(networks.get("v4"), "public")
        outputs = {
            "name": found["name"],
            "dropletUrn": f"do:droplet:{found['id']}",
            "region": (found.get("region") or {}).get("slug", ""),
            "size": size.get("slug") or found.get("size_slug", ""),
            "priceHourly": float(size.get("price_hourly") or 0),
            "priceMonthly": float(size.get("price_monthly") or 0),
            "createdAt": found.get("created_at", ""),
            "vpcUuid": found.get("vpc_uuid") or "",
            "ipv4Address": public,
            "ipv4AddressPrivate": _address(networks.get("v4"), "private"),
            "ipv6Address": _address(networks.get("v6"), "public").lower(),
            "publicNetworking": bool(public),
            "volumeIds": list(found.get("volume_ids") or ()),
            "tags": list(found.get("tags") or ()),
            **{name: found.get(name) for name in ("disk", "memory", "vcpus", "status", "locked")},
        }
        if found.get("features") is not None:
            for name in ("backups", "ipv6", "monitoring"):
                outputs[name] = name in found["features"]
            outputs["privateNetworking"] = "private_networking" in found["features"]
        if not known:
            image = found.get("image") or {}
            outputs["image"] = image.get("slug") or str(image.get("id", ""))
        return outputs

    def kept(self, name: str, value: Any) -> Any:
        """User data is kept as its digest only."""
        return digest(value) if name == "userData" and isinstance(value, str) else value

    def _wait(self, api: Api, id: str, status: str, deadline: Deadline) -> Found:
        """Wait until it is unlocked and has this status (any, where it is empty)."""
        waits = polls(deadline, f"waiting for droplet {id} to be {status or 'unlocked'}")
        missing = 0
        while True:
            answer = api.find(f"{self.path}/{id}")
            missing = 0 if answer else missing + 1
            if missing >= LOST_AFTER:
                raise ProviderError(
                    f"droplet {id} is not there: DigitalOcean could not make it, or it was removed"
                )
            if answer:
                found = self.unwrap(answer)
                if not found.get("locked") and (not status or found["status"] == status):
                    return found
                if found["status"] not in ("new", "active", "off"):
                    raise ProviderError(f"droplet {id} became {found['status']!r} instead of {status!r}")
            next(waits)

    def _resize(self, api: Api, id: str, inputs: Mapping[str, Any], deadline: Deadline) -> None:
        actions = f"{self.path}/{id}/actions"
        try:
            api.act(actions, {"type": "power_off"}, deadline)
        except ApiError as error:
            if "already powered off" not in error.message:
                raise
        self._wait(api, id, "off", deadline)
        try:
            disk = inputs.get("resizeDisk", True)
            api.act(actions, {"type": "resize", "size": inputs["size"], "disk": disk}, deadline)
        finally:
            api.act(actions, {"type": "power_on"}, deadline)

    def _policy(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        policy = inputs.get("backupPolicy") if inputs.get("backups") else None
        return {"backup_policy": policy} if policy else {}

    def _attach(self, api: Api, id: int, before: set[str], wanted: set[str], deadline: Deadline) -> None:
        changes = [("detach", volume) for volume in sorted(before - wanted)]
        changes += [("attach", volume) for volume in sorted(wanted - before)]
        for kind, volume in changes:
            api.act(f"v2/volumes/{volume}/actions", {"type": kind, "droplet_id": id}, deadline)


def _address(networks: Any, kind: str) -> str:
    """The first address of a kind (public or private), or ""."""
    return next((str(net["ip_address"]) for net in networks or () if net.get("type") == kind), "")
