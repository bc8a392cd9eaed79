"""What the site stands on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from infra.fields import FROZEN, Smtp, context, setting

GROUP = "Services"


class Services(BaseModel):
    """Database, cache, mail, and what a visitor may ask for."""

    model_config = FROZEN

    database: Literal["sqlite", "postgres"] = setting(
        "postgres",
        "The site's database: sqlite is a file on the droplet (single only), postgres a server.",
        wanted="sqlite or postgres, and only postgres where topology is balanced",
        example="sqlite",
        group=GROUP,
    )
    cache: Literal["redis", "none"] = setting(
        "redis",
        "The site's cache: redis is a server, none leaves the site's own setting.",
        wanted="redis or none",
        example="none",
        group=GROUP,
    )
    smtp: Smtp | None = setting(
        None,
        "The mail server that the site sends through: host, port, security (starttls, tls, none), user, "
        "password (a secret), sender. Empty: none.",
        wanted="a map of host, port, security, user, password and sender",
        example={"host": "smtp.example.com", "user": "shop", "sender": "shop@example.com"},
        group=GROUP,
    )
    rate_limit: Annotated[int, Field(ge=0, le=100_000)] = setting(
        0,
        "How many requests a client may make in 10 seconds before the edge answers 429 (balanced); 0: any. "
        "A rollout measures with half of it.",
        wanted="a number from 0 to 100000",
        example=200,
        group=GROUP,
    )

    @field_validator("database")
    @classmethod
    def _is_shared(cls, value: str, info: ValidationInfo) -> str:
        if value == "sqlite" and info.data.get("topology") == "balanced":
            raise ValueError("a file that the other hosts do not see")
        return value

    @field_validator("smtp", mode="before")
    @classmethod
    def _no_smtp(cls, value: object) -> object:
        return None if value == {} else value

    @field_validator("smtp")
    @classmethod
    def _password_is_secret(cls, value: Smtp | None, info: ValidationInfo) -> Smtp | None:
        if value and value.password.get_secret_value() and "smtp" not in context(info, "secret"):
            raise ValueError(
                "its password is in plain text: config set --secret --path seatrial:smtp.password"
            )
        return value
