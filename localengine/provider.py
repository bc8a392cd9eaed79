"""The seam between the engine and its providers.

A provider makes the resources of one package (`digitalocean`, `command`, `random`, `tls`). The engine
finds providers through `localengine.providers.load(log, cancel)`, which returns fresh, unconfigured
ones by package name. `load`, `types`, `invokes`, `check` and `diff` run on every `up` that changes
nothing: heavy imports belong inside the calls that act.

Values cross the seam as plain Python with camelCase names and no secret wrappers: str, bool, int,
float, None, list, dict, `Asset`, `Archive`, and in previews `UNKNOWN`. A resource passed as a value
arrives as its id. What a provider returns may wrap values in `Secret`; the engine otherwise marks as
secret every output whose input of the same name held a secret, `secret_outputs(type)`, and the
program's additional_secret_outputs.

Methods are called from several threads at once, for different resources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

from localengine.values import UNKNOWN, Archive, Asset, Secret

__all__ = [
    "UNKNOWN",
    "Archive",
    "Asset",
    "CheckFailure",
    "CheckFailures",
    "Diff",
    "Log",
    "PartialFailure",
    "Provider",
    "ProviderError",
    "Secret",
    "current_urn",
    "working_on",
]

Log: TypeAlias = Callable[[str, str], None]
"""`log(urn, line)` shows one line of progress; an empty `urn` means the resource this thread works on."""


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """One wrong input: the property's path and what is wrong with it, what is allowed."""

    property: str
    reason: str


class CheckFailures(Exception):
    """Raised by `check`: every wrong input of one resource, together."""

    def __init__(self, failures: Sequence[CheckFailure]) -> None:
        self.failures = tuple(failures)
        super().__init__("; ".join(f"{item.property}: {item.reason}" for item in self.failures))


class ProviderError(Exception):
    """Something the user should read: one clear message, no traceback is shown."""


class PartialFailure(ProviderError):
    """Raised by create or update: the resource exists (`id`, `outputs`) but did not become what it should.

    The engine keeps it in the state with the reasons, and the next run updates it.
    """

    def __init__(self, id: str, outputs: dict[str, Any], reasons: Sequence[str]) -> None:
        self.id = id
        self.outputs = outputs
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs: `changed` and `replaces` name properties (paths such as `a.b[0]` are welcome).

    Nothing changed: both empty. A non-empty `replaces` means a replacement, after deleting the old one
    first where `delete_before_replace` is set.
    """

    changed: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    delete_before_replace: bool = field(default=False)


@runtime_checkable
class Provider(Protocol):
    """Makes, changes and removes the resources of one package."""

    @property
    def package(self) -> str:
        """The package's name, the first part of its type tokens."""
        ...

    @property
    def version(self) -> str:
        """The version of the official provider this one stands in for."""
        ...

    def types(self) -> frozenset[str]:
        """Every resource type token this provider can make, such as `digitalocean:index/droplet:Droplet`."""
        ...

    def invokes(self) -> frozenset[str]:
        """Every function token this provider can answer."""
        ...

    def configure(self, inputs: dict[str, Any]) -> None:
        """Take the package's configuration (all values strings, or as given to an explicit provider).

        Called once, before any call below; may hold UNKNOWN in previews. Raises ProviderError.
        """
        ...

    def check(self, type: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """Return `news` validated and completed (defaults, names). `olds` are the last checked inputs or {}.

        Raises CheckFailures.
        """
        ...

    def diff(
        self,
        type: str,
        id: str,
        old_inputs: dict[str, Any],
        old_outputs: dict[str, Any],
        news: dict[str, Any],
    ) -> Diff:
        """Compare what is with the checked inputs that are wanted; UNKNOWN counts as changed."""
        ...

    def create(
        self, type: str, news: dict[str, Any], *, preview: bool, timeout: float | None
    ) -> tuple[str, dict[str, Any]]:
        """Make the resource; return its id and outputs. `timeout` is in seconds, None for the default.

        In a preview make nothing: return "" and what is known already (UNKNOWN for the rest; a missing
        output is unknown too). Raises ProviderError, PartialFailure.
        """
        ...

    def update(
        self,
        type: str,
        id: str,
        old_inputs: dict[str, Any],
        old_outputs: dict[str, Any],
        news: dict[str, Any],
        *,
        preview: bool,
        timeout: float | None,
    ) -> dict[str, Any]:
        """Change the resource in place; return all its outputs.

        In a preview change nothing: return old outputs for what stays, UNKNOWN for what may change.
        Raises ProviderError, PartialFailure.
        """
        ...

    def read(
        self, type: str, id: str, inputs: dict[str, Any], outputs: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the resource's inputs and outputs as they are now, or None where it does not exist.

        `inputs` and `outputs` are what the state knows; both are empty for a resource looked up by id alone.
        """
        ...

    def delete(
        self, type: str, id: str, inputs: dict[str, Any], outputs: dict[str, Any], *, timeout: float | None
    ) -> None:
        """Remove the resource; one that is gone already is no error. Raises ProviderError."""
        ...

    def invoke(self, token: str, args: dict[str, Any]) -> dict[str, Any]:
        """Answer a function call. Raises CheckFailures, ProviderError."""
        ...

    def secret_outputs(self, type: str) -> frozenset[str]:
        """The top-level outputs of `type` that are always secret."""
        ...


_URN: ContextVar[str] = ContextVar("localengine_urn", default="")


def current_urn() -> str:
    """The URN of the resource this thread works on (for names made up from it), or ""."""
    return _URN.get()


@contextmanager
def working_on(urn: str) -> Iterator[None]:
    """Make `urn` the resource this thread works on."""
    token = _URN.set(urn)
    try:
        yield
    finally:
        _URN.reset(token)
