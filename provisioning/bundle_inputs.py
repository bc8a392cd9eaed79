"""What a bundle is made of: the variables and secrets that may be given, and what each role wants of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

_REQUIRED = ("site_name", "server_names", "url", "database", "cache", "memory_mb", "cpus", "stack")
_OPTIONAL = (
    "python_version",
    "allow_test_commands",
    "topology",
    "private_address",
    "private_network",
    "app_servers",
    "health_path",
    "rate_limit",
    "drain_seconds",
    "database_host",
    "redis_host",
    "edge_addresses",
    "site_address",
    "droplet_id",
    "edge_peer",
    "edge_peer_droplet",
    "edge_api",
    "syslog_server",
    "syslog_name",
    "syslog_from",
    "syslog_certificate",
    "syslog_keep_days",
)
_PREFIXES = ("smtp.", "envname.")
_SECRETS = (
    "secret_key",
    "database_password",
    "redis_password",
    "stats_password",
    "smtp_password",
    "edge_token",
    "syslog_key",
    "syslog_token",
)
FAILOVER = ("private_address", "site_address", "droplet_id", "edge_peer", "edge_peer_droplet", "edge_api")
"""What the role failover is told."""
_ADDRESS = r"(?:\d{1,3}\.){3}\d{1,3}"
_SERVER = rf"[a-z][a-z0-9-]*={_ADDRESS}"
_NAME = r"[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?"
_FORMS = {
    "site_name": (r"[a-z][a-z0-9-]{0,23}", "a lower-case letter, then up to 23 letters, digits or hyphens"),
    "server_names": (r"[a-zA-Z0-9.-]+( [a-zA-Z0-9.-]+)*", "host names with spaces between"),
    "url": (r"https?://[a-zA-Z0-9.-]+(:\d+)?/?", "http(s)://name[:port]"),
    "database": (r"sqlite|postgres", "sqlite or postgres"),
    "cache": (r"redis|none", "redis or none"),
    "memory_mb": (r"[1-9]\d{0,7}", "a number of MiB"),
    "cpus": (r"[1-9]\d{0,3}", "a number"),
    "allow_test_commands": (r"true|false", "true or false"),
    "topology": (r"single|balanced", "single or balanced"),
    "private_address": (_ADDRESS, "an IPv4 address"),
    "private_network": (rf"{_ADDRESS}/\d{{1,2}}", "a range of IPv4 addresses, as 10.116.0.0/20"),
    "app_servers": (rf"{_SERVER}( {_SERVER})*", "name=address of each app host, with spaces between"),
    "health_path": (r"/[A-Za-z0-9._~!&()*+,;=:@%/?-]*", "a path of the site that begins with /"),
    "rate_limit": (r"\d{1,6}", "a number of requests, 0 for no limit"),
    "drain_seconds": (r"\d{1,4}", "a number of seconds"),
    "database_host": (rf"({_ADDRESS})?", "an IPv4 address, or nothing"),
    "redis_host": (rf"({_ADDRESS})?", "an IPv4 address, or nothing"),
    "site_address": (_ADDRESS, "an IPv4 address"),
    "droplet_id": (r"\d+", "a droplet's number"),
    "edge_peer": (_ADDRESS, "the other edge's private IPv4 address"),
    "edge_peer_droplet": (r"\d+", "a droplet's number"),
    "edge_api": (r"https?://[A-Za-z0-9.:\[\]-]+", "http(s)://name[:port]"),
    "edge_addresses": (rf"({_ADDRESS}( {_ADDRESS})*)?", "IPv4 addresses with spaces between, or nothing"),
    "syslog_server": (rf"{_NAME}:\d{{1,5}}", "name:port or address:port"),
    "syslog_name": (_NAME, "a host name"),
    "syslog_from": (_NAME, "a host name"),
    "syslog_certificate": (
        r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n?",
        "PEM",
    ),
    "syslog_keep_days": (r"[1-9]\d{0,3}", "a number of days"),
}


def mistakes(
    roles: Sequence[str], known_roles: Sequence[str], variables: Mapping[str, str], secrets: Mapping[str, str]
) -> Iterator[str]:
    """One line for each thing that is wrong with what `bundle.render` was given."""
    for role in roles:
        if role not in known_roles:
            yield f"unknown role {role!r}; there are {', '.join(known_roles)}"
    if not set(roles) & set(known_roles):
        yield "a host needs at least one role"
    for name in _REQUIRED:
        if name not in variables:
            yield f"variable {name} is missing"
    for name in variables:
        if name not in (*_REQUIRED, *_OPTIONAL) and not name.startswith(_PREFIXES):
            yield f"unknown variable {name}"
    for name, (form, meaning) in _FORMS.items():
        if name in variables and not re.fullmatch(form, variables[name]):
            yield f"variable {name} is {variables[name]!r}: it must be {meaning}"
    for role, name in _wanted_variables(roles, variables):
        if not variables.get(name):
            yield f"variable {name} is missing: the role {role} needs it here"
    for name in _wanted_secrets(roles, variables):
        if name not in secrets:
            yield f"secret {name} is missing"
    for name in secrets:
        if name not in _SECRETS and not name.startswith("env."):
            yield f"unknown secret {name}"


def is_shared(variables: Mapping[str, str]) -> bool:
    """Whether other hosts use the database and the cache of this one."""
    return variables.get("topology") == "balanced"


def _wanted_variables(roles: Sequence[str], variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if "edge" in roles:
        yield "edge", "app_servers"
        yield "edge", "private_address"
    wanted = {
        "failover": FAILOVER,
        "syslog": ("private_address", "syslog_keep_days", "syslog_certificate"),
        "sender": ("syslog_server", "syslog_name", "syslog_from"),
    }
    for role, names in wanted.items():
        if role in roles:
            yield from ((role, name) for name in names)
    if is_shared(variables):
        for role in ("database", "cache"):
            if role in roles:
                yield role, "private_address"
                yield role, "private_network"


def _wanted_secrets(roles: Sequence[str], variables: Mapping[str, str]) -> Iterator[str]:
    if "app" in roles:
        yield "secret_key"
    if "database" in roles or ("app" in roles and variables.get("database") == "postgres"):
        yield "database_password"
    if ("cache" in roles and is_shared(variables)) or ("app" in roles and variables.get("redis_host")):
        yield "redis_password"
    if "edge" in roles:
        yield "stats_password"
    if "failover" in roles:
        yield "edge_token"
    if "syslog" in roles:
        yield "syslog_key"
