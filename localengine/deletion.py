"""Removing resources: each after everything that needs it, independent ones in parallel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace

from localengine.errors import EngineError
from localengine.events import Step
from localengine.provider import Provider
from localengine.refusal import MonitorError, stopped
from localengine.run import Run
from localengine.state import Resource
from localengine.urn import is_provider, split_reference
from localengine.values import for_provider

_WORKERS = 16


def dependents(root: Resource, resources: Iterable[Resource]) -> list[Resource]:
    """Return what needs `root`, directly or through others, in the order of `resources`."""
    reached = {root.urn}
    found = []
    for resource in resources:
        if resource is not root and not resource.delete and resource.needs() & reached:
            reached.add(resource.urn)
            found.append(resource)
    return found


def provider_for(run: Run, resource: Resource) -> Provider:
    """Return the provider that made `resource`, configured from the state where this run has not done it.

    Raises EngineError where the state does not know it.
    """
    urn, _ = split_reference(resource.provider)
    with run.lock:
        provider = run.registry.get(urn)
        if provider is None:
            known = run.journal.find(urn)
            if known is None:
                raise EngineError(f"its provider {urn} is not in the state")
            provider = run.registry.configure(urn, known.type, known.inputs)
        return provider


def call_needed(run: Run, resource: Resource, going: Collection[str]) -> bool:
    """Say whether removing `resource` takes a provider's work. `going` are the URNs that go, too."""
    if not resource.custom or is_provider(resource.type) or resource.external or resource.retain_on_delete:
        return False
    if resource.pending_replacement:
        return False
    return not (resource.deleted_with and resource.deleted_with in {*going, *run.deleted})


def remove(run: Run, step: Step, resource: Resource, going: Collection[str], *, keep: bool = False) -> None:
    """Delete one resource. With `keep` it stays in the state, marked as waiting for its replacement."""
    after = replace(resource, pending_replacement=True)
    swap = (resource, after) if keep else None
    if run.dry_run or not call_needed(run, resource, going):
        run.journal.end(None, swap=swap, drop=None if keep else resource)
    else:
        # A failure elsewhere does not stop deletions; an interruption does.
        if run.cancel.is_set():
            raise stopped()
        with run.working(step):
            operation = run.journal.begin("deleting", resource)
            try:
                provider_for(run, resource).delete(
                    resource.type,
                    resource.id,
                    for_provider(resource.inputs),
                    for_provider(resource.outputs),
                    timeout=resource.custom_timeouts.get("delete"),
                )
            except Exception:
                run.journal.end(operation)
                raise
            run.journal.end(operation, swap=swap, drop=None if keep else resource)
    with run.lock:
        run.deleted.add(resource.urn)


def remove_all(run: Run, resources: Collection[Resource]) -> None:
    """Delete `resources`. What a failure leaves standing keeps all that it needs; the rest still goes."""
    going = {resource.urn for resource in resources}
    steps = {id(item): _step(item) for item in resources}
    for item in reversed(list(resources)):
        step = steps[id(item)]
        if step.phase != "delete" and not item.pending_replacement:
            run.plan(step)
        if item.protect and not item.delete:
            run.error(
                "cannot be deleted, because it is protected: take `protect` off it and run `up` first",
                item.urn,
            )

    def work(item: Resource) -> None:
        step = steps[id(item)]
        remove(run, step, item, going)
        if step.phase != "delete" and not item.pending_replacement:
            run.count(step)

    _in_order(resources, work)


def _step(resource: Resource) -> Step:
    if resource.delete:
        return Step(op="replace", urn=resource.urn, old=resource, phase="delete")
    return Step(op="delete", urn=resource.urn, old=resource)


def _in_order(resources: Collection[Resource], work: Callable[[Resource], None]) -> None:
    waiting = list(resources)
    blockers: list[Resource] = [item for item in waiting if item.protect and not item.delete]
    waiting = [item for item in waiting if item not in blockers]
    running: dict[Future[None], Resource] = {}
    with ThreadPoolExecutor(_WORKERS) as pool:
        while True:
            standing = [*waiting, *blockers, *running.values()]
            ready = [
                item
                for item in waiting
                if not any(item.urn in other.needs() for other in standing if other is not item)
            ]
            for item in ready:
                running[pool.submit(work, item)] = item
            waiting = [item for item in waiting if all(item is not other for other in ready)]
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                item = running.pop(future)
                error = future.exception()
                if isinstance(error, MonitorError):
                    waiting = []
                elif error is not None:
                    blockers.append(item)
