"""The account and its SSH keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from fastapi import APIRouter, Request

from localcloud.api.answers import paged
from localcloud.api.bodies import Body
from localcloud.cloud import Cloud
from localcloud.errors import not_found, refused
from localcloud.state import Key, State

RESERVED_IP_LIMIT = 20


class NewKey(Body):
    """A key to add."""

    name: str
    public_key: str


class KeyName(Body):
    """A key's new name."""

    name: str


def routes(cloud: Cloud) -> APIRouter:
    """The routes under /v2/account."""
    router = APIRouter(prefix="/v2/account")

    @router.get("")
    def account() -> dict[str, Any]:
        with cloud.store.read() as state:
            return {
                "account": {
                    "droplet_limit": state.droplet_limit,
                    "floating_ip_limit": RESERVED_IP_LIMIT,
                    "reserved_ip_limit": RESERVED_IP_LIMIT,
                    "volume_limit": 0,
                    "email": "local@seatrial.localhost",
                    "name": "Local cloud",
                    "uuid": state.account_id,
                    "email_verified": True,
                    "status": "active",
                    "status_message": "",
                    "team": {"uuid": state.account_id, "name": "Local cloud"},
                }
            }

    @router.get("/keys")
    def list_keys(request: Request) -> dict[str, Any]:
        with cloud.store.read() as state:
            return paged(request, "ssh_keys", [key.model_dump() for key in state.keys.values()])

    @router.post("/keys", status_code=201)
    def add_key(body: NewKey) -> dict[str, Any]:
        if not body.name:
            raise refused("Name can't be blank")
        with cloud.store.change() as state:
            fingerprint = fingerprint_of(body.public_key)
            if any(key.fingerprint == fingerprint for key in state.keys.values()):
                raise refused("SSH Key is already in use on your account")
            key = Key(
                id=state.take_id(),
                name=body.name,
                fingerprint=fingerprint,
                public_key=body.public_key.strip(),
            )
            state.keys[key.id] = key
            return {"ssh_key": key.model_dump()}

    @router.get("/keys/{identifier}")
    def get_key(identifier: str) -> dict[str, Any]:
        with cloud.store.read() as state:
            return {"ssh_key": find_key(state, identifier).model_dump()}

    @router.put("/keys/{identifier}")
    def rename_key(identifier: str, body: KeyName) -> dict[str, Any]:
        with cloud.store.change() as state:
            key = find_key(state, identifier)
            key.name = body.name
            return {"ssh_key": key.model_dump()}

    @router.delete("/keys/{identifier}", status_code=204)
    def remove_key(identifier: str) -> None:
        with cloud.store.change() as state:
            del state.keys[find_key(state, identifier).id]

    return router


def find_key(state: State, identifier: str) -> Key:
    """A key by its id or fingerprint. Raises ApiError where there is none."""
    for key in state.keys.values():
        if identifier in (str(key.id), key.fingerprint):
            return key
    raise not_found()


def fingerprint_of(public_key: str) -> str:
    """The MD5 fingerprint, as hex pairs with colons. Raises ApiError for what is no public key."""
    line = public_key.strip()
    try:
        load_ssh_public_key(line.encode())
        blob = base64.b64decode(line.split()[1], validate=True)
    except (ValueError, IndexError, binascii.Error, UnsupportedAlgorithm) as error:
        raise refused("Fingerprint could not be generated, please make sure your key is valid") from error
    return hashlib.md5(blob, usedforsecurity=False).digest().hex(":")
