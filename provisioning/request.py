"""What a rollout is asked to do: one JSON document on stdin."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

_STRICT = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class RequestError(Exception):
    """The request is wrong: one line for each thing, naming it and what is allowed."""


class Host(BaseModel):
    """A host of the site. `host_key` is its public SSH key; no other is accepted.

    `configuration` names what it was provisioned with; empty, the request's own is meant.
    """

    model_config = _STRICT

    name: str
    address: str
    private_address: str = ""
    user: str = "seatrial"
    host_key: str
    droplet_id: str = ""
    roles: list[str] = ["app"]
    configuration: str = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 22

    @field_validator("droplet_id", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value


class Hooks(BaseModel):
    """Shell commands, run on the machine that runs the rollout."""

    model_config = _STRICT

    before_release: str = ""
    after_migrate: str = ""
    after_release: str = ""
    on_failure: str = ""


class Request(BaseModel):
    """One rollout. With `rollback`, what was live before goes live again, whatever `commit` says.

    `site_address` is where visitors come to; empty, it is the entry's own.
    """

    model_config = _STRICT

    site: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,23}$")]
    url: str
    server_names: Annotated[list[str], Field(min_length=1)]
    hosts: Annotated[list[Host], Field(min_length=1)]
    site_address: str = ""
    private_key: SecretStr
    repository: str
    deploy_key: SecretStr | None = None
    commit: Annotated[str, Field(pattern=r"^([0-9a-f]{40}([0-9a-f]{24})?)?$")] = ""
    rollback: bool = False
    subject: str = ""
    unverified: str = ""
    """Why a commit goes out that no other stack has verified; it stays with the release."""
    subdirectory: str = ""
    django_settings_module: str = ""
    wsgi_application: str = ""
    requirements: str = ""
    python_version: str = ""
    health_path: Annotated[str, Field(pattern=r"^/")] = "/"
    keep_releases: Annotated[int, Field(ge=2, le=100)] = 5
    hooks: Hooks = Hooks()
    configuration: str = ""
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = 30.0
    batch_size: Annotated[int, Field(ge=1, le=100)] = 1
    probe_rate: Annotated[int, Field(ge=1, le=1000)] = 50

    @field_validator("url")
    @classmethod
    def _is_web(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be http://... or https://...")
        return value.rstrip("/")

    @field_validator("deploy_key", mode="before")
    @classmethod
    def _none_for_empty(cls, value: object) -> object:
        return None if value == "" else value

    @model_validator(mode="after")
    def _is_whole(self) -> Request:
        if not self.commit and not self.rollback:
            raise ValueError("commit: it is needed, unless rollback is true")
        if not self.app_hosts:
            raise ValueError("hosts: none of them has the role 'app'")
        names = [host.name for host in self.hosts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"hosts: more than one is called {', '.join(twice)}")
        return self

    @property
    def app_hosts(self) -> list[Host]:
        """The hosts that run the site, in the order they are released on."""
        return [host for host in self.hosts if "app" in host.roles]

    @property
    def edges(self) -> list[Host]:
        """The hosts that take the visitors' requests and share them out; none where an app host does that."""
        return [host for host in self.hosts if "edge" in host.roles]

    @property
    def entry(self) -> Host:
        """The host that visitors reach: the first edge, where there is one."""
        return next(iter(self.edges), self.app_hosts[0])

    @property
    def configurations(self) -> dict[str, str]:
        """What each app host was provisioned with, by name: where it changes, the site is started anew."""
        return {host.name: host.configuration or self.configuration for host in self.app_hosts}

    @property
    def scheme(self) -> Literal["http", "https"]:
        return "https" if self.url.startswith("https:") else "http"

    @property
    def host_header(self) -> str:
        """The Host header of a visitor's browser."""
        return urlsplit(self.url).netloc

    @property
    def build_key(self) -> str:
        """Names what a built release depends on: the same key, and the release is used as it is."""
        parts = [
            self.commit,
            self.subdirectory,
            self.django_settings_module,
            self.wsgi_application,
            self.requirements,
            self.python_version,
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def parse(text: str) -> Request:
    """Read a request. Raises RequestError with every fault at once, and no values, which may be secret."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise RequestError(f"the request on stdin is not JSON ({error.msg}, line {error.lineno})") from None
    try:
        return Request.model_validate_json(text)
    except ValidationError as error:
        lines = [
            ": ".join(
                part
                for part in (
                    ".".join(str(name) for name in fault["loc"]),
                    fault["msg"].removeprefix("Value error, "),
                )
                if part
            )
            for fault in error.errors()
        ]
        raise RequestError("\n".join(f"wrong request: {line}" for line in lines)) from None
