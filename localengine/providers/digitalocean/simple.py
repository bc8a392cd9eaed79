"""SSH keys, tags, VPCs and projects."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from localengine.providers import schema
from localengine.providers.digitalocean.api import Api, ApiError, polls
from localengine.providers.digitalocean.row import MINUTES, TAG, Found, Row, retry_on
from localengine.providers.schema import Field, Fields
from localengine.providers.waiting import Deadline


def _no_environment(word: str) -> str | None:
    return schema.one_of("development", "staging", "production")(word.lower())


class SshKey(Row):
    """A public key of the account."""

    path, envelope = "v2/account/keys", "ssh_key"
    fields: ClassVar[Fields] = {
        "name": Field(),
        "publicKey": Field(
            required=True,
            replaces=True,
            same=lambda old, new, _: str(old or "").strip() == str(new or "").strip(),
        ),
        "fingerprint": Field(output=True),
    }

    def change(self, api: Api, id: str, found: Found, inputs: Mapping[str, Any], deadline: Deadline) -> None:
        """Rename it."""
        del found
        api.put(f"{self.path}/{id}", {"name": inputs["name"]}, deadline)


class Tag(Row):
    """A tag; it may exist already. Its id is its name."""

    path, envelope = "v2/tags", "tag"
    fields: ClassVar[Fields] = {
        "name": Field(replaces=True, wrong=TAG.wrong),
        **{
            f"{counted}Count": Field(kind="int", output=True)
            for counted in ("totalResource", "droplets", "images", "volumes", "volumeSnapshots", "databases")
        },
    }

    def id_of(self, found: Found) -> str:
        """The name."""
        return str(found["name"])

    def outputs(self, found: Found, known: Mapping[str, Any]) -> dict[str, Any]:
        """The name and what bears it."""
        del known
        counts = found.get("resources") or {}
        kinds = ("droplets", "images", "volumes", "databases")
        return {
            "name": found["name"],
            "totalResourceCount": counts.get("count", 0),
            "volumeSnapshotsCount": (counts.get("volume_snapshots") or {}).get("count", 0),
            **{f"{kind}Count": (counts.get(kind) or {}).get("count", 0) for kind in kinds},
        }


class Vpc(Row):
    """A private network."""

    path, envelope = "v2/vpcs", "vpc"
    fields: ClassVar[Fields] = {
        "name": Field(),
        "region": Field(required=True, replaces=True, same=schema.same_word),
        "description": Field(),
        "ipRange": Field(computed=True, replaces=True),
        "vpcUrn": Field(output=True),
        "default": Field(kind="bool", output=True),
        "createdAt": Field(output=True),
    }
    delete_timeout = 2 * MINUTES

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()

    def make(self, api: Api, inputs: Mapping[str, Any], deadline: Deadline) -> tuple[str, Found]:
        """Make it, one after another: the cloud may give two made at once the same range."""
        with self._one_at_a_time:
            return super().make(api, inputs, deadline)

    def change(self, api: Api, id: str, found: Found, inputs: Mapping[str, Any], deadline: Deadline) -> None:
        """Change its name and description."""
        body = {
            "name": inputs["name"],
            "description": inputs.get("description", ""),
            "default": bool(found.get("default")),
        }
        api.put(f"{self.path}/{id}", body, deadline)

    def remove(self, api: Api, id: str, known: Mapping[str, Any], deadline: Deadline) -> None:
        """Remove it, once its last members, which linger for some seconds, have gone."""
        waits = polls(deadline, f"waiting for the last members of VPC {id} to go")
        while True:
            try:
                return super().remove(api, id, known, deadline)
            except ApiError as error:
                default = "default" in error.message.lower()
                if default or not retry_on(error, (403, 409)):
                    raise
            next(waits)

    def outputs(self, found: Found, known: Mapping[str, Any]) -> dict[str, Any]:
        """All the API tells."""
        told = super().outputs(found, known)
        if "createdAt" in told:
            # The official provider writes this one time as Go prints it.
            told["createdAt"] = str(told["createdAt"]).replace("T", " ").replace("Z", " +0000 UTC")
        return told | {"vpcUrn": found.get("urn", f"do:vpc:{found['id']}")}


class Project(Row):
    """A project, with the resources (URNs) that the program puts into it."""

    path, envelope = "v2/projects", "project"
    fields: ClassVar[Fields] = {
        "name": Field(),
        "description": Field(default=""),
        "purpose": Field(default="Web Application"),
        "environment": Field(same=schema.same_word, wrong=_no_environment),
        "isDefault": Field(kind="bool", default=False),
        "resources": Field(kind="set", item=Field(), computed=True),
        **{name: Field(output=True) for name in ("createdAt", "updatedAt", "ownerUuid")},
        "ownerId": Field(kind="int", output=True),
    }
    unknown_after: ClassVar[Mapping[str, tuple[str, ...]]] = dict.fromkeys(
        ("name", "description", "purpose", "environment"), ("updatedAt",)
    )
    delete_timeout = 3 * MINUTES

    def body(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The project itself, without what is in it."""
        full = schema.with_defaults(self.fields, inputs)
        return {name: full.get(name, "") for name in ("name", "description", "purpose", "environment")}

    def settle(self, api: Api, id: str, inputs: Mapping[str, Any], deadline: Deadline) -> Found:
        """Put its resources into it, and take those out that are no longer wanted."""
        if inputs.get("isDefault"):
            api.patch(f"{self.path}/{id}", {"is_default": True}, deadline)
        if "resources" in inputs:
            inside, wanted = set(self._members(api, id)), set(inputs["resources"])
            if inside - wanted:
                self._assign(api, "default", sorted(inside - wanted), deadline)
            if wanted - inside:
                self._assign(api, id, sorted(wanted - inside), deadline)
        return super().settle(api, id, inputs, deadline)

    def find(self, api: Api, id: str, known: Mapping[str, Any]) -> Found | None:
        """The project and what is in it."""
        found = super().find(api, id, known)
        return None if found is None else found | {"resources": self._members(api, id)}

    def change(self, api: Api, id: str, found: Found, inputs: Mapping[str, Any], deadline: Deadline) -> None:
        """Change what it says of itself."""
        del found
        api.patch(f"{self.path}/{id}", self.body(inputs), deadline)

    def remove(self, api: Api, id: str, known: Mapping[str, Any], deadline: Deadline) -> None:
        """Hand what is in it to the default project, then remove it."""
        inside = self._members(api, id) if api.find(f"{self.path}/{id}") else []
        if inside:
            self._assign(api, "default", inside, deadline)
        waits = polls(deadline, f"waiting for project {id} to be empty")
        while True:
            try:
                return super().remove(api, id, known, deadline)
            except ApiError as error:
                if not retry_on(error, (412,), "cannot delete a project with resources"):
                    raise
            next(waits)

    def outputs(self, found: Found, known: Mapping[str, Any]) -> dict[str, Any]:
        """All the API tells."""
        return super().outputs(found, known) | {
            "purpose": str(found.get("purpose", "")).removeprefix("Other: ")
        }

    def _members(self, api: Api, id: str) -> list[str]:
        return [str(member["urn"]) for member in api.pages(f"{self.path}/{id}/resources", "resources")]

    def _assign(self, api: Api, id: str, urns: list[str], deadline: Deadline) -> None:
        api.post(f"{self.path}/{id}/resources", {"resources": urns}, deadline)
