"""The names of what a stack makes in the cloud, and the sizes of its hosts. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

#: The user that Seatrial connects as; cloud-init makes it on every host.
SSH_USER = "seatrial"

#: Top-level domains that can be on no real name server (RFC 6761).
_RESERVED_TOP_LEVELS = ("localhost", "test")


def prefix(site: str, stack: str) -> str:
    """What every name begins with, so that two stacks of one site share an account: `todo-staging`."""
    return f"{site}-{re.sub(r'[^a-z0-9]+', '-', stack.lower()).strip('-')[:24]}".rstrip("-")


def is_reserved(domain: str) -> bool:
    """Whether a domain is one that no one can own, so that its zone holds nothing of anyone's."""
    return domain.rsplit(".", 1)[-1] in _RESERVED_TOP_LEVELS


class Capacity(NamedTuple):
    """What a droplet has."""

    memory_mb: int
    vcpus: int


def capacity(size: str) -> Capacity | None:
    """What a droplet size gives, read from its slug; None where the slug does not say.

    `s-2vcpu-4gb-amd` names both; `c-4` (CPU-optimised) has twice as many GB as CPUs; `c-4-8gib` names both.
    """
    if named := re.search(r"(?:^|-)(\d+)vcpu-(\d+)(gb|mb)(?:-|$)", size):
        vcpus, amount, unit = named.groups()
        return Capacity(int(amount) * (1024 if unit == "gb" else 1), int(vcpus))
    if optimised := re.fullmatch(r"c-(\d+)(?:-(\d+)gib)?(?:-intel)?", size):
        vcpus, amount = optimised.groups()
        return Capacity(int(amount or 2 * int(vcpus)) * 1024, int(vcpus))
    return None
