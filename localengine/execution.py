"""Doing what was planned for one resource: creating, updating, replacing it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from localengine import deletion, planning
from localengine.backend import now
from localengine.errors import EngineError
from localengine.events import Step
from localengine.provider import PartialFailure, Provider, working_on
from localengine.refusal import MonitorError, stopped
from localengine.run import Run
from localengine.secrecy import mark
from localengine.state import Operation, Resource
from localengine.urn import is_provider, name_of
from localengine.values import UNKNOWN, for_provider


def apply(
    run: Run, provider: Provider, step: Step, old: Resource | None, new: Resource, always: Collection[str]
) -> Resource:
    """Do `step`; return the resource as it is afterwards. `always` names the outputs that are secret.

    Raises EngineError where it may not be done, MonitorError where it failed (and the user was told).
    """
    try:
        if step.op == "update" and old is not None:
            return _update(run, provider, step, old, new, always)
        if step.op == "replace" and old is not None:
            with run.lock:
                run.replaced.add(new.urn)
            if step.delete_first and not old.pending_replacement:
                old = _delete_first(run, old)
        return _create(run, provider, step, old, new, always)
    except (MonitorError, EngineError):
        raise
    except Exception:
        if run.dry_run or not run.failed:
            raise
        # The sink has told the user; whoever waits for this resource only learns that the run is over.
        raise stopped() from None


def _create(
    run: Run, provider: Provider, step: Step, old: Resource | None, new: Resource, always: Collection[str]
) -> Resource:
    inputs = for_provider(new.inputs)
    if run.dry_run:
        with working_on(new.urn):
            id, outputs = provider.create(new.type, inputs, preview=True, timeout=None)
        # What will be secret is so already now, while it is not known yet.
        outputs = {**dict.fromkeys(always, UNKNOWN), **outputs}
        made = replace(new, id=id, outputs=mark(outputs, new.inputs, always))
        _place(run, None, old, made)
        return made
    run.going()
    with run.working(replace(step, phase="create") if step.op == "replace" else step):
        operation = run.journal.begin("creating", new)
        try:
            id, outputs = provider.create(
                new.type, inputs, preview=False, timeout=new.custom_timeouts.get("create")
            )
        except PartialFailure as partial:
            new = replace(new, id=partial.id, init_errors=partial.reasons, created=now(), modified=now())
            _place(run, operation, old, replace(new, outputs=mark(partial.outputs, new.inputs, always)))
            raise
        except Exception:
            run.journal.end(operation)
            raise
        stamp = now()
        outputs = mark(outputs, new.inputs, always)
        made = replace(new, id=id, outputs=outputs, created=stamp, modified=stamp)
        _place(run, operation, old, made)
    return made


def _place(run: Run, operation: Operation | None, old: Resource | None, made: Resource) -> None:
    """Put `made` in the place of `old`; an old one that still exists waits for deletion at the end."""
    if old is None:
        run.journal.end(operation, add=made)
    elif old.external or old.pending_replacement:
        run.journal.end(operation, add=made, drop=old)
    else:
        run.journal.end(operation, add=made, swap=(old, replace(old, delete=True)))


def _update(
    run: Run, provider: Provider, step: Step, old: Resource, new: Resource, always: Collection[str]
) -> Resource:
    new = planning.carried(old, new, old.outputs)
    before, outputs = for_provider(old.inputs), for_provider(old.outputs)
    inputs = for_provider(new.inputs)
    if run.dry_run:
        with working_on(new.urn):
            after = provider.update(new.type, old.id, before, outputs, inputs, preview=True, timeout=None)
        made = replace(new, outputs=mark(after, new.inputs, always))
        run.journal.end(None, add=made, drop=old)
        return made
    run.going()
    with run.working(step):
        operation = run.journal.begin("updating", new)
        timeout = new.custom_timeouts.get("update")
        try:
            after = provider.update(new.type, old.id, before, outputs, inputs, preview=False, timeout=timeout)
        except PartialFailure as partial:
            new = replace(new, init_errors=partial.reasons, modified=now())
            made = replace(new, outputs=mark(partial.outputs, new.inputs, always))
            run.journal.end(operation, add=made, drop=old)
            raise
        except Exception:
            run.journal.end(operation)
            raise
        made = replace(new, outputs=mark(after, new.inputs, always), modified=now())
        run.journal.end(operation, add=made, drop=old)
    return made


def _delete_first(run: Run, old: Resource) -> Resource:
    """Delete `old`, and before it whatever cannot live through its absence; return its new old state."""
    condemned = _condemned(run, old)
    for resource in condemned:
        if resource.protect:
            raise EngineError(
                f"cannot be replaced, because {name_of(resource.urn)} must be replaced with it and is "
                "protected: take `protect` off that and run `up` before this change"
            )
    going = {old.urn, *(item.urn for item in condemned)}
    for resource in (*reversed(condemned), old):
        run.going()
        half = Step(op="replace", urn=resource.urn, old=resource, delete_first=True, phase="delete")
        deletion.remove(run, half, resource, going, keep=True)
    return run.journal.old(old.urn) or old


def _condemned(run: Run, root: Resource) -> list[Resource]:
    """What the deletion of `root` forces to be replaced with it, in order of dependency."""
    replaced = {root.urn}
    found = []
    for resource in deletion.dependents(root, run.journal.olds()):
        # What has registered already cannot need a resource that registers only now.
        if resource.urn in run.goals or resource.pending_replacement:
            continue
        if not resource.custom or is_provider(resource.type):
            continue
        provider = deletion.provider_for(run, resource)
        if planning.would_be_replaced(provider, resource, replaced, UNKNOWN):
            replaced.add(resource.urn)
            found.append(resource)
    return found
