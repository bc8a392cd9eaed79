"""What the engine tells its display while it works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from localengine.paths import Change
from localengine.state import Resource
from localengine.values import Properties

Op: TypeAlias = Literal["same", "create", "update", "replace", "delete", "read", "refresh"]
Severity: TypeAlias = Literal["info", "warning", "error"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to be done to one resource. `changed` and `replaces` name top-level properties."""

    op: Op
    urn: str
    old: Resource | None = None
    new: Resource | None = None
    changed: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    delete_first: bool = False
    phase: Literal["", "create", "delete"] = ""
    """Which half of a replacement this is; "" for a step that stands for itself, or the planned whole."""

    @property
    def resource(self) -> Resource:
        """The resource as it will be, or as it was where it goes."""
        found = self.new or self.old
        if found is None:
            raise ValueError(f"a step on {self.urn} carries no resource")
        return found


class Sink(Protocol):
    """Receives the engine's events, from several threads at once."""

    def planned(self, step: Step) -> None:
        """`step` has been decided on; in a preview nothing more follows for it."""
        ...

    def started(self, step: Step) -> None:
        """A provider begins to work on `step`."""
        ...

    def finished(self, step: Step) -> None:
        """The provider is done."""
        ...

    def failed(self, step: Step, message: str) -> None:
        """The provider gave up."""
        ...

    def line(self, urn: str, line: str) -> None:
        """One line of progress of the resource `urn`."""
        ...

    def message(self, severity: Severity, text: str, urn: str = "") -> None:
        """Something the user should read; `urn` names the resource it is about, where it is about one."""
        ...

    def outputs(self, outputs: Properties) -> None:
        """The stack's outputs as they will be."""
        ...


@dataclass
class Tally:
    """How many resources met which fate, and how much work on them failed."""

    counts: dict[Op, int] = field(default_factory=dict)
    errored: int = 0

    def add(self, op: Op) -> None:
        """Count one more."""
        self.counts[op] = self.counts.get(op, 0) + 1

    def changes(self) -> int:
        """How many resources do not stay as they are."""
        return sum(count for op, count in self.counts.items() if op not in ("same", "read"))

    def as_json(self) -> Mapping[str, int]:
        """The counts by the CLI's names."""
        return {op: count for op, count in sorted(self.counts.items()) if count}
