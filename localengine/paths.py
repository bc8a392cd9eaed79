"""Where two property values differ, and property paths such as `droplet.tags[*]`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from localengine.values import Properties, Secret, Value

Path: TypeAlias = tuple[str | int, ...]
_STEP = re.compile(r"""\.?([^.\[\]]+)|\[(\d+|\*)\]|\["((?:[^"\\]|\\.)*)"\]""")


def parse(text: str) -> Path:
    """Split a property path; `*` stands for any key or index."""
    steps: list[str | int] = []
    for match in _STEP.finditer(text):
        name, index, quoted = match.groups()
        if index is not None:
            steps.append(index if index == "*" else int(index))
        else:
            steps.append(quoted if quoted is not None else name)
    return tuple(steps)


def show(path: Path) -> str:
    """Write a path the way the CLI does."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[A-Za-z_$][\w$]*", step):
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text


@dataclass(frozen=True)
class Change:
    """One place where two values differ."""

    path: Path
    kind: Literal["add", "delete", "update"]
    old: Value = None
    new: Value = None


def _bare(value: Value) -> Value:
    while isinstance(value, Secret):
        value = value.value
    return value


def changes(old: Value, new: Value, path: Path = ()) -> Iterator[Change]:
    """Yield every place where `old` and `new` differ, secrets compared by what they hold."""
    before, after = _bare(old), _bare(new)
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            if key not in after:
                yield Change((*path, key), "delete", old=before[key])
            elif key not in before:
                yield Change((*path, key), "add", new=after[key])
            else:
                yield from changes(before[key], after[key], (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            if index >= len(after):
                yield Change((*path, index), "delete", old=before[index])
            elif index >= len(before):
                yield Change((*path, index), "add", new=after[index])
            else:
                yield from changes(before[index], after[index], (*path, index))
    elif type(before) is not type(after) or before != after:
        yield Change(path, "update", old, new)


def matches(pattern: Path, path: Path) -> bool:
    """Say whether a change at `path` touches what `pattern` names."""
    return all(want in ("*", have) for want, have in zip(pattern, path, strict=False))


def any_match(patterns: Iterable[str], touched: Sequence[Path]) -> bool:
    """Say whether any of the changes at `touched` is one that `patterns` name."""
    parsed = [parse(pattern) for pattern in patterns]
    return any(matches(pattern, path) for pattern in parsed for path in touched)


def keep_old(new: Properties, old: Properties, ignored: Iterable[str]) -> Properties:
    """Return `new` with what the paths `ignored` name set back to what it is in `old`."""
    result: Value = new
    for text in ignored:
        result = _keep(result, old, parse(text))
    return dict(result)


_MISSING = object()


def _keep(new: Value, old: Value, path: Path) -> Value:
    if isinstance(new, Secret):
        return Secret(_keep(new.value, _bare(old), path))
    old = _bare(old)
    step, rest = path[0], path[1:]
    if isinstance(new, dict) and isinstance(old, dict):
        result = dict(new)
        for key in {*new, *old} if step == "*" else {step}:
            before, after = old.get(key, _MISSING), result.get(key, _MISSING)
            if not rest:
                if before is _MISSING:
                    result.pop(key, None)
                else:
                    result[key] = before
            elif before is not _MISSING and after is not _MISSING:
                result[key] = _keep(after, before, rest)
        return result
    if isinstance(new, list) and isinstance(old, list):
        if step == "*" and not rest:
            return old
        items = list(new)
        for index in range(len(items)) if step == "*" else [step]:
            if isinstance(index, int) and index < min(len(items), len(old)):
                items[index] = _keep(items[index], old[index], rest) if rest else old[index]
        return items
    return new
