"""Where the logs go."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from infra.fields import FROZEN, LABEL, context, setting, text
from infra.settings.hosts import SIZE

GROUP = "Logs"
OWN = "host"
"""What `syslog` says for a host of the stack's own."""
_NAME = rf"{LABEL}(\.{LABEL})+"
_ELEMENT = r'[A-Za-z0-9@._+/-]{1,256}( [A-Za-z0-9._-]{1,32}="[A-Za-z0-9@._+/=: -]{0,512}")*'


class Logs(BaseModel):
    """Where the hosts' journals are sent on to, and how long they are kept there."""

    model_config = FROZEN

    syslog: Annotated[str, text(rf"({OWN}|{_NAME}:[0-9]{{1,5}})?")] = setting(
        "",
        "Where every host's journal is sent on to, over TLS: host is a syslog host of the stack's own "
        "(balanced), name:port an outside service that takes RFC 5424; empty: nowhere.",
        wanted="host (only where topology is balanced), or the name:port of a service",
        example="logs.example.com:6514",
        group=GROUP,
    )
    syslog_token: SecretStr = setting(
        SecretStr(""),
        "The structured data that an outside service knows its customer by (a secret), without brackets.",
        wanted='an ID and NAME="value" pairs of RFC 5424, kept as a secret, beside an outside service',
        example='logs@41058 token="..."',
        hidden=True,
        group=GROUP,
    )
    syslog_keep_days: Annotated[int, Field(ge=1, le=3650)] = setting(
        30,
        "How many days the syslog host keeps logs; fewer where they would take more than 70 % of its disk.",
        wanted="a number of days from 1 to 3650",
        example=90,
        group=GROUP,
    )
    syslog_size: Annotated[str, text(rf"({SIZE})?")] = setting(
        "",
        "Size of the syslog host; empty: as droplet_size says.",
        wanted="a size's slug at DigitalOcean",
        example="s-1vcpu-1gb",
        group=GROUP,
    )

    @field_validator("syslog")
    @classmethod
    def _has_a_place(cls, value: str, info: ValidationInfo) -> str:
        if value == OWN and info.data.get("topology") == "single":
            raise ValueError("topology is single, which is one host")
        if ":" in value and not 1 <= int(value.rsplit(":")[-1]) <= 65535:
            raise ValueError("no such port")
        return value

    @field_validator("syslog_token")
    @classmethod
    def _token(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        token = value.get_secret_value()
        if not token:
            return value
        if not re.fullmatch(_ELEMENT, token):
            raise ValueError("not the inside of structured data")
        if "syslog_token" not in context(info, "secret"):
            raise ValueError("in plain text")
        if info.data.get("syslog") in ("", OWN):
            raise ValueError("syslog names no outside service")
        return value
