"""What can be given to a droplet and taken away again: reserved IPs and volumes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from localengine.provider import CheckFailure
from localengine.providers import schema
from localengine.providers.digitalocean.api import Api, ApiError
from localengine.providers.digitalocean.row import TAGS, Found, Row, is_known, retag
from localengine.providers.schema import Field, Fields
from localengine.providers.waiting import Deadline

ADDRESSES, VOLUMES = "v2/reserved_ips", "v2/volumes"


def _assign(api: Api, address: str, droplet: int, deadline: Deadline) -> None:
    path = f"{ADDRESSES}/{address}/actions"
    api.act(path, {"type": "assign", "droplet_id": droplet}, deadline, poll=path)


def _unassign(api: Api, address: str, deadline: Deadline) -> None:
    path = f"{ADDRESSES}/{address}/actions"
    try:
        api.act(path, {"type": "unassign"}, deadline, poll=path)
    except ApiError as error:
        # Nothing was assigned any more.
        if error.status != 422:
            raise


def _holder(found: Mapping[str, Any]) -> int | None:
    """The id of the droplet that has the reserved IP."""
    droplet = found.get("droplet")
    return int(droplet["id"]) if droplet else None


class ReservedIp(Row):
    """A public address that outlives droplets. Its id is the address; it moves between droplets in place."""

    path, envelope = ADDRESSES, "reserved_ip"
    automatic_name = 0
    fields: ClassVar[Fields] = {
        "region": Field(required=True, replaces=True, same=schema.same_word),
        "dropletId": Field(kind="int"),
        "ipAddress": Field(computed=True),
        "reservedIpUrn": Field(output=True),
    }

    def id_of(self, found: Found) -> str:
        """The address."""
        return str(found["ip"])

    def body(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The region; a droplet is given it afterwards."""
        return {"region": inputs["region"]}

    def settle(self, api: Api, id: str, inputs: Mapping[str, Any], deadline: Deadline) -> Found:
        """Give it to its droplet."""
        found = super().settle(api, id, inputs, deadline)
        wanted = inputs.get("dropletId")
        if not wanted or _holder(found) == wanted:
            return found
        _assign(api, id, wanted, deadline)
        return super().settle(api, id, inputs, deadline)

    def change(self, api: Api, id: str, found: Found, inputs: Mapping[str, Any], deadline: Deadline) -> None:
        """Take it away from the droplet that has it, where none should; `settle` gives it to another."""
        if not inputs.get("dropletId") and _holder(found):
            _unassign(api, id, deadline)

    def remove(self, api: Api, id: str, known: Mapping[str, Any], deadline: Deadline) -> None:
        """Take it away from its droplet, and give it back."""
        found = self.find(api, id, known)
        if found is None:
            return
        if _holder(found):
            _unassign(api, id, deadline)
        super().remove(api, id, known, deadline)

    def outputs(self, found: Found, known: Mapping[str, Any]) -> dict[str, Any]:
        """The address and where it is.

        Its droplet is told only where this resource is what assigns it.
        """
        region = (found.get("region") or {}).get("slug", known.get("region", ""))
        outputs = {
            "ipAddress": found["ip"],
            "region": region,
            "reservedIpUrn": f"do:reservedip:{found['ip']}",
        }
        return outputs | ({"dropletId": _holder(found)} if not known or known.get("dropletId") else {})


class ReservedIpAssignment(Row):
    """A reserved IP's being at a droplet."""

    path = ADDRESSES
    automatic_name = 0
    fields: ClassVar[Fields] = {
        "ipAddress": Field(required=True, replaces=True),
        "dropletId": Field(kind="int", required=True, replaces=True),
    }

    def make(self, api: Api, inputs: Mapping[str, Any], deadline: Deadline) -> tuple[str, Found]:
        """Assign it."""
        _assign(api, inputs["ipAddress"], inputs["dropletId"], deadline)
        return f"{inputs['dropletId']}-{inputs['ipAddress']}-{secrets.token_hex(13)}", dict(inputs)

    def find(self, api: Api, id: str, known: Mapping[str, Any]) -> Found | None:
        """None where the address is with no droplet or another one."""
        del id
        answer = api.find(f"{ADDRESSES}/{known['ipAddress']}")
        if answer is None or _holder(answer["reserved_ip"]) != int(known["dropletId"]):
            return None
        return {"ip_address": known["ipAddress"], "droplet_id": int(known["dropletId"])}

    def remove(self, api: Api, id: str, known: Mapping[str, Any], deadline: Deadline) -> None:
        """Unassign it, where it is still there."""
        if self.find(api, id, known) is not None:
            _unassign(api, known["ipAddress"], deadline)

    def from_id(self, id: str) -> tuple[str, dict[str, Any]]:
        """`<address>,<droplet>`."""
        address, _, droplet = id.partition(",")
        return id, {"ipAddress": address, "dropletId": droplet}


class Volume(Row):
    """A disk of its own. It can grow, in GiB."""

    path, envelope = VOLUMES, "volume"
    automatic_name = 64
    fields: ClassVar[Fields] = {
        "name": Field(replaces=True),
        "region": Field(required=True, replaces=True, same=schema.same_word),
        "size": Field(kind="int", required=True, wrong=schema.between(1, 16 * 1024)),
        "description": Field(replaces=True),
        "snapshotId": Field(replaces=True),
        "initialFilesystemType": Field(replaces=True, wrong=schema.one_of("ext4", "xfs")),
        "initialFilesystemLabel": Field(replaces=True),
        "filesystemType": Field(computed=True, wrong=schema.one_of("ext4", "xfs")),
        "tags": TAGS,
        "dropletIds": Field(kind="set", output=True),
        "filesystemLabel": Field(output=True),
        "volumeUrn": Field(output=True),
    }

    def wrong(self, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[CheckFailure]:
        """It can't shrink."""
        before, wanted = olds.get("size"), inputs.get("size")
        if isinstance(before, int | float) and isinstance(wanted, int) and wanted < before:
            return [CheckFailure("size", f"a volume can only grow: it has {before} GiB, {wanted} are wanted")]
        return []

    def body(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The request for a new volume."""
        body = {
            "name": inputs["name"],
            "region": inputs["region"].lower(),
            "size_gigabytes": inputs["size"],
            "description": inputs.get("description", ""),
            "snapshot_id": inputs.get("snapshotId", ""),
            "filesystem_type": inputs.get("initialFilesystemType", inputs.get("filesystemType")),
            "filesystem_label": inputs.get("initialFilesystemLabel"),
            "tags": list(inputs.get("tags", ())),
        }
        return {name: value for name, value in body.items() if is_known(value)}

    def change(self, api: Api, id: str, found: Found, inputs: Mapping[str, Any], deadline: Deadline) -> None:
        """Let it grow, and change its tags."""
        if inputs["size"] != found["size_gigabytes"]:
            resize = {"type": "resize", "size_gigabytes": inputs["size"], "region": found["region"]["slug"]}
            api.act(f"{self.path}/{id}/actions", resize, deadline)
        retag(api, "volume", id, found.get("tags") or [], inputs.get("tags", []), deadline)

    def outputs(self, found: Found, known: Mapping[str, Any]) -> dict[str, Any]:
        """The volume, and the droplets it is at."""
        return {
            **super().outputs(
                found | {"region": found["region"]["slug"], "size": found["size_gigabytes"]}, known
            ),
            "dropletIds": list(found.get("droplet_ids") or ()),
            "tags": list(found.get("tags") or ()),
            "volumeUrn": f"do:volume:{found['id']}",
        }


class VolumeAttachment(Row):
    """A volume's being at a droplet."""

    path = VOLUMES
    automatic_name = 0
    fields: ClassVar[Fields] = {
        "dropletId": Field(kind="int", required=True, replaces=True),
        "volumeId": Field(required=True, replaces=True),
    }

    def make(self, api: Api, inputs: Mapping[str, Any], deadline: Deadline) -> tuple[str, Found]:
        """Attach it, where it is not there yet."""
        if self.find(api, "", inputs) is None:
            attach = {"type": "attach", "droplet_id": inputs["dropletId"]}
            api.act(f"{VOLUMES}/{inputs['volumeId']}/actions", attach, deadline)
        return f"{inputs['dropletId']}-{inputs['volumeId']}-{secrets.token_hex(13)}", dict(inputs)

    def find(self, api: Api, id: str, known: Mapping[str, Any]) -> Found | None:
        """None where the volume is with no droplet or another one."""
        del id
        answer = api.find(f"{VOLUMES}/{known['volumeId']}")
        if answer is None or int(known["dropletId"]) not in (answer["volume"].get("droplet_ids") or ()):
            return None
        return {"volume_id": known["volumeId"], "droplet_id": int(known["dropletId"])}

    def remove(self, api: Api, id: str, known: Mapping[str, Any], deadline: Deadline) -> None:
        """Detach it, where it is still there."""
        if self.find(api, id, known) is not None:
            detach = {"type": "detach", "droplet_id": int(known["dropletId"])}
            api.act(f"{VOLUMES}/{known['volumeId']}/actions", detach, deadline)
