"""What has secrets in it: site.json, site.env (roles/app/README.md), and passwords as servers keep them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

_SOCKET_FOLDER = "/run/postgresql"
_REDIS_URL = "unix:///run/redis/redis-server.sock?db=0"
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCRAM_ITERATIONS = 4096


def database_name(site: str) -> str:
    """The site's PostgreSQL database, and the user who owns it: `my-shop` has `my_shop`."""
    return site.replace("-", "_")


def site_json(variables: Mapping[str, str], secrets: Mapping[str, str]) -> str:
    """site.json whole. `variables` and `secrets` are those of `bundle.render`, already checked there."""
    site = variables["site_name"]
    shared = f"/srv/{site}/shared"
    database: dict[str, str | None] = {
        "engine": variables["database"],
        "name": None,
        "user": None,
        "password": None,
        "host": None,
        "path": f"{shared}/database/db.sqlite3",
    }
    if variables["database"] == "postgres":
        name = database_name(site)
        database |= {
            "name": name,
            "user": name,
            "password": secrets["database_password"],
            "host": variables.get("database_host") or _SOCKET_FOLDER,
            "path": None,
        }
        if variables.get("database_host"):
            database["port"] = "5432"
    smtp = _prefixed(variables, "smtp.")
    if smtp and "smtp_password" in secrets:
        smtp["password"] = secrets["smtp_password"]
    content: dict[str, Any] = {
        "site": site,
        "server_names": variables["server_names"].split(),
        "url": variables["url"].rstrip("/"),
        "secret_key": secrets["secret_key"],
        "database": database,
        "cache": {"url": _redis_url(variables, secrets)} if variables["cache"] == "redis" else None,
        "static_root": None,
        "media_root": f"{shared}/media",
        "static_url": None,
        "smtp": smtp or None,
        "environment": _prefixed(secrets, "env."),
        "environment_names": _prefixed(variables, "envname."),
        "python_version": variables.get("python_version", ""),
        "allow_test_commands": variables.get("allow_test_commands") == "true",
        "memory_mb": int(variables["memory_mb"]),
        "cpus": int(variables["cpus"]),
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def site_env(secrets: Mapping[str, str]) -> str:
    """The extra environment as systemd's EnvironmentFile= reads it.

    Raises ValueError for what can't be the name of an environment variable.
    """
    lines = []
    for name, value in sorted(_prefixed(secrets, "env.").items()):
        if not _ENVIRONMENT_NAME.fullmatch(name):
            raise ValueError(f"environment: {name!r} can't be the name of an environment variable")
        quoted = re.sub(r'(["\\$`])', r"\\\1", value)
        lines.append(f'{name}="{quoted}"\n')
    return "".join(lines)


def redis_acl(password: str) -> str:
    """Redis's users as its ACL file has them: one, who may use a cache and do nothing to the server.

    The password is in it as its digest.
    """
    digest = hashlib.sha256(password.encode()).hexdigest()
    return f"user default on #{digest} ~* &* +@all -@admin -@dangerous +flushdb +info\n"


def edge_operators(password: str) -> str:
    """Who may see HAProxy's statistics, as a part of its configuration.

    Raises ValueError for a password that has more in it than letters, digits, hyphens and underscores.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", password):
        raise ValueError("stats_password: only letters, digits, hyphens and underscores can be used")
    return f"userlist operators\n    user seatrial insecure-password {password}\n"


def syslog_message(token: str) -> str:
    """How rsyslog writes a message as RFC 5424 has it, as a part of its configuration.

    `token` is the inside of the structured data that goes with each; empty: none does.
    Raises ValueError for a token that would end the element, or the configuration's text.
    """
    if not re.fullmatch(r"[^\x00-\x1f\\%\]\[]*", token):
        raise ValueError("syslog_token: brackets, backslashes and percent signs can't be used")
    data = "[" + token.replace('"', '\\"') + "]" if token else "-"
    head = "<%pri%>1 %timestamp:::date-rfc3339% %hostname% %app-name% %procid% %msgid%"
    return f'template(name="message" type="string" string="{head} {data} %msg%\\n")\n'


def scram_verifier(password: str, *, user: str) -> str:
    """What PostgreSQL stores of a password: always the same text, so that it can be compared.

    Raises ValueError for a password that isn't plain ASCII.
    """
    if not password.isascii() or not password.isprintable():
        raise ValueError("database_password: only printable ASCII characters can be used")
    # Not random, but this user's alone: the password is, and nothing of it shows in the salt.
    salt = hashlib.sha256(f"seatrial postgres {user}".encode()).digest()[:16]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored_key, server_key))
    return f"SCRAM-SHA-256${_SCRAM_ITERATIONS}:{salt64}${stored64}:{server64}"


def _redis_url(variables: Mapping[str, str], secrets: Mapping[str, str]) -> str:
    host = variables.get("redis_host")
    return f"redis://:{quote(secrets['redis_password'], safe='')}@{host}:6379/0" if host else _REDIS_URL


def _prefixed(values: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
