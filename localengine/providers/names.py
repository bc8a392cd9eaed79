"""Names and ids that are made up where the program gives none."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from localengine.provider import current_urn

DEFAULTS = "__defaults"
"""The official providers' list, kept in the inputs, of the properties that were not given by the program."""


def resource_name() -> str:
    """The name that the program gave the resource this thread works on, or "resource"."""
    return current_urn().rpartition("::")[2] or "resource"


def automatic(property: str, olds: Mapping[str, Any], *, longest: int) -> str:
    """The automatic name from before, or a new one: the resource's name and 7 random hexadecimal digits."""
    if property in olds.get(DEFAULTS, ()) and olds.get(property):
        return str(olds[property])
    return f"{resource_name()[: longest - 8]}-{secrets.token_hex(4)[:7]}"


def unique_id(prefix: str = "") -> str:
    """`prefix` and 8 random hexadecimal digits."""
    return prefix + secrets.token_hex(4)
