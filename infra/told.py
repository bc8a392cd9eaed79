"""What each host's roles are told (provisioning/bundle.py has the list): the site, neighbours, secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi_random as random
from pulumi import Input, Output, ResourceOptions

from infra.host import Host
from infra.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Passwords:
    """What the stack makes up once and keeps. Letters and digits: they need no quoting anywhere."""

    secret_key: Output[str]
    database: Output[str]
    redis: Output[str] | None
    stats: Output[str] | None


def passwords(name: str, settings: Settings, opts: ResourceOptions) -> Passwords:
    """The passwords that the topology has a use for."""

    def password(what: str, length: int) -> Output[str]:
        made = random.RandomPassword(f"{name}-{what}", length=length, special=False, opts=opts)
        return Output.secret(made.result)

    several = settings.topology == "balanced"
    return Passwords(
        secret_key=password("secret-key", 64),
        database=password("database-password", 32),
        redis=password("redis-password", 32) if several and settings.cache == "redis" else None,
        stats=password("stats-password", 24) if several else None,
    )


def variables(
    settings: Settings, stack: str, host: Host, hosts: Iterable[Host], private_network: Input[str]
) -> dict[str, Input[str]]:
    """What a host's roles may know that is no secret."""
    told: dict[str, Input[str]] = {
        "site_name": settings.site_name,
        "server_names": " ".join(settings.server_names),
        "url": settings.url,
        "database": settings.database,
        "cache": settings.cache,
        "python_version": settings.python_version,
        "stack": stack,
        **{f"envname.{ours}": theirs for ours, theirs in settings.environment_names.items()},
        **_mail(settings),
    }
    if settings.allow_test_commands and "app" in host.roles:
        told["allow_test_commands"] = "true"
    if settings.topology == "single":
        return told
    told |= {
        "topology": settings.topology,
        "private_address": host.private_address,
        "private_network": private_network,
    }
    if "edge" in host.roles:
        told |= {
            "app_servers": _listed({other.name: other for other in hosts if "app" in other.roles}),
            "health_path": settings.health_path,
            "rate_limit": str(settings.rate_limit),
            "drain_seconds": str(settings.drain_seconds),
        }
    if "app" in host.roles:
        told |= {
            "database_host": _address_of("database", hosts),
            "redis_host": _address_of("cache", hosts),
            "edge_addresses": _joined([o.private_address for o in hosts if "edge" in o.roles]),
        }
    return told


def pair(settings: Settings, host: Host, hosts: Iterable[Host], address: Input[str]) -> dict[str, Input[str]]:
    """What one of two edges has to know of the other, and of the address that both may hold."""
    others = [other for other in hosts if "failover" in other.roles and other is not host]
    if "failover" not in host.roles or not others:
        return {}
    return {
        "site_address": address,
        "droplet_id": host.droplet_id,
        "edge_peer": others[0].private_address,
        "edge_peer_droplet": others[0].droplet_id,
        "edge_api": settings.edge_api,
    }


def secrets(settings: Settings, made: Passwords, host: Host) -> dict[str, Input[str]]:
    """The secrets of a host's roles; no host gets one that it has no use for."""
    told: dict[str, Input[str]] = {}
    if "edge" in host.roles and made.stats:
        told["stats_password"] = made.stats
    if "failover" in host.roles:
        told["edge_token"] = Output.secret(settings.edge_token.get_secret_value())
    if {"app", "database"} & set(host.roles):
        told["database_password"] = made.database
    if {"app", "cache"} & set(host.roles) and made.redis:
        told["redis_password"] = made.redis
    if "app" in host.roles:
        told |= {"secret_key": made.secret_key, **_given(settings)}
    return told


def _given(settings: Settings) -> dict[str, Output[str]]:
    """The secrets that the settings bring along, each marked as one."""
    given = {f"env.{key}": value for key, value in settings.environment.items()}
    if settings.smtp and settings.smtp.password.get_secret_value():
        given["smtp_password"] = settings.smtp.password.get_secret_value()
    return {key: Output.secret(value) for key, value in given.items()}


def _mail(settings: Settings) -> Mapping[str, str]:
    smtp = settings.smtp
    if not smtp:
        return {}
    return {
        "smtp.host": smtp.host,
        "smtp.port": str(smtp.port),
        "smtp.security": smtp.security,
        "smtp.user": smtp.user,
        "smtp.sender": smtp.sender,
    }


def _address_of(role: str, hosts: Iterable[Host]) -> Input[str]:
    return next((host.private_address for host in hosts if role in host.roles), "")


def _joined(parts: Iterable[Input[str]]) -> Output[str]:
    return Output.all(*parts).apply(" ".join)


def _listed(servers: Mapping[str, Host]) -> Output[str]:
    return _joined([Output.concat(name, "=", server.private_address) for name, server in servers.items()])
