"""A whole site: network, firewall, host, DNS and release, put together from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_random as random
from pulumi import Input, Output, ResourceOptions

from infra import names
from infra.dns import Dns, DnsArgs
from infra.firewall import Firewall, FirewallArgs
from infra.host import Host, HostArgs
from infra.keys import Keys, KeysArgs
from infra.network import Network, NetworkArgs
from infra.release import Release, ReleaseArgs
from infra.settings import Settings
from provisioning.bundle import ROLES

#: The one host of the topology `single`.
_HOST = "web"


@dataclass(frozen=True, kw_only=True)
class SiteArgs:
    """What Site needs: the stack's name and settings, and the commit (with its subject) to release."""

    stack: str
    settings: Settings
    commit: str
    subject: str


class Site(pulumi.ComponentResource):
    """A Django site with everything it stands on.

    Children: Keys, Network, Firewall, Host, Dns, Release, and the site's generated secrets
    (random.RandomPassword). Outputs: hosts, dns_records, release, previous_release, rollout,
    functional_test_env, private_key (secret).
    """

    def __init__(self, name: str, args: SiteArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("seatrial:site:Site", name, None, opts)
        settings, child = args.settings, ResourceOptions(parent=self)
        prefix = names.prefix(settings.site_name, args.stack)
        kept = ResourceOptions(parent=self, protect=settings.protect)
        secrets = {
            "secret_key": _password(f"{name}-secret-key", 64, kept),
            "database_password": _password(f"{name}-database-password", 32, kept),
            **given_secrets(settings),
        }

        keys = Keys(f"{name}-keys", KeysArgs(account_name=prefix), child)
        network = Network(f"{name}-network", NetworkArgs(prefix=prefix, region=settings.region), child)
        firewall = Firewall(
            f"{name}-firewall",
            FirewallArgs(account_name=prefix, tag=network.host_tag, ssh_allowed=settings.ssh_allowed),
            child,
        )
        roles = roles_of(settings)
        host = Host(
            f"{name}-{_HOST}",
            HostArgs(
                host=_HOST,
                account_name=f"{prefix}-{_HOST}",
                roles=roles,
                region=settings.region,
                size=settings.droplet_size,
                image=settings.image,
                vpc_id=network.vpc_id,
                tag=network.host_tag,
                access=keys.access,
                key_fingerprint=keys.fingerprint,
                variables=variables(settings, args.stack),
                secrets=secrets,
                reserved_ip=settings.reserved_ip,
                protect=settings.protect,
                guard=firewall,
            ),
            child,
        )
        dns = Dns(
            f"{name}-dns",
            DnsArgs(
                domain=settings.domain,
                records=records_of(settings),
                address=host.public_address,
                ttl=settings.ttl,
                create_domain=settings.create_domain,
                protect=settings.protect,
            ),
            child,
        )
        hosts = [_host_request(host, roles)]
        release = Release(
            f"{name}-release",
            ReleaseArgs(
                commit=args.commit,
                request={
                    **request(settings, args.commit, args.subject),
                    "hosts": hosts,
                    "private_key": keys.access.private,
                    "configuration": host.applied,
                },
                after=[host.provisioned],
            ),
            child,
        )

        self.hosts = Output.all(host.public_address, host.private_address, host.host_key).apply(
            lambda found: {
                _HOST: {
                    "public_address": found[0],
                    "private_address": found[1],
                    "roles": roles,
                    "host_key": found[2],
                }
            }
        )
        self.dns_records = dns.records
        self.release = release.release
        self.previous_release = release.previous_release
        self.rollout = release.rollout
        self.private_key = keys.access.private
        self.functional_test_env = host.public_address.apply(lambda address: test_env(settings, address))
        self.register_outputs({"hosts": self.hosts, "dns_records": self.dns_records, "release": self.release})


def _password(name: str, length: int, opts: ResourceOptions) -> Output[str]:
    """A random text of letters and digits, made once and kept: it needs no quoting anywhere."""
    return Output.secret(random.RandomPassword(name, length=length, special=False, opts=opts).result)


def roles_of(settings: Settings) -> list[str]:
    """The roles of the one host, in the order in which they are applied."""
    not_wanted = {"cache": settings.cache != "redis", "database": settings.database != "postgres"}
    return [role for role in ROLES if not not_wanted.get(role, False)]


def records_of(settings: Settings) -> list[str]:
    """The names to put into the domain's zone: the site's, and its www. where asked for."""
    www = "www" if settings.host == "@" else f"www.{settings.host}"
    return [settings.host, *([www] if settings.www else [])]


def variables(settings: Settings, stack: str) -> dict[str, Input[str]]:
    """What the roles may know that is no secret (provisioning/bundle.py has the list)."""
    smtp = settings.smtp
    mail = (
        {
            "smtp.host": smtp.host,
            "smtp.port": str(smtp.port),
            "smtp.security": smtp.security,
            "smtp.user": smtp.user,
            "smtp.sender": smtp.sender,
        }
        if smtp
        else {}
    )
    return {
        "site_name": settings.site_name,
        "server_names": " ".join(settings.server_names),
        "url": settings.url,
        "database": settings.database,
        "cache": settings.cache,
        "python_version": settings.python_version,
        "stack": stack,
        **{f"envname.{ours}": theirs for ours, theirs in settings.environment_names.items()},
        **mail,
    }


def given_secrets(settings: Settings) -> dict[str, Output[str]]:
    """The secrets that the settings bring along, each marked as one."""
    given = {f"env.{key}": value for key, value in settings.environment.items()}
    if settings.smtp and settings.smtp.password.get_secret_value():
        given["smtp_password"] = settings.smtp.password.get_secret_value()
    return {key: Output.secret(value) for key, value in given.items()}


def request(settings: Settings, commit: str, subject: str) -> dict[str, Any]:
    """The part of a rollout's request that the settings alone decide (provisioning/request.py)."""
    return {
        "site": settings.site_name,
        "url": settings.url,
        "server_names": list(settings.server_names),
        "repository": settings.repository,
        "deploy_key": settings.deploy_key.get_secret_value(),
        "commit": commit,
        "subject": subject,
        "subdirectory": settings.subdirectory,
        "django_settings_module": settings.django_settings_module,
        "wsgi_application": settings.wsgi_application,
        "requirements": settings.requirements,
        "python_version": settings.python_version,
        "health_path": settings.health_path,
        "keep_releases": settings.keep_releases,
        "hooks": {event: command for event, command in settings.hooks if command},
    }


def _host_request(host: Host, roles: list[str]) -> Mapping[str, Input[Any]]:
    return {
        "name": _HOST,
        "address": host.ssh_address,
        "private_address": host.private_address,
        "user": names.SSH_USER,
        "host_key": host.host_key,
        "droplet_id": host.droplet_id,
        "roles": roles,
    }


def test_env(settings: Settings, address: str) -> dict[str, str]:
    """The environment that functional tests get: where the site is and, where allowed, who to connect as."""
    env = {"STAGING_SERVER": settings.authority, "TEST_SERVER": settings.authority, "BASE_URL": settings.url}
    return {**env, "SITE_SSH": f"{names.SSH_USER}@{address}"} if settings.allow_test_commands else env
