"""Where the site's code comes from."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr, ValidationInfo, field_validator

from infra.fields import FROZEN, RELATIVE_PATH, context, inside, setting, text

GROUP = "The site's source"

#: The revision that means: the commit that another stack's functional tests passed on.
VERIFIED = "verified"

#: Users that a host has anyway; a site runs as a user of its own name.
_TAKEN_USERS = (
    "root daemon bin sys man mail news proxy backup list irc nobody sshd git ubuntu debian seatrial nginx "
    "redis postgres haproxy syslog messagebus"
)


class Source(BaseModel):
    """The site's name and its code."""

    model_config = FROZEN

    site_name: Annotated[str, text(r"[a-z][a-z0-9-]{0,22}[a-z0-9]|[a-z]")] = setting(
        "site",
        "Short name of the site; its user, folders and cloud resources are named after it.",
        wanted="1 to 24 lower-case letters, digits and hyphens, beginning with a letter",
        example="todo",
        group=GROUP,
    )
    repository: str = setting(
        "",
        "The site's source: a git URL, or a path on this machine (a git work tree or a plain folder).",
        wanted="a git URL without a password in it, or a path",
        example="https://github.com/ana/shop.git",
        group=GROUP,
    )
    deploy_key: SecretStr = setting(
        SecretStr(""),
        "SSH private key that may read the repository (a secret); empty for a public one.",
        wanted="the text of an SSH private key, kept as a secret",
        example="-----BEGIN OPENSSH PRIVATE KEY----- ...",
        hidden=True,
        group=GROUP,
    )
    revision: Annotated[str, text(r"([A-Za-z0-9_][A-Za-z0-9_./+@-]*)?")] = setting(
        "",
        "What to release: a branch, a tag, a commit, or verified: the commit that verified_by has proved. "
        "Empty: verified where verified_by is set, else HEAD, the default branch.",
        wanted="a branch, tag or commit, or verified",
        example="main",
        group=GROUP,
    )
    subdirectory: Annotated[str, text(rf"({RELATIVE_PATH})?")] = setting(
        "",
        "The folder of the repository that holds manage.py; empty for its root.",
        wanted="a path inside the repository, without ..",
        example="backend",
        group=GROUP,
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

    @field_validator("subdirectory")
    @classmethod
    def _subdirectory(cls, value: str) -> str:
        return inside(value)

    @field_validator("deploy_key")
    @classmethod
    def _is_a_private_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        text = value.get_secret_value()
        if text and "PRIVATE KEY-----" not in text:
            raise ValueError("not a private key")
        if text and "deploy_key" not in context(info, "secret"):
            raise ValueError("in plain text")
        return value
