"""What all providers here have in common: settings, refusals by name, and what is only computed."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from localengine.provider import CheckFailure, CheckFailures, Diff, Log, ProviderError
from localengine.providers import schema

META = "__meta"


class BaseProvider:
    """A provider with a table of types; what it does not have it refuses by name.

    `log` shows a line of progress, `cancel` is set when waiting must end.
    """

    package = ""

    def __init__(self, log: Log, cancel: threading.Event) -> None:
        self.log = log
        self.cancel = cancel

    @property
    def version(self) -> str:
        """The version of the installed SDK, which is that of the official provider it belongs to."""
        from importlib import metadata

        try:
            return metadata.version(f"pulumi-{self.package}")
        except metadata.PackageNotFoundError:
            return ""

    @abstractmethod
    def types(self) -> frozenset[str]:
        """Every resource type token."""

    def invokes(self) -> frozenset[str]:
        """Every function token."""
        return frozenset()

    def configure(self, inputs: dict[str, Any]) -> None:
        """Take the package's settings. Raises ProviderError for one it does not know."""
        self._settings(inputs, ())

    def invoke(self, token: str, args: dict[str, Any]) -> dict[str, Any]:
        """Answer a function call."""
        del args
        raise self._no_such("function", token, self.invokes())

    def secret_outputs(self, type: str) -> frozenset[str]:
        """The outputs of `type` that are always secret."""
        del type
        return frozenset()

    def _settings(self, inputs: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
        """The settings without the engine's own ones. Raises ProviderError for one not in `known`."""
        own = {
            name: value for name, value in inputs.items() if name != "version" and not name.startswith("__")
        }
        wrong = sorted(set(own) - set(known))
        if wrong:
            allowed = f"there are {', '.join(sorted(known))}" if known else "it has none"
            raise ProviderError(
                f"{self.package}: no setting {', '.join(wrong)} in the local engine; {allowed}"
            )
        return own

    def _no_such(self, what: str, token: str, known: frozenset[str]) -> ProviderError:
        names = ", ".join(sorted(name.rpartition(":")[2] for name in known)) or "none"
        return ProviderError(
            f"{token}: the local engine has no such {what}; of {self.package} it has {names}. "
            "The pulumi CLI has all of them."
        )


class Computed:
    """A resource type that is made of its inputs alone, once: a change of them makes a new one.

    Subclasses say what the properties are and `make` the outputs.
    """

    fields: ClassVar[schema.Fields] = {}
    secret: frozenset[str] = frozenset()
    schema_version = 0

    def wrong(self, inputs: Mapping[str, Any]) -> list[CheckFailure]:
        """What is wrong with inputs that are right one by one."""
        del inputs
        return []

    def stale(self, outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """The outputs for which a new one has to be made although the inputs ask for none."""
        del outputs, inputs
        return ()

    @abstractmethod
    def make(self, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the id and the computed outputs. `inputs` hold all defaults."""


class ComputedProvider(BaseProvider):
    """A provider whose resources are all `Computed`."""

    rows: ClassVar[Mapping[str, Computed]] = {}

    def types(self) -> frozenset[str]:
        """Every resource type token."""
        return frozenset(self.rows)

    def secret_outputs(self, type: str) -> frozenset[str]:
        """The outputs of `type` that are always secret."""
        return self._row(type).secret

    def check(self, type: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """Validate the inputs. Raises CheckFailures."""
        del olds
        row = self._row(type)
        inputs = schema.check(row.fields, news)
        failures = row.wrong(schema.with_defaults(row.fields, inputs))
        if failures:
            raise CheckFailures(failures)
        return inputs

    def diff(
        self,
        type: str,
        id: str,
        old_inputs: dict[str, Any],
        old_outputs: dict[str, Any],
        news: dict[str, Any],
    ) -> Diff:
        """Compare; what a row's fields and its staleness say makes a new one."""
        del id
        row = self._row(type)
        found = schema.diff(row.fields, old_inputs, old_outputs, news)
        stale = row.stale(old_outputs, schema.with_defaults(row.fields, news))
        return Diff(changed=(*found.changed, *stale), replaces=(*found.replaces, *stale))

    def create(
        self, type: str, news: dict[str, Any], *, preview: bool, timeout: float | None
    ) -> tuple[str, dict[str, Any]]:
        """Make the values."""
        del timeout
        row = self._row(type)
        inputs = schema.with_defaults(row.fields, news)
        if preview:
            return "", inputs
        id, made = row.make(inputs)
        meta = {META: f'{{"schema_version":"{row.schema_version}"}}'} if row.schema_version else {}
        return id, {"id": id, **inputs, **made, **meta}

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
        """Keep the values: nothing about them changes in place."""
        del id, old_inputs, preview, timeout
        return old_outputs | schema.with_defaults(self._row(type).fields, news)

    def read(
        self, type: str, id: str, inputs: dict[str, Any], outputs: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """What the state knows: these resources are nowhere else. Raises ProviderError for an id alone."""
        if not outputs:
            raise ProviderError(f"{type} {id}: only the stack it was made in knows it; it can't be looked up")
        return inputs, outputs

    def delete(
        self, type: str, id: str, inputs: dict[str, Any], outputs: dict[str, Any], *, timeout: float | None
    ) -> None:
        """Nothing to remove."""

    def _row(self, type: str) -> Computed:
        try:
            return self.rows[type]
        except KeyError:
            raise self._no_such("resource type", type, self.types()) from None
