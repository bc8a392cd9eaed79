"""What a resource type's properties are: validation, comparison and spelling, driven by a table."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from localengine.provider import UNKNOWN, Archive, Asset, CheckFailure, CheckFailures, Diff
from localengine.values import has_unknown

Kind: TypeAlias = Literal["str", "int", "float", "bool", "list", "set", "map", "object", "asset", "any"]
Same: TypeAlias = Callable[[Any, Any, Mapping[str, Any]], bool]
"""`same(old, new, news)`: two spellings of one value? `news` are all wanted inputs."""

NOTHING: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One property.

    `item` describes the elements of a list, set or map, `fields` the properties of an object.
    `computed` is filled in by the cloud where it is not given; `output` can't be given at all.
    `replaces` says whether a change needs a new resource, or tells it from the old and new value.
    `wrong` says what is wrong with a value, or None.
    """

    kind: Kind = "str"
    item: Field | None = None
    fields: Mapping[str, Field] = field(default_factory=dict)
    required: bool = False
    default: Any = None
    computed: bool = False
    output: bool = False
    replaces: bool | Callable[[Any, Any], bool] = False
    same: Same | None = None
    wrong: Callable[[Any], str | None] | None = None


Fields: TypeAlias = Mapping[str, Field]


class _Wrong(Exception):
    """A value that does not fit its field."""


def one_of(*allowed: str) -> Callable[[Any], str | None]:
    """A `wrong` that lets only these words pass."""
    return lambda value: None if value in allowed else f"{value!r} is not one of {', '.join(allowed)}"


def between(low: int, high: int) -> Callable[[Any], str | None]:
    """A `wrong` for whole numbers, both ends allowed."""
    return lambda value: None if low <= value <= high else f"{value} is not between {low} and {high}"


def same_word(old: Any, new: Any, _news: Mapping[str, Any]) -> bool:
    """Equal but for upper and lower case."""
    return str(old or "").casefold() == str(new or "").casefold()


def same_words(old: Any, new: Any, _news: Mapping[str, Any]) -> bool:
    """The same set of words, but for upper and lower case."""
    return {str(word).casefold() for word in old or ()} == {str(word).casefold() for word in new or ()}


def check(fields: Fields, news: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with their right types, without empty ones. Raises CheckFailures."""
    failures: list[CheckFailure] = []
    checked = _check_object("", fields, news, failures)
    if failures:
        raise CheckFailures(failures)
    return checked


def with_defaults(fields: Fields, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs, and the defaults of those that were not given."""
    defaults = {name: item.default for name, item in fields.items() if item.default is not None}
    return defaults | {name: value for name, value in inputs.items() if not name.startswith("__")}


def diff(
    fields: Fields, old_inputs: Mapping[str, Any], old_outputs: Mapping[str, Any], news: Mapping[str, Any]
) -> Diff:
    """Compare what is (outputs, or inputs where the cloud does not tell) with what is wanted."""
    changed: list[str] = []
    replaces: list[str] = []
    for name, item in fields.items():
        old = old_outputs.get(name, old_inputs.get(name, item.default))
        new = news.get(name, item.default)
        if item.output or (item.computed and name not in news) or not differs(item, old, new, news):
            continue
        changed.append(name)
        needs = item.replaces if isinstance(item.replaces, bool) else item.replaces(old, new)
        if needs:
            replaces.append(name)
    return Diff(changed=tuple(changed), replaces=tuple(replaces))


def differs(item: Field, old: Any, new: Any, news: Mapping[str, Any]) -> bool:
    """Whether two values of a field mean different things; something unknown always differs."""
    if has_unknown(new):
        return True
    if item.same is not None and item.same(old, new, news):
        return False
    return bool(normal(item, old) != normal(item, new))


def normal(item: Field, value: Any) -> Any:
    """A form that is equal for equal meanings: unset and empty, 80 and "80", a set in any order."""
    if value in NOTHING or (value in (False, 0) and item.default is None):
        return None
    if item.kind in ("list", "set") and isinstance(value, list):
        items = [normal(item.item or ANY, element) for element in value]
        return (
            items
            if item.kind == "list"
            else sorted({json.dumps(element, sort_keys=True) for element in items})
        )
    if item.kind in ("map", "object") and isinstance(value, dict):
        parts = {
            name: normal(item.fields.get(name, item.item or ANY), part)
            for name, part in value.items()
            if not name.startswith("__")
        }
        return {name: part for name, part in sorted(parts.items()) if part is not None}
    try:
        return _coerce(item, value)
    except _Wrong:
        return value


def spelled_as_given(fields: Fields, given: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """`found`, with the program's own spelling and order wherever it means the same."""
    result = dict(found)
    for name, value in given.items():
        item = fields.get(name)
        if item and name in found and value is not None and not differs(item, found[name], value, given):
            result[name] = value
    return result


def refreshed_inputs(fields: Fields, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The program's inputs as they would have to be for what was found.

    Without any inputs (a resource looked up by its id): all that can be given and is not a default.
    """
    if inputs:
        result = dict(inputs)
        for name, value in inputs.items():
            item = fields.get(name)
            if item and name in outputs and differs(item, outputs[name], value, inputs):
                result[name] = outputs[name]
        return result
    return {
        name: outputs[name]
        for name, item in fields.items()
        if not item.output and normal(item, outputs.get(name)) != normal(item, item.default)
    }


def _check_object(
    path: str, fields: Fields, given: Mapping[str, Any], failures: list[CheckFailure]
) -> dict[str, Any]:
    inputs = {name: item for name, item in fields.items() if not item.output}
    checked: dict[str, Any] = {}
    for name, value in given.items():
        if name.startswith("__") or value is None:
            continue
        where = f"{path}.{name}" if path else name
        if name in inputs:
            checked[name] = _check_value(where, inputs[name], value, failures)
        else:
            reason = f"no such property; there are {', '.join(sorted(inputs))}"
            failures.append(CheckFailure(where, reason))
    for name, item in inputs.items():
        if item.required and given.get(name) in NOTHING:
            failures.append(CheckFailure(f"{path}.{name}" if path else name, "is required and was not given"))
    return checked


def _check_value(path: str, item: Field, value: Any, failures: list[CheckFailure]) -> Any:
    if value is UNKNOWN:
        return value
    if item.kind in ("list", "set") and isinstance(value, list):
        element = item.item or ANY
        return [_check_value(f"{path}[{index}]", element, part, failures) for index, part in enumerate(value)]
    if item.kind == "map" and isinstance(value, dict):
        element = item.item or ANY
        return {name: _check_value(f"{path}.{name}", element, part, failures) for name, part in value.items()}
    if item.kind == "object" and isinstance(value, dict):
        return _check_object(path, item.fields, value, failures)
    try:
        coerced = _coerce(item, value)
    except _Wrong as wrong:
        failures.append(CheckFailure(path, str(wrong)))
        return value
    reason = item.wrong(coerced) if item.wrong else None
    if reason:
        failures.append(CheckFailure(path, reason))
    return coerced


def _coerce(item: Field, value: Any) -> Any:
    """Give a scalar its field's type, as the official providers do: "80" is 80 and "true" is true."""
    match item.kind:
        case "any":
            return value
        case "asset" if isinstance(value, Asset | Archive):
            return value
        case "str" if isinstance(value, str):
            return value
        case "str" if isinstance(value, bool | int | float):
            return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)
        case "bool" if isinstance(value, bool) or value in ("true", "false"):
            return value in (True, "true")
        case "float" | "int" if isinstance(value, str | int | float) and not isinstance(value, bool):
            return _number(item.kind, value)
    raise _Wrong(f"{_shown(value)} is not {_WANTED[item.kind]}")


def _number(kind: Kind, value: str | float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if math.isfinite(number) and kind == "float":
        return number
    if number.is_integer():
        return int(number)
    raise _Wrong(f"{_shown(value)} is not {_WANTED[kind]}")


def _shown(value: Any) -> str:
    """A value in an error message; only its kind where it could be long or private."""
    return repr(value) if isinstance(value, bool | int | float) else f"a {type(value).__name__}"


_WANTED: Mapping[Kind, str] = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "set": "a list",
    "map": "a map",
    "object": "a set of properties",
    "asset": "an asset or an archive",
}
ANY = Field(kind="any")
