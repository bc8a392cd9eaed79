"""A whole site: network, firewalls, hosts, DNS and release, put together from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import Output, ResourceOptions

from infra import logs, names, order, told, topology
from infra.certificates import Certificate, CertificateArgs
from infra.dns import Dns, DnsArgs
from infra.firewall import Firewall, FirewallArgs
from infra.functional_tests import FunctionalTests, FunctionalTestsArgs
from infra.host import Host, HostArgs
from infra.keys import Keys, KeysArgs
from infra.network import Network, NetworkArgs
from infra.release import Release, ReleaseArgs
from infra.settings import Settings
from infra.topology import PlannedHost


@dataclass(frozen=True, kw_only=True)
class SiteArgs:
    """What Site needs: the stack's name and settings, and the commit (with its subject) to release.

    `unverified` says why a commit goes out that is not the verified one; empty: it is, or none has to be.
    """

    stack: str
    settings: Settings
    commit: str
    subject: str
    unverified: str = ""


class Site(pulumi.ComponentResource):
    """A Django site with everything it stands on.

    Children: Keys, Network, Firewall, one Host for each of the topology's, Dns, Release, where there are any
    FunctionalTests, the Certificate of a syslog host, and the site's generated passwords
    (random.RandomPassword). Outputs: hosts, dns_records, release, previous_release, rollout,
    functional_test_env, private_key (secret), verified_revision (None where there are no functional tests).
    """

    hosts: Output[dict[str, Any]]
    verified_revision: Output[str] | None

    def __init__(self, name: str, args: SiteArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("seatrial:site:Site", name, None, opts)
        self._site, self._args, self._child = name, args, ResourceOptions(parent=self)
        settings, child = args.settings, self._child
        plan = topology.plan(settings)
        prefix = names.prefix(settings.site_name, args.stack)
        kept = ResourceOptions(parent=self, protect=settings.protect)
        passwords = told.passwords(name, settings, kept)
        self._keys = Keys(f"{name}-keys", KeysArgs(account_name=prefix), child)
        self._network = Network(
            f"{name}-network", NetworkArgs(prefix=prefix, region=settings.region, groups=plan.groups), child
        )
        self._firewall = Firewall(
            f"{name}-firewall",
            FirewallArgs(
                account_name=prefix,
                tag=self._network.host_tag,
                group_tags=self._network.group_tags,
                ssh_allowed=settings.ssh_allowed,
                openings=plan.openings,
            ),
            child,
        )
        hosts = {planned.name: self._host(planned, plan) for planned in plan.hosts}
        address = hosts[plan.entry.name].site_address
        certificate = self._certificate(plan)
        # All at once: none needs another's work before the release, which waits for every one of them.
        for host in hosts.values():
            host.provision(
                variables={
                    **told.variables(settings, args.stack, host, hosts.values(), self._network.ip_range),
                    **told.pair(settings, host, hosts.values(), address),
                    **logs.variables(settings, prefix, host, hosts.values(), certificate),
                },
                secrets={
                    **told.secrets(settings, passwords, host),
                    **logs.secrets(settings, host, certificate),
                },
            )
        first = hosts[plan.app_hosts[0].name]
        dns = Dns(
            f"{name}-dns",
            DnsArgs(
                domain=settings.domain,
                records=records_of(settings),
                address=address,
                ttl=settings.ttl,
                create_domain=settings.create_domain,
                protect=settings.protect,
            ),
            child,
        )
        release = self._release(hosts, address)

        self.hosts = Output.all(**{host.name: _facts(host) for host in hosts.values()})
        self.dns_records = dns.records
        self.release = release.release
        self.previous_release = release.previous_release
        self.rollout = release.rollout
        self.private_key = self._keys.access.private
        self.functional_test_env = first.public_address.apply(
            lambda address: test_env(settings, args.stack, address)
        )
        self.verified_revision = None
        if settings.functional_tests:
            self.verified_revision = self._functional_tests(release, dns).verified_revision
        self.register_outputs({"hosts": self.hosts, "dns_records": self.dns_records, "release": self.release})

    @property
    def said(self) -> dict[str, Output[Any]]:
        """The outputs that a stack puts out of its site, by their names."""
        always = {
            "hosts": self.hosts,
            "dns_records": self.dns_records,
            "release": self.release,
            "previous_release": self.previous_release,
            "rollout": self.rollout,
            "functional_test_env": self.functional_test_env,
        }
        verified = self.verified_revision
        return always if verified is None else {**always, "verified_revision": verified}

    def _host(self, planned: PlannedHost, plan: topology.Plan) -> Host:
        settings = self._args.settings
        return Host(
            f"{self._site}-{planned.name}",
            HostArgs(
                host=planned.name,
                account_name=f"{names.prefix(settings.site_name, self._args.stack)}-{planned.name}",
                roles=planned.roles,
                region=settings.region,
                size=planned.size,
                image=settings.image,
                vpc_id=self._network.vpc_id,
                tags=self._network.tags(planned.group),
                access=self._keys.access,
                key_fingerprint=self._keys.fingerprint,
                reserved_ip=(settings.reserved_ip or plan.shares_address) and planned is plan.entry,
                address_moves=plan.shares_address,
                protect=settings.protect and planned.keeps_data,
                protect_address=settings.protect,
                guard=self._firewall,
            ),
            self._child,
        )

    def _certificate(self, plan: topology.Plan) -> Certificate | None:
        """The certificate of the stack's own syslog host, where there is one."""
        keeper = next((host for host in plan.hosts if "syslog" in host.roles), None)
        if keeper is None:
            return None
        return Certificate(f"{self._site}-syslog", CertificateArgs(host=keeper.name), self._child)

    def _release(self, hosts: Mapping[str, Host], address: Output[str]) -> Release:
        args = self._args
        return Release(
            f"{self._site}-release",
            ReleaseArgs(
                commit=args.commit,
                request={
                    **order.of_settings(args.settings, args.commit, args.subject, args.unverified),
                    "site_address": address,
                    "hosts": [order.of_host(host) for host in hosts.values()],
                    "private_key": self._keys.access.private,
                },
                after=[host.provisioned for host in hosts.values()],
            ),
            self._child,
        )

    def _functional_tests(self, release: Release, dns: Dns) -> FunctionalTests:
        return FunctionalTests(
            f"{self._site}-functional-tests",
            FunctionalTestsArgs(
                command=self._args.settings.functional_tests,
                commit=self._args.commit,
                environment=self.functional_test_env,
                release=release,
                after=[dns],
            ),
            self._child,
        )


def _facts(host: Host) -> Mapping[str, Any]:
    return {
        "public_address": host.public_address,
        "private_address": host.private_address,
        "roles": list(host.roles),
        "host_key": host.host_key,
    }


def records_of(settings: Settings) -> list[str]:
    """The names to put into the domain's zone: the site's, and its www. where asked for."""
    www = "www" if settings.host == "@" else f"www.{settings.host}"
    return [settings.host, *([www] if settings.www else [])]


def test_env(settings: Settings, stack: str, address: str) -> dict[str, str]:
    """The environment that functional tests get: where the site is and, where allowed, the way to its hosts.

    TEST_COMMAND is a path in the project: it runs a management command on the stack TEST_STACK.
    """
    env = {"STAGING_SERVER": settings.authority, "TEST_SERVER": settings.authority, "BASE_URL": settings.url}
    if not settings.allow_test_commands:
        return env
    ssh = f"{names.SSH_USER}@{address}"
    return {**env, "SITE_SSH": ssh, "TEST_COMMAND": "tools/test-command.sh", "TEST_STACK": stack}
