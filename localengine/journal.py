"""The state while it changes: the new, the rest of the old, and what is under way; saved after every step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from localengine.state import Operation, OperationKind, Resource
from localengine.urn import split_reference

Save = Callable[[Sequence[Resource], Sequence[Operation]], None]


class Journal:
    """Collects the resources of a run in an order in which each comes after what it needs.

    That order is the order of completion, then what has not been touched yet, in its old order.
    """

    def __init__(self, olds: Sequence[Resource], pending: Sequence[Operation], save: Save | None) -> None:
        """`pending` are operations an earlier run left; `save` is None in previews."""
        self._lock = threading.RLock()
        self._olds = list(olds)
        self._news: list[Resource] = []
        self._pending = list(pending)
        self._save = save
        self._renamed: dict[str, str] = {}
        self.dirty = False

    def olds(self) -> list[Resource]:
        """What is left of the state the run began with."""
        with self._lock:
            return list(self._olds)

    def news(self) -> list[Resource]:
        """What this run has registered so far, in order."""
        with self._lock:
            return list(self._news)

    def find(self, urn: str) -> Resource | None:
        """Return the resource `urn` as it is now: this run's, else the old one."""
        with self._lock:
            for resource in (*reversed(self._news), *self._olds):
                if resource.urn == urn and not resource.delete:
                    return resource
        return None

    def old(self, urn: str) -> Resource | None:
        """Return what is left of the old state under `urn`, other than what only waits for deletion."""
        with self._lock:
            return next((item for item in self._olds if item.urn == urn and not item.delete), None)

    def rename(self, old: str, new: str) -> None:
        """Note that the resource `old` is called `new` now, wherever old resources refer to it."""
        with self._lock:
            self._renamed[old] = new
            self.dirty = True

    def begin(self, kind: OperationKind, resource: Resource) -> Operation:
        """Save that an operation is about to be tried on `resource`."""
        operation = Operation(resource, kind)
        with self._lock:
            self._pending.append(operation)
            self.dirty = True
            self.save()
        return operation

    def end(
        self,
        operation: Operation | None,
        *,
        add: Resource | None = None,
        drop: Resource | None = None,
        swap: tuple[Resource, Resource] | None = None,
    ) -> None:
        """Save what an operation led to.

        `add` is new in the state, `drop` is gone from it, `swap` puts the second in the place of the first.
        """
        with self._lock:
            if operation is not None:
                self._pending = [item for item in self._pending if item is not operation]
            if drop is not None:
                self._drop(drop)
            if swap is not None:
                self._swap(*swap)
            if add is not None:
                self._news.append(add)
                # An earlier run's unfinished attempt at the same resource is settled now.
                self._pending = [item for item in self._pending if item.resource.urn != add.urn]
            self.dirty = True
            self.save()

    def keep(self, old: Resource, new: Resource) -> None:
        """Carry a resource over that needs no operation; saved only where something in it differs."""
        with self._lock:
            self._drop(old)
            self._news.append(new)
            if replace(new, source_position=old.source_position) != old:
                self.dirty = True

    def add(self, resource: Resource) -> None:
        """Add a resource that needs no operation (a component, a provider)."""
        with self._lock:
            self._news.append(resource)
            self.dirty = True

    def swap(self, before: Resource, after: Resource) -> None:
        """Put `after` in the place of `before` without saving at once."""
        with self._lock:
            if after != before:
                self.dirty = True
            self._swap(before, after)

    def swap_out(self, resource: Resource) -> None:
        """Forget a resource without saving at once."""
        with self._lock:
            self.dirty = True
            self._drop(resource)

    def clear_pending(self) -> None:
        """Forget the operations earlier runs left."""
        with self._lock:
            if self._pending:
                self._pending = []
                self.dirty = True

    def _drop(self, resource: Resource) -> None:
        for items in (self._olds, self._news):
            for index, item in enumerate(items):
                if item is resource:
                    del items[index]
                    return

    def _swap(self, before: Resource, after: Resource) -> None:
        for items in (self._olds, self._news):
            for index, item in enumerate(items):
                if item is before:
                    items[index] = after
                    return

    def resources(self) -> list[Resource]:
        """The state as it is now, with references by old names brought up to date."""
        with self._lock:
            olds = self._olds
            if self._renamed:
                olds = [renamed(item, self._renamed) for item in olds]
            return [*self._news, *olds]

    def pending(self) -> list[Operation]:
        """The operations under way or left over."""
        with self._lock:
            return list(self._pending)

    def save(self) -> None:
        """Write the state where something changed since it was last written."""
        with self._lock:
            if self._save is not None and self.dirty:
                self._save(self.resources(), self._pending)
                self.dirty = False


def renamed(resource: Resource, names: Mapping[str, str]) -> Resource:
    """Return `resource` with every URN it refers to replaced by its new name."""

    def now(urn: str) -> str:
        return names.get(urn, urn)

    provider = resource.provider
    if provider:
        urn, id = split_reference(provider)
        provider = f"{now(urn)}::{id}"
    return replace(
        resource,
        parent=now(resource.parent),
        provider=provider,
        dependencies=tuple(now(urn) for urn in resource.dependencies),
        property_dependencies={
            key: tuple(now(urn) for urn in urns) for key, urns in resource.property_dependencies.items()
        },
        deleted_with=now(resource.deleted_with),
        replace_with=tuple(now(urn) for urn in resource.replace_with),
    )
