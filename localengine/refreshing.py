"""Comparing the state with what really exists."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from localengine import paths
from localengine.deletion import provider_for
from localengine.events import Op, Step
from localengine.provider import ProviderError
from localengine.run import Run
from localengine.secrecy import mark, restore
from localengine.state import Resource
from localengine.urn import is_default_provider, is_provider, package_of
from localengine.values import Properties, Secret, for_provider

_WORKERS = 16


def configure_providers(run: Run) -> None:
    """Configure the state's own providers with today's configuration over what the state knows.

    A token or an address that has changed since must be the one that is used.
    """
    for resource in run.journal.olds():
        if not is_provider(resource.type) or not is_default_provider(resource.urn):
            continue
        package = resource.type.rpartition(":")[2]
        today = {
            key.partition(":")[2]: Secret(item.value) if item.secret else item.value
            for key, item in run.settings.items()
            if package_of(key) == package
        }
        run.registry.configure(resource.urn, resource.type, {**resource.inputs, **today})


def look(run: Run, *, quiet: bool = False) -> Mapping[int, Resource | None]:
    """Read every resource; returns what each one (by identity) is now, None for those that are gone."""
    configure_providers(run)
    found: dict[int, Resource | None] = {}
    resources = [
        item
        for item in run.journal.olds()
        if item.custom and not is_provider(item.type) and not item.pending_replacement
    ]

    def read(resource: Resource) -> None:
        if run.cancel.is_set():
            return
        step = Step(op="refresh", urn=resource.urn, old=resource, new=resource)
        try:
            with run.working(step):
                now = _read(run, resource)
        except Exception:
            # The display has told it; the others are still worth reading.
            return
        with run.lock:
            found[id(resource)] = now
        if quiet:
            return
        step = _difference(resource, now)
        run.plan(step)
        run.count(step)

    with ThreadPoolExecutor(_WORKERS) as pool:
        list(pool.map(read, resources))
    return found


def _difference(resource: Resource, now: Resource | None) -> Step:
    if now is None:
        return Step(op="delete", urn=resource.urn, old=resource)
    changes = tuple(
        change for change in paths.changes(resource.outputs, now.outputs) if not _is_note(str(change.path[0]))
    )
    changed = tuple(dict.fromkeys(str(change.path[0]) for change in changes))
    op: Op = "update" if changed else "same"
    return Step(op=op, urn=resource.urn, old=resource, new=now, changed=changed, changes=changes)


def _is_note(name: str) -> bool:
    """Say whether an output is a provider's note to itself, such as `__meta`, and no fact about the world."""
    return name.startswith("__")


def _noted(before: Properties, outputs: Properties) -> Properties:
    """Return `before`, with the notes a provider left in it, where `outputs` tell nothing else."""
    facts = {key: value for key, value in outputs.items() if not _is_note(key)}
    if facts == {key: value for key, value in before.items() if not _is_note(key)}:
        return before
    return outputs


def _read(run: Run, resource: Resource) -> Resource | None:
    provider = provider_for(run, resource)
    result = provider.read(
        resource.type, resource.id, for_provider(resource.inputs), for_provider(resource.outputs)
    )
    if result is None:
        if resource.external:
            raise ProviderError(f"{resource.type} {resource.id!r} does not exist any more")
        return None
    inputs = restore(resource.inputs, result[0]) if result[0] else resource.inputs
    secret = {key for key, value in resource.outputs.items() if isinstance(value, Secret)}
    always = {*resource.additional_secret_outputs, *provider.secret_outputs(resource.type), *secret}
    outputs = _noted(resource.outputs, mark(result[1], inputs, always))
    return replace(resource, inputs=inputs, outputs=outputs, init_errors=())


def take_over(run: Run, found: Mapping[int, Resource | None]) -> None:
    """Put what was found into the state; what is gone is forgotten, and with it every reference to it."""
    gone = {item.urn for item in run.journal.olds() if id(item) in found and found[id(item)] is None}
    for resource in run.journal.olds():
        after = found.get(id(resource), resource)
        if after is None:
            run.journal.swap_out(resource)
            continue
        if gone & after.needs():
            after = _without(after, gone)
        if after is not resource:
            run.journal.swap(resource, after)


def _without(resource: Resource, gone: set[str]) -> Resource:
    return replace(
        resource,
        dependencies=tuple(urn for urn in resource.dependencies if urn not in gone),
        property_dependencies={
            key: tuple(urn for urn in urns if urn not in gone)
            for key, urns in resource.property_dependencies.items()
        },
        deleted_with="" if resource.deleted_with in gone else resource.deleted_with,
        replace_with=tuple(urn for urn in resource.replace_with if urn not in gone),
    )
