"""The settings of a stack: what may be set, what it means, and what is wrong with what was set.

Nothing here knows Pulumi: a stack's configuration comes in as a mapping and goes out as one frozen object,
or as one error that names every setting that is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from ipaddress import ip_network
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from infra import complaints
from infra.fields import (
    DOTTED_NAME,
    FROZEN,
    LABEL,
    RELATIVE_PATH,
    EnvironmentName,
    EnvironmentValue,
    Hooks,
    OfferedValue,
    Smtp,
    setting,
    text,
    value_type,
)

_SOURCE, _DJANGO, _WEB, _HOSTS, _SERVICES, _RELEASE = (
    "The site's source",
    "The Django site",
    "Where the site is reached",
    "Hosts and access",
    "Services",
    "Releases",
)

#: Users that a host has anyway; a site runs as a user of its own name.
_TAKEN_USERS = (
    "root daemon bin sys man mail news proxy backup list irc nobody sshd git ubuntu debian seatrial nginx "
    "redis postgres haproxy syslog messagebus"
)


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


class Settings(BaseModel):
    """All settings of a stack, checked. Each field is the key `seatrial:<field>` of `Pulumi.<stack>.yaml`."""

    model_config = FROZEN

    # The site's source
    site_name: Annotated[str, text(r"[a-z][a-z0-9-]{0,22}[a-z0-9]|[a-z]")] = setting(
        "site",
        "Short name of the site; its user, folders and cloud resources are named after it.",
        wanted="1 to 24 lower-case letters, digits and hyphens, beginning with a letter",
        example="todo",
        group=_SOURCE,
    )
    repository: str = setting(
        "",
        "The site's source: a git URL, or a path on this machine (a git work tree or a plain folder).",
        wanted="a git URL without a password in it, or a path",
        example="https://github.com/ana/shop.git",
        group=_SOURCE,
    )
    deploy_key: SecretStr = setting(
        SecretStr(""),
        "SSH private key that may read the repository (a secret); empty for a public one.",
        wanted="the text of an SSH private key, kept as a secret",
        example="-----BEGIN OPENSSH PRIVATE KEY----- ...",
        hidden=True,
        group=_SOURCE,
    )
    revision: Annotated[str, text(r"[A-Za-z0-9_][A-Za-z0-9_./+@-]*")] = setting(
        "HEAD",
        "What to release: a branch, a tag or a commit. HEAD is the default branch.",
        wanted="a branch, tag or commit",
        example="main",
        group=_SOURCE,
    )
    subdirectory: Annotated[str, text(rf"({RELATIVE_PATH})?")] = setting(
        "",
        "The folder of the repository that holds manage.py; empty for its root.",
        wanted="a path inside the repository, without ..",
        example="backend",
        group=_SOURCE,
    )
    # The Django site
    django_settings_module: Annotated[str, text(rf"({DOTTED_NAME})?")] = setting(
        "",
        "The site's settings module; empty: the one that manage.py names.",
        wanted="a dotted module name",
        example="shop.settings.production",
        group=_DJANGO,
    )
    wsgi_application: Annotated[str, text(rf"({DOTTED_NAME}:[A-Za-z_]\w*)?")] = setting(
        "",
        "The WSGI callable; empty: the one that the settings module names.",
        wanted="module:callable",
        example="shop.wsgi:application",
        group=_DJANGO,
    )
    requirements: Annotated[str, text(rf"({RELATIVE_PATH})?")] = setting(
        "",
        "The file that lists the site's packages; empty: uv.lock, pyproject.toml or requirements.txt.",
        wanted="a path inside the subdirectory, without ..",
        example="requirements/production.txt",
        group=_DJANGO,
    )
    python_version: Annotated[str, text(r"(3\.[0-9]{1,2}(\.[0-9]{1,2})?)?")] = setting(
        "",
        "The Python that the site runs on; empty: what the site asks for, else the host's own.",
        wanted="a version such as 3.13",
        example="3.13",
        group=_DJANGO,
    )
    environment: dict[EnvironmentName, EnvironmentValue] = setting(
        {},
        "Extra environment of the site, kept as secrets on the way.",
        wanted="a map of names (letters, digits and _) to texts, true and false in quotes",
        example={"FEATURE_SEARCH": "on"},
        group=_DJANGO,
    )
    environment_names: dict[OfferedValue, EnvironmentName] = setting(
        {},
        "For a site that reads its settings from the environment: which of Seatrial's values to put under "
        "which name, such as SECRET_KEY under DJANGO_SECRET_KEY.",
        wanted=f"a map of {', '.join(get_args(OfferedValue))} to the site's names (letters, digits and _)",
        example={"SECRET_KEY": "DJANGO_SECRET_KEY"},
        group=_DJANGO,
    )
    # Where the site is reached
    domain: Annotated[str, BeforeValidator(_lower), text(rf"{LABEL}(\.{LABEL})+")] = setting(
        "",
        "The DNS zone at DigitalOcean that the site's name is in.",
        wanted="a domain name",
        example="example.com",
        group=_WEB,
    )
    host: Annotated[str, text(rf"@|{LABEL}(\.{LABEL})*")] = setting(
        "@",
        "The site's name within the domain; @ is the domain itself.",
        wanted="@ or a name such as staging",
        example="staging",
        group=_WEB,
    )
    www: bool = setting(
        False,
        "Whether the site answers under www. before its name too.",
        wanted="true or false",
        example=True,
        group=_WEB,
    )
    ttl: Annotated[int, Field(ge=30, le=86400)] = setting(
        1800,
        "How many seconds resolvers may remember the site's DNS records.",
        wanted="seconds from 30 to 86400",
        example=300,
        group=_WEB,
    )
    create_domain: bool = setting(
        False,
        "Make the DNS zone instead of looking it up. It is kept when the stack is destroyed, unless it ends "
        "in .localhost or .test.",
        wanted="true or false",
        example=True,
        group=_WEB,
    )
    url_port: Annotated[int, Field(ge=1, le=65535)] = setting(
        80,
        "The port in the site's URL, where something in front of the hosts listens on another than 80.",
        wanted="a port from 1 to 65535",
        example=8080,
        group=_WEB,
    )
    # Hosts and access
    topology: Literal["single"] = setting(
        "single",
        "How the site's hosts are arranged: single is everything on one droplet.",
        wanted="single",
        example="single",
        group=_HOSTS,
    )
    droplet_size: Annotated[str, text(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")] = setting(
        "s-1vcpu-2gb",
        "Size of a droplet; workers and caches are sized after it.",
        wanted="a size's slug at DigitalOcean",
        example="s-2vcpu-4gb",
        group=_HOSTS,
    )
    region: Annotated[str, text(r"[a-z]{3}[0-9]")] = setting(
        "fra1",
        "Where the droplets are.",
        wanted="a region's slug at DigitalOcean",
        example="nyc3",
        group=_HOSTS,
    )
    image: Literal["debian-13-x64", "debian-12-x64", "ubuntu-24-04-x64"] = setting(
        "debian-13-x64",
        "The system of a new droplet; a change leaves existing droplets alone.",
        wanted="debian-13-x64, debian-12-x64 or ubuntu-24-04-x64",
        example="debian-13-x64",
        group=_HOSTS,
    )
    reserved_ip: bool = setting(
        False,
        "Whether the site has an address that outlives its droplet.",
        wanted="true or false",
        example=True,
        group=_HOSTS,
    )
    ssh_allowed: list[str] = setting(
        [],
        "Who may connect by SSH; the machine that runs Pulumi must be among them.",
        wanted="a list of at least one address or CIDR range",
        example=["203.0.113.7/32"],
        group=_HOSTS,
    )
    protect: bool = setting(
        False,
        "Refuse to delete or replace what holds data (droplet, passwords, reserved address, zone).",
        wanted="true or false",
        example=True,
        group=_HOSTS,
    )
    # Services
    database: Literal["sqlite", "postgres"] = setting(
        "postgres",
        "The site's database: sqlite is a file on the droplet, postgres a server on it.",
        wanted="sqlite or postgres",
        example="sqlite",
        group=_SERVICES,
    )
    cache: Literal["redis", "none"] = setting(
        "redis",
        "The site's cache: redis is a server on the droplet, none leaves the site's own setting.",
        wanted="redis or none",
        example="none",
        group=_SERVICES,
    )
    smtp: Smtp | None = setting(
        None,
        "The mail server that the site sends through: host, port, security (starttls, tls, none), user, "
        "password (a secret), sender. Empty: none.",
        wanted="a map of host, port, security, user, password and sender",
        example={"host": "smtp.example.com", "user": "shop", "sender": "shop@example.com"},
        group=_SERVICES,
    )
    # Releases
    health_path: Annotated[str, text(r"/[^\s#]*")] = setting(
        "/",
        "The path that must answer below 400 before a release goes live.",
        wanted="a path that begins with /",
        example="/healthz",
        group=_RELEASE,
    )
    keep_releases: Annotated[int, Field(ge=2, le=50)] = setting(
        5,
        "How many releases stay on a host.",
        wanted="a number from 2 to 50",
        example=10,
        group=_RELEASE,
    )
    hooks: Hooks = setting(
        Hooks(),
        "Commands run during a release: before_release, after_migrate, after_release, on_failure.",
        wanted="a map of before_release, after_migrate, after_release or on_failure to a command",
        example={"after_release": "./announce.sh"},
        group=_RELEASE,
    )
    allow_test_commands: bool = setting(
        False,
        "Whether functional tests get access to the hosts and destructive test commands exist; never on a "
        "stack named production.",
        wanted="true or false, and only false on a production stack",
        example=False,
        group=_RELEASE,
    )

    @field_validator("site_name")
    @classmethod
    def _is_free(cls, value: str) -> str:
        if value in _TAKEN_USERS.split():
            raise ValueError("the name of a system user on a host")
        return value

    @field_validator("repository")
    @classmethod
    def _repository(cls, value: str) -> str:
        value = value.strip()
        if not value or value.startswith("-") or re.search(r"[\x00-\x1f]", value):
            raise ValueError("not a repository")
        if "://" in value and urlsplit(value).password is not None:
            raise ValueError("a password in the URL")
        return value

    @field_validator("subdirectory", "requirements")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        if ".." in value.split("/"):
            raise ValueError("leads out of the repository")
        return value.rstrip("/").removeprefix("./") if value != "." else ""

    @field_validator("deploy_key")
    @classmethod
    def _is_a_private_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        text = value.get_secret_value()
        if text and "PRIVATE KEY-----" not in text:
            raise ValueError("not a private key")
        if text and "deploy_key" not in _context(info, "secret"):
            raise ValueError("in plain text")
        return value

    @field_validator("smtp", mode="before")
    @classmethod
    def _no_smtp(cls, value: object) -> object:
        return None if value == {} else value

    @field_validator("smtp")
    @classmethod
    def _password_is_secret(cls, value: Smtp | None, info: ValidationInfo) -> Smtp | None:
        if value and value.password.get_secret_value() and "smtp" not in _context(info, "secret"):
            raise ValueError(
                "its password is in plain text: config set --secret --path seatrial:smtp.password"
            )
        return value

    @field_validator("ssh_allowed")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        if not value:
            raise ValueError("nobody")
        try:
            return list(dict.fromkeys(str(ip_network(entry.strip())) for entry in value))
        except ValueError as error:
            raise ValueError(str(error)) from None

    @field_validator("allow_test_commands")
    @classmethod
    def _never_in_production(cls, value: bool, info: ValidationInfo) -> bool:
        if value and is_production(str(_context(info, "stack"))):
            raise ValueError("a production stack")
        return value

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


class SettingsError(Exception):
    """What is wrong with a stack's settings: one line for each, ready to be shown."""


def is_production(stack: str) -> bool:
    """Whether a stack is a production one by its name (`production`, `production-eu`, `shop.prod`)."""
    return bool({"production", "prod"} & set(re.split(r"[^a-z0-9]+", stack.lower())))


def load(config: Mapping[str, object], *, stack: str = "dev", secret: Collection[str] = ()) -> Settings:
    """Check a stack's configuration and return it as Settings.

    `config` maps setting names (without the namespace) to their values; a list or map may be JSON text, as
    Pulumi hands it on. `secret` names the settings that are encrypted in the stack's file.
    Raises SettingsError, which names every wrong setting at once.
    """
    values = {name: _decoded(name, value) for name, value in config.items()}
    try:
        return Settings.model_validate(values, context={"stack": stack, "secret": frozenset(secret)})
    except ValidationError as error:
        lines = [complaints.line(detail, Settings, stack, secret) for detail in error.errors()]
    count = "one setting is" if len(lines) == 1 else f"{len(lines)} settings are"
    raise SettingsError("\n  ".join([f"stack '{stack}': {count} wrong", *sorted(lines)]))


def _decoded(name: str, value: object) -> object:
    """A list or map out of its JSON text; everything else, and text that is no JSON, as it is."""
    field = Settings.model_fields.get(name)
    if field is None or not isinstance(value, str) or value_type(field) not in {"array", "object"}:
        return value
    try:
        return json.loads(value) if value.strip() else field.default
    except json.JSONDecodeError:
        return value


def _context(info: ValidationInfo, key: str) -> Any:
    return (info.context or {}).get(key, ())
