"""The stack, from top to bottom: settings, the commit to release, the site, what is said of it."""

from __future__ import annotations

import pulumi

from infra import config, dns, promotion
from infra.settings import SettingsError
from infra.site import Site, SiteArgs
from provisioning import source


def main() -> None:
    """Register the stack's site and export its outputs.

    Everything that can be known to be wrong is said here, before the first resource is registered.
    """
    try:
        settings = config.read()
        key = settings.deploy_key.get_secret_value() or None
        gate = promotion.gate(settings)
        commit = source.resolve(settings.repository, gate.revision, deploy_key=key)
        unverified = gate.reason_for(commit.sha)
        if not settings.create_domain:
            dns.require_domain(settings.domain)
    except (SettingsError, promotion.PromotionError, source.SourceError, dns.DomainError) as error:
        raise pulumi.RunError(str(error)) from None

    if commit.dirty:
        pulumi.warn(
            f"{settings.repository} has changes that are not committed; {commit.sha[:12]} goes without them"
        )
    if unverified:
        pulumi.warn(f"{commit.sha[:12]} is not a verified commit; allowed: {unverified}")
    site = Site(
        settings.site_name,
        SiteArgs(
            stack=pulumi.get_stack(),
            settings=settings,
            commit=commit.sha,
            subject=commit.subject,
            unverified=unverified,
        ),
    )
    for name, value in {"site_url": settings.url, "site_name": settings.site_name, **site.said}.items():
        pulumi.export(name, value)
    if settings.allow_test_commands:
        pulumi.export("ssh_private_key", site.private_key)


main()
