"""Changing a stack's configuration file in place, with its comments and order kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from localengine import paths
from localengine.backend import write_whole
from localengine.errors import EngineError
from localengine.project import read_yaml


def parse_path(path: str) -> paths.Path:
    """Split a property path such as `a.b[0]["c.d"]`. Raises EngineError where it is none."""
    steps = paths.parse(path)
    if not steps or "*" in steps:
        raise EngineError(f"{path!r} is not the path of one setting (such as `names[0].first`)")
    return steps


def put(container: Any, steps: paths.Path, value: Any) -> Any:
    """Return `container` with `value` at the place `steps` lead to, made on the way where missing.

    Raises EngineError where a step does not fit what is there.
    """
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        items = list(container) if isinstance(container, list) else []
        if (container not in (None, []) and not isinstance(container, list)) or step > len(items):
            raise EngineError(f"[{step}] does not fit the list that is there")
        items[step : step + 1] = [put(items[step] if step < len(items) else None, rest, value)]
        return items
    if container is not None and not isinstance(container, dict):
        raise EngineError(f"{step!r} does not fit: the value there is no mapping")
    mapping = dict(container or {})
    mapping[step] = put(mapping.get(step), rest, value)
    return mapping


def without(container: Any, steps: paths.Path) -> Any:
    """Return `container` without what lies at `steps`. Raises EngineError where nothing does."""
    step, rest = steps[0], steps[1:]
    fits = isinstance(container, list) if isinstance(step, int) else isinstance(container, dict)
    if not fits or (step >= len(container) if isinstance(step, int) else step not in container):
        raise EngineError(f"there is nothing at {paths.show((step,))}")
    copy = container.copy()
    if rest:
        copy[step] = without(copy[step], rest)
    else:
        del copy[step]
    return copy


def _inline(value: Any) -> str:
    if isinstance(value, list | dict):
        text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False)
    else:
        style = '"' if isinstance(value, str) and "\n" in value else None
        text = yaml.safe_dump(value, default_style=style, width=10**6).replace("\n...", "")
    return text.strip()


def _entry(key: str, value: Any, indent: str) -> str:
    if isinstance(value, list | dict) and value:
        block = yaml.safe_dump(value, default_flow_style=False, width=10**6, sort_keys=False)
        lines = "".join(f"{indent}  {line}\n" for line in block.splitlines())
        return f"{indent}{_inline(key)}:\n{lines}"
    return f"{indent}{_inline(key)}: {_inline(value)}\n"


def _mapping(text: str) -> yaml.MappingNode | None:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    return node if isinstance(node, yaml.MappingNode) else None


def _end(node: yaml.Node) -> int:
    """Where the node's own text ends; PyYAML's mark of a block lies after the comments that follow it."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(node, yaml.MappingNode) else last)


def _replace(text: str, node: yaml.MappingNode | None, key: str, value: Any, indent: str) -> str | None:
    for key_node, value_node in node.value if node else ():
        if key_node.value == key:
            start = text.rfind("\n", 0, key_node.start_mark.index) + 1
            scalar = isinstance(value_node, yaml.ScalarNode)
            if scalar and not (isinstance(value, list | dict) and value):
                # What follows on the line (a comment) stays.
                return text[: value_node.start_mark.index] + _inline(value) + text[_end(value_node) :]
            end = text.find("\n", _end(value_node)) + 1
            return text[:start] + _entry(key, value, indent) + text[end or len(text) :]
    return None


def _place(text: str, node: yaml.MappingNode, key: str) -> tuple[int, int] | None:
    """Where the whole lines of `key`'s entry begin and end in `text`."""
    for key_node, value_node in node.value:
        if key_node.value == key:
            start = text.rfind("\n", 0, key_node.start_mark.index) + 1
            return start, text.find("\n", _end(value_node)) + 1 or len(text)
    return None


def remove_value(path: Path, key: str) -> None:
    """Take `key` (full, `namespace:key`) out of the file's `config`."""
    text = path.read_text()
    if not text.endswith("\n"):
        text += "\n"
    top = _mapping(text)
    section = next((item for name, item in top.value if name.value == "config"), None) if top else None
    if not isinstance(section, yaml.MappingNode) or section.flow_style:
        raise EngineError(f"{path.name}: write `config` as a block, one setting to a line")
    found = _place(text, section, key) or _place(text, section, key.partition(":")[2])
    if found is None:
        raise EngineError(f"{path.name}: there is no setting {key}")
    if len(section.value) == 1:
        whole = _place(text, top, "config") if top else None
        found = whole or found
    write_whole(path, text[: found[0]] + text[found[1] :])
    read_yaml(path)


def set_value(path: Path, key: str, value: Any, *, salt: str = "") -> None:
    """Set `key` (full, `namespace:key`) in the file's `config`, and its `encryptionsalt` where given."""
    text = path.read_text() if path.exists() else ""
    if text and not text.endswith("\n"):
        text += "\n"
    if salt:
        replaced = _replace(text, _mapping(text), "encryptionsalt", salt, "")
        text = replaced if replaced is not None else f"encryptionsalt: {salt}\n{text}"
    top = _mapping(text)
    section = next((item for name, item in top.value if name.value == "config"), None) if top else None
    if isinstance(section, yaml.MappingNode) and section.value:
        if section.flow_style:
            raise EngineError(f"{path.name}: write `config` as a block, one setting to a line")
        indent = " " * section.value[0][0].start_mark.column
        short = key.partition(":")[2]
        names = [name.value for name, _ in section.value]
        name = short if short in names and key not in names else key
        replaced = _replace(text, section, name, value, indent)
        if replaced is None:
            end = text.find("\n", _end(section)) + 1
            replaced = text[:end] + _entry(key, value, indent) + text[end:]
        text = replaced
    else:
        text = re.sub(r"^config:.*\n", "", text, flags=re.MULTILINE)
        text += "config:\n" + _entry(key, value, "  ")
    write_whole(path, text)
    read_yaml(path)
