"""How steps, values and sums are written: the CLI's signs and words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from localengine import codec, paths
from localengine.events import Op, Step, Tally
from localengine.redact import HIDDEN, masked
from localengine.urn import is_provider, name_of, type_of
from localengine.values import UNKNOWN, Archive, Asset, Properties, ResourceRef, Secret, Value

SIGN: dict[Op, str] = {
    "same": " ",
    "create": "+",
    "update": "~",
    "replace": "+-",
    "delete": "-",
    "read": ">",
    "refresh": "~",
}
COLOR: dict[Op, str] = {
    "same": "dim",
    "create": "green",
    "update": "yellow",
    "replace": "magenta",
    "delete": "red",
    "read": "cyan",
    "refresh": "yellow",
}
DOING: dict[Op, str] = {
    "create": "creating",
    "update": "updating",
    "replace": "replacing",
    "delete": "deleting",
    "read": "reading",
    "refresh": "refreshing",
    "same": "",
}
DONE: dict[Op, str] = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "read": "read",
    "refresh": "refreshed",
    "same": "unchanged",
}
_KINDS = {"add": "+", "delete": "-", "update": "~"}


def sign(step: Step) -> str:
    """The sign in front of a step: `+-` creates the new one first, `-+` deletes the old one first."""
    if step.phase == "create":
        return "++"
    if step.phase == "delete":
        return "--"
    return "-+" if step.op == "replace" and step.delete_first else SIGN[step.op]


def short_type(urn: str) -> str:
    """The type as tables show it: `digitalocean:index:Droplet`."""
    type = type_of(urn)
    package, _, rest = type.partition(":")
    module, _, name = rest.partition(":")
    if is_provider(type) or "/" not in module:
        return type
    return f"{package}:{module.split('/')[0]}:{name}"


def doing(step: Step) -> str:
    """What is being done, as a word."""
    if step.phase == "create":
        return "creating replacement"
    if step.phase == "delete":
        return "deleting original"
    return DOING[step.op]


def done(step: Step) -> str:
    """What has been done, as a word."""
    if step.phase == "create":
        return "created replacement"
    if step.phase == "delete":
        return "deleted original"
    return DONE[step.op]


def info(step: Step) -> str:
    """The names of the properties that change, each with its sign, as `[diff: +a,~b]`."""
    if not step.changed or step.op not in ("update", "replace"):
        return ""
    names = []
    for name in step.changed:
        own = [change for change in step.changes if change.path[0] == name]
        whole = len(own) == 1 and len(own[0].path) == 1
        names.append(f"{_KINDS[own[0].kind] if whole else '~'}{name}")
    text = f"[diff: {','.join(names)}]"
    others = [name for name in step.replaces if name not in step.changed]
    return f"{text} (because of {', '.join(others)})" if others else text


def show_value(value: Value, *, limit: int = 160) -> str:
    """One value on one line: JSON, secrets hidden, long texts cut."""
    if isinstance(value, Secret):
        return HIDDEN
    if value is UNKNOWN:
        return "[unknown]"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return text if len(text) <= limit else f'{text[: limit - 12]}…" ({len(value)} characters)'
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {show_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(show_value(item) for item in value) + "]"
    if isinstance(value, Asset | Archive):
        return f"{type(value).__name__.lower()}({value.kind})"
    if isinstance(value, ResourceRef):
        return value.urn
    return json.dumps(value)


def detail(step: Step) -> list[str]:
    """The values behind a step, one line each, for `--diff`."""
    if step.op in ("create", "delete"):
        mark = SIGN[step.op]
        items = sorted(step.resource.inputs.items())
        return [f"{mark} {key}: {show_value(value)}" for key, value in items if key != "__internal"]
    lines = []
    hidden = step.new.hide_diff if step.new else ()
    for change in step.changes:
        name = paths.show(change.path)
        suffix = "  (replaces)" if str(change.path[0]) in step.replaces else ""
        if paths.any_match(hidden, [change.path]):
            lines.append(f"~ {name}: [hidden]{suffix}")
        elif change.kind == "add":
            lines.append(f"+ {name}: {_at(step, change.new, change.path)}{suffix}")
        elif change.kind == "delete":
            lines.append(f"- {name}: {_at(step, change.old, change.path)}{suffix}")
        else:
            before, after = (_at(step, item, change.path) for item in (change.old, change.new))
            lines.append(f"~ {name}: {before} => {after}{suffix}")
    shown = {str(change.path[0]) for change in step.changes}
    lines.extend(f"~ {name}" for name in step.changed if name not in shown)
    return lines


def _at(step: Step, value: Value, path: paths.Path) -> str:
    """Show a changed value, hidden where anything it lies within is secret on either side."""
    for resource in (step.old, step.new):
        at: Value = resource.inputs if resource else None
        for part in path:
            if isinstance(at, Secret):
                return HIDDEN
            if isinstance(at, dict):
                at = at.get(str(part))
            elif isinstance(at, list) and isinstance(part, int) and part < len(at):
                at = at[part]
            else:
                break
        if isinstance(at, Secret):
            return HIDDEN
    return show_value(value)


def counts(tally: Tally, *, preview: bool) -> list[str]:
    """The sums under `Resources:`."""
    words: dict[Op, tuple[str, str]] = {
        "create": ("to create", "created"),
        "update": ("to update", "updated"),
        "replace": ("to replace", "replaced"),
        "delete": ("to delete", "deleted"),
        "refresh": ("to refresh", "refreshed"),
    }
    lines = [
        f"{SIGN[op]:<2}{tally.counts[op]} {planned if preview else past}"
        for op, (planned, past) in words.items()
        if tally.counts.get(op)
    ]
    sums = [f"{tally.changes()} changes"] if len(lines) > 1 else []
    if tally.errored:
        lines.append(f"{tally.errored} errored")
    unchanged = tally.counts.get("same", 0)
    if unchanged or not lines:
        sums.append(f"{unchanged} unchanged")
    return [*lines, ". ".join(sums)] if sums else lines


def outputs(after: Properties, before: Properties, *, show_secrets: bool = False) -> list[str]:
    """The stack's outputs, with a sign before those that change."""
    lines = []
    for key in sorted({*after, *before}):
        if key not in after:
            mark, value = "-", before[key]
        else:
            value = after[key]
            mark = " " if key in before and before[key] == value else "~" if key in before else "+"
        shown = masked(value, show_secrets=show_secrets)
        lines.append(f"{mark} {key}: {shown if shown == HIDDEN else show_value(shown, limit=400)}")
    return lines


def plain_json(value: Value, *, show_secrets: bool = False) -> Any:
    """Copy a value for JSON output, as the CLI writes it."""

    def walk(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: walk(inner) for key, inner in item.items()}
        if isinstance(item, list):
            return [walk(inner) for inner in item]
        if item is UNKNOWN:
            return codec.UNKNOWN_TEXT
        if isinstance(item, Asset | Archive | ResourceRef):
            return walk(codec.marked(item))
        return item

    return walk(masked(value, show_secrets=show_secrets))


def tree(steps: Sequence[Step], visible: Iterable[str]) -> list[tuple[str, Step]]:
    """Order steps as a tree of parents and children; returns the branch drawn before each."""
    shown = set(visible)
    by_urn = {step.urn: step for step in steps}
    children: dict[str, list[str]] = {}
    for step in steps:
        parent = step.resource.parent
        children.setdefault(parent if parent in by_urn else "", []).append(step.urn)
    rows: list[tuple[str, Step]] = []

    def wanted(urn: str) -> bool:
        return urn in shown or any(wanted(child) for child in children.get(urn, ()))

    def walk(urn: str, prefix: str, branch: str) -> None:
        rows.append((prefix + branch, by_urn[urn]))
        below = [child for child in children.get(urn, ()) if wanted(child)]
        inner = prefix + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
        for child in below:
            walk(child, inner, "└─ " if child == below[-1] else "├─ ")

    for root in children.get("", ()):
        if wanted(root):
            walk(root, "", "")
    return rows


def row_name(step: Step) -> str:
    """The resource's name as tables show it."""
    return name_of(step.urn)
