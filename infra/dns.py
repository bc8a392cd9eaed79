"""The site's names in DNS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_digitalocean as digitalocean
from pulumi import Input, Output, ResourceOptions

from infra import names


class DomainError(Exception):
    """The zone is not there or could not be looked up; the text says what to do about it, in one line."""


def require_domain(domain: str) -> None:
    """Look the zone up, so that a missing one is said before anything is made.

    Raises DomainError.
    """
    try:
        digitalocean.get_domain(name=domain)
    except Exception as error:  # the SDK raises nothing narrower for an invoke
        raise DomainError(_why(domain, " ".join(str(error).split()))) from None


def _why(domain: str, error: str) -> str:
    # The provider wraps what the API said in the names of the layers that it came through.
    cause = error.rsplit("failed: ", 1)[-1].rsplit("* ", 1)[-1]
    if "404" in cause or "not found" in cause.lower():
        return (
            f"domain: there is no zone '{domain}' in this DigitalOcean account; make it there (Networking, "
            "Domains), or set seatrial:create_domain: true"
        )
    return (
        f"domain: the zone '{domain}' could not be looked up ({cause}); check DIGITALOCEAN_TOKEN and that "
        "this machine reaches the API"
    )


@dataclass(frozen=True, kw_only=True)
class DnsArgs:
    """What Dns needs.

    `records` are names within the domain, `@` for the domain itself; all lead to `address`. `ttl` is in
    seconds. With `create_domain` the zone is made here.
    """

    domain: str
    records: Sequence[str]
    address: Input[str]
    ttl: int
    create_domain: bool
    protect: bool


class Dns(pulumi.ComponentResource):
    """An A record for each of the site's names.

    Children: the records (digitalocean.DnsRecord), the zone where it is to be made (digitalocean.Domain);
    each is called by its name in DNS, so that it stays the same one when the site is renamed.
    Outputs: records, a list of {name, type, value, ttl}.
    """

    records: Output[list[dict[str, object]]]

    def __init__(self, name: str, args: DnsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("seatrial:dns:Dns", name, None, opts)
        zone: Input[str] = args.domain
        if args.create_domain:
            # A zone holds more than this stack's records (mail, other sites): it stays when the stack goes.
            keep = not names.is_reserved(args.domain)
            options = ResourceOptions(parent=self, protect=args.protect, retain_on_delete=keep)
            zone = digitalocean.Domain(args.domain, name=args.domain, opts=options).name
        for record in args.records:
            digitalocean.DnsRecord(
                _full(record, args.domain),
                domain=zone,
                type="A",
                name=record,
                value=args.address,
                ttl=args.ttl,
                opts=ResourceOptions(parent=self),
            )
        self.records = Output.from_input(args.address).apply(
            lambda address: [
                {"name": _full(record, args.domain), "type": "A", "value": address, "ttl": args.ttl}
                for record in args.records
            ]
        )
        self.register_outputs({"records": self.records})


def _full(record: str, domain: str) -> str:
    return domain if record == "@" else f"{record}.{domain}"
