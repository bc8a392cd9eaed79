"""How many edges there are, and how an address moves from one to the other."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from infra.fields import FROZEN, context, setting, text

GROUP = "A second edge"


class Edges(BaseModel):
    """The edges of a balanced site. With two, whichever is well holds the reserved address."""

    model_config = FROZEN

    edges: Annotated[int, Field(ge=1, le=2)] = setting(
        1,
        "How many edges there are (balanced). With 2 the site has a reserved address, which moves to the "
        "other edge when one fails. Back from 2 to 1, it stays only with reserved_ip: true.",
        wanted="1, or 2 where topology is balanced",
        example=2,
        group=GROUP,
    )
    edge_api: Annotated[str, text(r"https?://[^\s/@?#]+/?")] = setting(
        "https://api.digitalocean.com",
        "Where the edges reach DigitalOcean's API, which moves the address (edges: 2).",
        wanted="https://host[:port]; http only to a private address",
        example="https://api.digitalocean.com",
        group=GROUP,
    )
    edge_token: SecretStr = setting(
        SecretStr(""),
        "The API token that the edges move the address with (edges: 2). Its one scope is reserved_ip:update, "
        "with the read scopes that DigitalOcean adds to that.",
        wanted="a token of DigitalOcean's API with the scope reserved_ip:update, as a secret, "
        "where edges is 2",
        example="dop_v1_...",
        hidden=True,
        group=GROUP,
    )

    @field_validator("edges")
    @classmethod
    def _have_app_hosts(cls, value: int, info: ValidationInfo) -> int:
        if value > 1 and info.data.get("topology") == "single":
            raise ValueError("topology is single")
        return value

    @field_validator("edge_api")
    @classmethod
    def _keeps_the_token_to_itself(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme == "http" and not _is_private(parts.hostname or ""):
            raise ValueError("the token would cross the internet in plain text")
        return value.rstrip("/")

    @field_validator("edge_token")
    @classmethod
    def _is_there_and_secret(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        token = value.get_secret_value().strip()
        if not token and info.data.get("edges", 1) > 1:
            raise ValueError("edges is 2")
        if not token.isprintable() or " " in token:
            raise ValueError("not a token")
        # A cloud on this machine has a token that everyone knows.
        if token and "edge_token" not in context(info, "secret") and not _is_local(info.data.get("edge_api")):
            raise ValueError("in plain text")
        return SecretStr(token)


def _is_private(host: str) -> bool:
    try:
        return ip_address(host).is_private
    except ValueError:
        return False


def _is_local(api: object) -> bool:
    return str(api).startswith("http://")
