"""Deciding what a registered resource needs: nothing, a creation, an update or a replacement."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from localengine import paths
from localengine.errors import EngineError
from localengine.goal import Goal
from localengine.paths import Change
from localengine.provider import Diff, Provider
from localengine.secrecy import restore
from localengine.state import Resource
from localengine.values import Properties, Value, for_provider, unwrap

_DEFAULTS = "__defaults"
"""The key under which official plugins note, at every level of the inputs, which of them they added."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do with one resource, and why."""

    op: Literal["same", "create", "update", "replace"]
    inputs: Properties
    changed: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    delete_first: bool = False


def check(provider: Provider, goal: Goal, wanted: Properties, olds: Properties) -> Properties:
    """Let the provider validate and complete `wanted`; secrets stay secret. Raises CheckFailures."""
    return dict(restore(wanted, provider.check(goal.type, for_provider(olds), for_provider(wanted))))


def top_level(names: Collection[str]) -> tuple[str, ...]:
    """The properties that `names`, which may be paths, belong to; each once, in order."""
    return tuple(dict.fromkeys(str(steps[0]) for name in names if (steps := paths.parse(name))))


def decide(provider: Provider, goal: Goal, old: Resource | None, *, replaced: Collection[str] = ()) -> Plan:
    """Decide about one custom resource. `replaced` are the URNs this run has replaced so far.

    Raises CheckFailures, and EngineError where a protected resource would have to go.
    """
    if old is None or old.external:
        return Plan(op="create", inputs=check(provider, goal, goal.inputs, {}))
    if old.pending_replacement:
        return Plan(op="replace", inputs=check(provider, goal, goal.inputs, {}), delete_first=True)
    wanted = paths.keep_old(goal.inputs, old.inputs, goal.ignore_changes)
    inputs = check(provider, goal, wanted, old.inputs)
    diff = provider.diff(
        goal.type, old.id, for_provider(old.inputs), for_provider(old.outputs), for_provider(inputs)
    )
    changed = top_level([*diff.changed, *diff.replaces])
    changes = tuple(
        change
        for change in paths.changes(old.inputs, inputs)
        if str(change.path[0]) in changed and _DEFAULTS not in change.path
    )
    replaces = top_level(diff.replaces) or _forced(goal, old, diff, changes, replaced)
    if not replaces:
        op: Literal["same", "update"] = "update" if changed or old.init_errors else "same"
        return Plan(op=op, inputs=inputs, changed=changed, changes=changes)
    if goal.protect and old.protect:
        raise EngineError(
            "must be replaced, but it is protected: take `protect` off it and run `up` before this change"
        )
    first = diff.delete_before_replace if goal.delete_before_replace is None else goal.delete_before_replace
    inputs = check(provider, goal, goal.inputs, {})
    return Plan(
        op="replace",
        inputs=inputs,
        changed=changed,
        replaces=replaces,
        changes=changes,
        delete_first=first,
    )


def _forced(
    goal: Goal, old: Resource, diff: Diff, changes: Collection[Change], replaced: Collection[str]
) -> tuple[str, ...]:
    """What else than the provider's word makes a replacement necessary."""
    touched = [change.path for change in changes]
    # What the provider alone has seen (a difference between the state and the world) counts as it names it.
    seen = {path[0] for path in touched}
    touched += [path for name in diff.changed if (path := paths.parse(name)) and path[0] not in seen]
    keys = [paths.show(path) for path in touched if path and paths.any_match(goal.replace_on_changes, [path])]
    if keys:
        return top_level(keys)
    if goal.deleted_with and goal.deleted_with in replaced:
        return ("deletedWith",)
    if any(urn in replaced for urn in goal.replace_with):
        return ("replaceWith",)
    if goal.replacement_trigger is not None and unwrap(goal.replacement_trigger) != unwrap(
        old.replacement_trigger
    ):
        return ("replacementTrigger",)
    return ()


def to_resource(goal: Goal, urn: str, provider: str, inputs: Properties) -> Resource:
    """The state of a resource that is as the goal wants it, without its id and outputs."""
    return Resource(
        urn=urn,
        type=goal.type,
        custom=goal.custom,
        inputs=inputs,
        parent=goal.parent,
        provider=provider,
        dependencies=goal.dependencies,
        property_dependencies=goal.property_dependencies,
        protect=bool(goal.protect),
        retain_on_delete=bool(goal.retain_on_delete),
        deleted_with=goal.deleted_with,
        replace_with=goal.replace_with,
        replacement_trigger=goal.replacement_trigger,
        additional_secret_outputs=goal.additional_secret_outputs,
        ignore_changes=goal.ignore_changes,
        replace_on_changes=goal.replace_on_changes,
        hide_diff=goal.hide_diff,
        custom_timeouts=goal.custom_timeouts,
        source_position=goal.source_position,
    )


def carried(old: Resource, new: Resource, outputs: Properties) -> Resource:
    """`new` as the continuation of `old`, with its id, times and unknown fields."""
    return replace(
        new, id=old.id, outputs=outputs, created=old.created, modified=old.modified, extra=old.extra
    )


def would_be_replaced(
    provider: Provider, resource: Resource, replaced: Collection[str], unknown: Value
) -> bool:
    """Say whether `resource` must go when the resources `replaced`, which it depends on, are gone."""
    if not resource.custom or resource.external:
        return False
    if resource.deleted_with in replaced:
        return True
    hit = [
        key
        for key, dependencies in resource.property_dependencies.items()
        if key in resource.inputs and any(urn in replaced for urn in dependencies)
    ]
    if not hit:
        return False
    before = for_provider(resource.inputs)
    news = {**before, **dict.fromkeys(hit, unknown)}
    diff = provider.diff(resource.type, resource.id, before, for_provider(resource.outputs), news)
    touched = [*(paths.parse(name) for name in diff.changed), *((key,) for key in hit)]
    return bool(diff.replaces) or (
        bool(diff.changed) and paths.any_match(resource.replace_on_changes, touched)
    )
