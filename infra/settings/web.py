"""Where the site is reached."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from infra.fields import FROZEN, LABEL, setting, text

GROUP = "Where the site is reached"


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


class Web(BaseModel):
    """The site's names, and its URL."""

    model_config = FROZEN

    domain: Annotated[str, BeforeValidator(_lower), text(rf"{LABEL}(\.{LABEL})+")] = setting(
        "",
        "The DNS zone at DigitalOcean that the site's name is in.",
        wanted="a domain name",
        example="example.com",
        group=GROUP,
    )
    host: Annotated[str, text(rf"@|{LABEL}(\.{LABEL})*")] = setting(
        "@",
        "The site's name within the domain; @ is the domain itself.",
        wanted="@ or a name such as staging",
        example="staging",
        group=GROUP,
    )
    www: bool = setting(
        False,
        "Whether the site answers under www. before its name too.",
        wanted="true or false",
        example=True,
        group=GROUP,
    )
    ttl: Annotated[int, Field(ge=30, le=86400)] = setting(
        1800,
        "How many seconds resolvers may remember the site's DNS records.",
        wanted="seconds from 30 to 86400",
        example=300,
        group=GROUP,
    )
    create_domain: bool = setting(
        False,
        "Make the DNS zone instead of looking it up. It is kept when the stack is destroyed, unless it ends "
        "in .localhost or .test.",
        wanted="true or false",
        example=True,
        group=GROUP,
    )
    url_port: Annotated[int, Field(ge=1, le=65535)] = setting(
        80,
        "The port in the site's URL, where something in front of the hosts listens on another than 80.",
        wanted="a port from 1 to 65535",
        example=8080,
        group=GROUP,
    )

    @property
    def fqdn(self) -> str:
        """The site's full name in DNS."""
        return self.domain if self.host == "@" else f"{self.host}.{self.domain}"

    @property
    def server_names(self) -> tuple[str, ...]:
        """Every name the site answers under, the canonical one first."""
        return (self.fqdn, f"www.{self.fqdn}") if self.www else (self.fqdn,)

    @property
    def authority(self) -> str:
        """Host and, where it is not 80, port of the site's URL."""
        return self.fqdn if self.url_port == 80 else f"{self.fqdn}:{self.url_port}"

    @property
    def url(self) -> str:
        """The site's URL, without a slash at its end."""
        return f"http://{self.authority}"
