"""What the engine does with a resource, step by step, against one provider."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from localengine.provider import Diff, Provider, working_on
from localengine.values import for_provider


@dataclass(frozen=True)
class Made:
    """A resource as a state holds it, without secret marks."""

    provider: Provider
    type: str
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]

    def wanted(self, **changes: Any) -> dict[str, Any]:
        """The inputs with changes, checked; None takes one out."""
        asked = {name: value for name, value in (self.inputs | changes).items() if value is not None}
        return dict(for_provider(self.provider.check(self.type, self.inputs, asked)))

    def diff(self, **changes: Any) -> Diff:
        return self.provider.diff(self.type, self.id, self.inputs, self.outputs, self.wanted(**changes))

    def preview(self, **changes: Any) -> dict[str, Any]:
        news = self.wanted(**changes)
        outputs = self.provider.update(
            self.type, self.id, self.inputs, self.outputs, news, preview=True, timeout=None
        )
        return dict(for_provider(outputs))

    def update(self, *, timeout: float | None = None, **changes: Any) -> Made:
        news = self.wanted(**changes)
        outputs = self.provider.update(
            self.type, self.id, self.inputs, self.outputs, news, preview=False, timeout=timeout
        )
        return replace(self, inputs=news, outputs=dict(for_provider(outputs)))

    def refresh(self) -> Made | None:
        found = self.provider.read(self.type, self.id, self.inputs, self.outputs)
        if found is None:
            return None
        return replace(self, inputs=for_provider(found[0]), outputs=for_provider(found[1]))

    def delete(self, *, timeout: float | None = None) -> None:
        self.provider.delete(self.type, self.id, self.inputs, self.outputs, timeout=timeout)


def make(
    provider: Provider, type: str, /, *, called: str = "thing", timeout: float | None = None, **inputs: Any
) -> Made:
    """Check and create a resource, as the engine does for one that is new."""
    with working_on(f"urn:pulumi:test::project::{type}::{called}"):
        checked = dict(for_provider(provider.check(type, {}, inputs)))
        id, outputs = provider.create(type, checked, preview=False, timeout=timeout)
    return Made(provider, type, id, checked, dict(for_provider(outputs)))
