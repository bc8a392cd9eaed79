"""What the roles that send and keep logs are told (provisioning/bundle.py has the list)."""

from __future__ import annotations

from collections.abc import Iterable

from pulumi import Input, Output

from infra import topology
from infra.certificates import Certificate
from infra.host import Host
from infra.settings import Settings


def variables(
    settings: Settings, prefix: str, host: Host, hosts: Iterable[Host], certificate: Certificate | None
) -> dict[str, Input[str]]:
    """What is no secret. `prefix` is what tells the stack's hosts from others at an outside service.

    `certificate` is that of the stack's own syslog host, where there is one.
    """
    if "syslog" in host.roles and certificate:
        return {
            "syslog_keep_days": str(settings.syslog_keep_days),
            "syslog_certificate": certificate.certificate,
        }
    if "sender" not in host.roles:
        return {}
    if certificate is None:
        return {
            "syslog_server": settings.syslog,
            "syslog_name": settings.syslog.partition(":")[0],
            "syslog_from": f"{prefix}-{host.name}",
        }
    (keeper,) = (other for other in hosts if "syslog" in other.roles)
    return {
        "syslog_server": Output.concat(keeper.private_address, f":{topology.SYSLOG_PORT}"),
        "syslog_name": keeper.name,
        "syslog_from": host.name,
        "syslog_certificate": certificate.certificate,
    }


def secrets(settings: Settings, host: Host, certificate: Certificate | None) -> dict[str, Input[str]]:
    """The secrets: the syslog host's key, and what an outside service knows its customer by."""
    if "syslog" in host.roles and certificate:
        return {"syslog_key": certificate.key}
    token = settings.syslog_token.get_secret_value()
    return {"syslog_token": Output.secret(token)} if "sender" in host.roles and token else {}
