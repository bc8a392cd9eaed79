"""The words that settings are declared in: patterns, texts, and the settings that are maps of their own."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
)
from pydantic.fields import FieldInfo

LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DOTTED_NAME = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"
RELATIVE_PATH = r"[^/\s~-][^\s\\]*"


def text(pattern: str) -> Any:
    """A text that matches the pattern as a whole, without spaces around it."""
    return StringConstraints(strip_whitespace=True, pattern=f"^({pattern})$")


def setting(
    default: Any, description: str, *, wanted: str, example: Any, group: str = "", hidden: bool = False
) -> Any:
    """One setting: its default, and all that is said of it in documents and complaints."""
    extra = {"wanted": wanted, "example": example, "group": group, "hidden": hidden}
    return Field(default=default, description=description, json_schema_extra=extra)


def context(info: ValidationInfo, key: str) -> Any:
    """What is known beside the values themselves: `stack`, its name; `secret`, which are encrypted."""
    return (info.context or {}).get(key, ())


def inside(path: str) -> str:
    """A path within the repository, in its shortest form. Raises ValueError where it leads out of it."""
    if ".." in path.split("/"):
        raise ValueError("leads out of the repository")
    return path.rstrip("/").removeprefix("./") if path != "." else ""


FROZEN = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)


class Smtp(BaseModel):
    """The mail server that the site sends through."""

    model_config = FROZEN

    host: Annotated[str, text(rf"{LABEL}(\.{LABEL})*|[0-9a-f:.]+")] = setting(
        ..., "The mail server.", wanted="a host name", example="smtp.example.com"
    )
    port: Annotated[int, Field(ge=1, le=65535)] = setting(
        587, "Its port.", wanted="a port from 1 to 65535", example=587
    )
    security: Literal["starttls", "tls", "none"] = setting(
        "starttls", "How the connection is secured.", wanted="starttls, tls or none", example="starttls"
    )
    user: Annotated[str, text(r"[^\s]*")] = setting(
        "", "The user to log in as; empty for no login.", wanted="a name without spaces", example="shop"
    )
    password: SecretStr = setting(
        SecretStr(""), "The user's password (a secret).", wanted="a secret", example="...", hidden=True
    )
    sender: Annotated[str, text(r"([^\s@]+@[^\s@]+)?")] = setting(
        "", "The address that mails come from.", wanted="an e-mail address", example="shop@example.com"
    )


class Hooks(BaseModel):
    """Shell commands run on the machine that runs Pulumi, with the release's facts in their environment."""

    model_config = FROZEN

    before_release: str = setting("", "Before the database is migrated.", wanted="a command", example="true")
    after_migrate: str = setting(
        "",
        "After the database was migrated, before the switch.",
        wanted="a command",
        example="./announce.sh",
    )
    after_release: str = setting("", "After the release went live.", wanted="a command", example="true")
    on_failure: str = setting("", "When the release failed.", wanted="a command", example="true")


def _is_text(value: object) -> object:
    """YAML reads `20` as a number; in an environment it is text. A bare `true` is more likely a mistake."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


EnvironmentName = Annotated[str, text(r"[A-Za-z_][A-Za-z0-9_]*")]
#: The values that Seatrial can hand to a site in its environment, by their names here.
OfferedValue = Literal[
    "SECRET_KEY",
    "DEBUG",
    "SITE_NAME",
    "SITE_URL",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "STATIC_URL",
    "STATIC_ROOT",
    "MEDIA_URL",
    "MEDIA_ROOT",
    "DATABASE_URL",
    "DATABASE_NAME",
    "DATABASE_USER",
    "DATABASE_PASSWORD",
    "DATABASE_HOST",
    "DATABASE_PORT",
    "CACHE_URL",
    "REDIS_URL",
    "EMAIL_HOST",
    "EMAIL_PORT",
    "EMAIL_HOST_USER",
    "EMAIL_HOST_PASSWORD",
    "EMAIL_USE_TLS",
    "EMAIL_USE_SSL",
    "DEFAULT_FROM_EMAIL",
]
EnvironmentValue = Annotated[str, BeforeValidator(_is_text), StringConstraints(pattern=r"^[^\x00]*$")]


def value_type(field: FieldInfo) -> str:
    """The type of a setting in the words of Pulumi.yaml: string, integer, boolean, array or object."""
    annotation: Any = field.annotation
    plain = {str: "string", SecretStr: "string", int: "integer", bool: "boolean"}
    if annotation in plain:
        return plain[annotation]
    return {Literal: "string", list: "array"}.get(get_origin(annotation), "object")
