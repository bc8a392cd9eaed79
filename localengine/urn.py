"""URNs: the names resources have in a stack's state."""

from __future__ import annotations

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


def make(stack: str, project: str, parent: str, type: str, name: str) -> str:
    """Build the URN of the resource `name` of `type` under the URN `parent` ("" for none)."""
    qualified = type
    if parent and qualified_type(parent) != STACK_TYPE:
        qualified = f"{qualified_type(parent)}${type}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def _part(urn: str, index: int) -> str:
    parts = urn.split("::", 3)
    return parts[index] if len(parts) == 4 else ""


def qualified_type(urn: str) -> str:
    """Return the type with the types of all parents before it, joined by `$`."""
    return _part(urn, 2)


def type_of(urn: str) -> str:
    """Return the resource's own type token."""
    return qualified_type(urn).rpartition("$")[2]


def name_of(urn: str) -> str:
    """Return the resource's name, or the text itself where it is no URN."""
    return _part(urn, 3) or urn


def package_of(type: str) -> str:
    """Return the package that makes resources (or answers functions) with the token `type`."""
    return type.partition(":")[0]


def is_provider(type: str) -> bool:
    """Say whether `type` is the type of a provider."""
    return type.startswith(PROVIDER_PREFIX)


def is_default_provider(urn: str) -> bool:
    """Say whether `urn` names a provider that the engine itself made."""
    return is_provider(type_of(urn)) and name_of(urn).split("_")[0] == "default"


def split_reference(reference: str) -> tuple[str, str]:
    """Split a provider reference into the provider's URN and its id."""
    urn, _, id = reference.rpartition("::")
    return urn, id
