"""What the rollout is asked for (provisioning/request.py): what the settings say, and the hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi import Input

from infra.host import Host
from infra.names import SSH_USER
from infra.settings import Settings

MOST_PROBED = 50
"""Requests a second of a rollout's measurement, where nothing limits it."""


def of_settings(settings: Settings, commit: str, subject: str, unverified: str) -> dict[str, Any]:
    """The part of the request that the settings and the commit decide."""
    return {
        "site": settings.site_name,
        "url": settings.url,
        "server_names": list(settings.server_names),
        "repository": settings.repository,
        "deploy_key": settings.deploy_key.get_secret_value(),
        "commit": commit,
        "subject": subject,
        **({"unverified": unverified} if unverified else {}),
        "subdirectory": settings.subdirectory,
        "django_settings_module": settings.django_settings_module,
        "wsgi_application": settings.wsgi_application,
        "requirements": settings.requirements,
        "python_version": settings.python_version,
        "health_path": settings.health_path,
        "keep_releases": settings.keep_releases,
        "batch_size": settings.batch_size,
        "drain_seconds": settings.drain_seconds,
        **({"probe_rate": probe_rate(settings.rate_limit)} if settings.rate_limit else {}),
        "hooks": {event: command for event, command in settings.hooks if command},
    }


def probe_rate(limit: int) -> int:
    """How many requests a second a rollout measures with, where a client may make `limit` in 10 seconds.

    It is half of them. The other half is for its smoke tests, and for visitors behind the same address.
    """
    return min(MOST_PROBED, max(1, limit // 20))


def of_host(host: Host) -> Mapping[str, Input[Any]]:
    """The part of the request that describes one host.

    Of an app host it also says what the site there was provisioned with: the site is started again where that
    is another, and on no other host.
    """
    configuration = {"configuration": host.configuration} if "app" in host.roles else {}
    return {
        "name": host.name,
        "address": host.ssh_address,
        "private_address": host.private_address,
        "user": SSH_USER,
        "host_key": host.host_key,
        "droplet_id": host.droplet_id,
        "roles": list(host.roles),
        **configuration,
    }
