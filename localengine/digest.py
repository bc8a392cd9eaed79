"""The JSON forms of a run and of outputs, in the CLI's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from localengine import paths, render, state
from localengine.config import Setting
from localengine.events import Step, Tally
from localengine.redact import HIDDEN, masked
from localengine.state import Resource
from localengine.urn import STACK_TYPE, is_default_provider, type_of
from localengine.values import Properties


def resource_json(resource: Resource) -> dict[str, Any]:
    """A resource's state with its secrets hidden."""
    shown = replace(
        resource,
        inputs=render.plain_json(resource.inputs),
        outputs=render.plain_json(resource.outputs),
        replacement_trigger=masked(resource.replacement_trigger),
    )
    return state.to_json(shown, lambda text: text)


def _step_json(op: str, step: Step) -> dict[str, Any]:
    resource = step.resource
    data: dict[str, Any] = {"op": op, "urn": step.urn}
    if resource.provider:
        data["provider"] = resource.provider
    if step.old is not None and op not in ("create",):
        data["oldState"] = resource_json(step.old)
    if step.new is not None and op not in ("delete", "delete-replaced"):
        data["newState"] = resource_json(step.new)
    if step.changed:
        data["diffReasons"] = list(step.changed)
    if step.replaces:
        data["replaceReasons"] = list(step.replaces)
    data["detailedDiff"] = None
    if step.changes:
        data["detailedDiff"] = {
            paths.show(change.path): {
                "kind": f"{change.kind}-replace" if str(change.path[0]) in step.replaces else change.kind,
                "inputDiff": True,
            }
            for change in step.changes
        }
    return data


def steps_json(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """All steps but the unchanged resources'; a replacement is three, in the order they are done in."""
    done: list[dict[str, Any]] = []
    late: list[dict[str, Any]] = []
    for step in steps:
        if is_default_provider(step.urn) or (step.op == "same" and type_of(step.urn) != STACK_TYPE):
            continue
        if step.op != "replace":
            done.append(_step_json(step.op, step))
        elif step.delete_first:
            done += [_step_json(op, step) for op in ("delete-replaced", "replace", "create-replacement")]
        else:
            done += [_step_json(op, step) for op in ("create-replacement", "replace")]
            late.append(_step_json("delete-replaced", step))
    return done + late


def run_json(
    settings: Mapping[str, Setting],
    steps: Sequence[Step],
    diagnostics: Sequence[Mapping[str, str]],
    tally: Tally,
    seconds: float,
) -> dict[str, Any]:
    """A whole preview or update. The duration is in nanoseconds, as the CLI has it."""
    config = {key: HIDDEN if item.secret else item.value for key, item in sorted(settings.items())}
    return {
        **({"config": config} if config else {}),
        "steps": steps_json(steps),
        "diagnostics": list(diagnostics),
        "duration": int(seconds * 1e9),
        "changeSummary": dict(tally.as_json()),
    }


def outputs_json(outputs: Properties, *, show_secrets: bool) -> dict[str, Any]:
    """The stack's outputs, secrets as `[secret]` or in plain."""
    return {key: render.plain_json(outputs[key], show_secrets=show_secrets) for key in sorted(outputs)}
