"""Property values as the engine holds them.

Plain JSON-like Python values (str, bool, int, float, None, list, dict) plus the few special ones below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

Value: TypeAlias = Any
"""A property value: plain JSON-like data, which may hold Secret, UNKNOWN, Asset, Archive and ResourceRef."""

Properties: TypeAlias = dict[str, Value]


class _Unknown(Enum):
    """The type of the one value that is not known before something is created (previews only)."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown.UNKNOWN
"""Stands for a value that only exists once something has been created; met in previews only."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must never be shown, logged or stored in the clear."""

    value: Value

    def __repr__(self) -> str:
        return "Secret(...)"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file's content: given as text, by a path on this machine, or by a URI."""

    kind: Literal["text", "path", "uri"]
    content: str
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Archive:
    """A folder or archive file by path or URI, or a set of named assets and archives."""

    kind: Literal["assets", "path", "uri"]
    content: Any
    hash: str = ""


@dataclass(frozen=True, slots=True)
class ResourceRef:
    """A reference to a whole resource; `id` is None for components."""

    urn: str
    id: Value = None
    package_version: str = ""


def rebuild(value: Value, leaf: Callable[[Value], Value]) -> Value:
    """Copy `value`, passing everything that is not a list or a dict through `leaf`."""
    if isinstance(value, dict):
        return {key: rebuild(item, leaf) for key, item in value.items()}
    if isinstance(value, list):
        return [rebuild(item, leaf) for item in value]
    return leaf(value)


def unwrap(value: Value) -> Value:
    """Copy `value` with every secret wrapper taken off, at any depth."""

    def leaf(item: Value) -> Value:
        return unwrap(item.value) if isinstance(item, Secret) else item

    return rebuild(value, leaf)


def for_provider(value: Value) -> Value:
    """Copy `value` as a provider sees it: no secret wrappers, references as the id (or URN) meant."""

    def leaf(item: Value) -> Value:
        if isinstance(item, Secret):
            return for_provider(item.value)
        if isinstance(item, ResourceRef):
            return item.urn if item.id is None else item.id
        return item

    return rebuild(value, leaf)


def any_leaf(value: Value, test: Callable[[Value], bool]) -> bool:
    """Say whether `test` holds for `value` itself or for anything inside it."""
    if test(value):
        return True
    if isinstance(value, Secret):
        return any_leaf(value.value, test)
    if isinstance(value, dict):
        return any(any_leaf(item, test) for item in value.values())
    if isinstance(value, list):
        return any(any_leaf(item, test) for item in value)
    if isinstance(value, ResourceRef):
        return test(value.id)
    return False


def has_secret(value: Value) -> bool:
    """Say whether `value` is, or contains, a secret."""
    return any_leaf(value, lambda item: isinstance(item, Secret))


def has_unknown(value: Value) -> bool:
    """Say whether `value` is, or contains, something not known yet."""
    return any_leaf(value, lambda item: item is UNKNOWN)


def secret(value: Value) -> Secret:
    """Wrap `value` as a secret, once."""
    return value if isinstance(value, Secret) else Secret(value)
