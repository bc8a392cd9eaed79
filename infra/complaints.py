"""What is said about a wrong setting, in one line: name, value, what is wanted, how to set it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

#: The namespace of the settings in a stack's configuration, and the project's name.
NAMESPACE = "seatrial"


def line(detail: ErrorDetails, model: type[BaseModel], stack: str, secret: Collection[str]) -> str:
    """One validation error of `model`, as one line for the person who set it.

    `secret` names the settings whose values are not shown.
    """
    name, *inner = (str(part) for part in detail["loc"] if part != "[key]")
    field = model.model_fields.get(name)
    if field is None:
        return f"{name}: {_unknown(name, model.model_fields, 'setting')}; it is in {_file(stack)}"
    path = ".".join([name, *inner])
    parts = _parts(field)
    if detail["type"] == "extra_forbidden":
        return f"{path}: {_unknown(inner[0], parts, 'part')}; {_how(name, field, stack)}"
    innermost = parts.get(inner[0], field) if inner else field
    hidden = name in secret or any(extra(part).get("hidden") for part in (innermost, *parts.values()))
    value = "is missing" if detail["type"] == "missing" else _shown(detail["input"], hidden)
    if detail["type"] == "value_error" and value != _NOT_SET:
        value += f" ({detail['ctx']['error']})"
    return f"{path}: {value}; wanted {extra(innermost)['wanted']}; {_how(name, field, stack)}"


def extra(field: FieldInfo) -> dict[str, Any]:
    """What a setting says of itself beside its type and description: wanted, example, group, hidden."""
    return dict(field.json_schema_extra) if isinstance(field.json_schema_extra, dict) else {}


_NOT_SET = "is not set"


def _shown(value: object, hidden: bool) -> str:
    if value in ("", [], {}, None, SecretStr("")):
        return _NOT_SET
    return "[secret] is not allowed" if hidden else f"{str(value)[:80]!r} is not allowed"


def _parts(field: FieldInfo) -> dict[str, FieldInfo]:
    """The fields of a setting that is a map with fixed names; of any other, none."""
    options = get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else ()
    for kind in (field.annotation, *options):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return dict(kind.model_fields)
    return {}


def _unknown(name: str, known: Iterable[str], kind: str) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"no such {kind}" + (f", did you mean {near[0]}?" if near else "")


def _how(name: str, field: FieldInfo, stack: str) -> str:
    if extra(field).get("hidden"):
        return f"set it with: config set --secret {NAMESPACE}:{name} --stack {stack}"
    return (
        f"set it in {_file(stack)}: {NAMESPACE}:{name}: {json.dumps(extra(field)['example']).strip(chr(34))}"
    )


def _file(stack: str) -> str:
    return f"Pulumi.{stack}.yaml"
