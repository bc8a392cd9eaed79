"""A stack's state: resources, pending operations, and their form in a checkpoint file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from localengine import codec
from localengine.errors import EngineError
from localengine.urn import split_reference
from localengine.values import Archive, Asset, Properties, ResourceRef, Secret, Value

Json: TypeAlias = Any
OperationKind: TypeAlias = Literal["creating", "updating", "deleting", "reading", "importing"]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource as the state knows it. Times are RFC 3339 texts, timeouts seconds."""

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    delete: bool = False
    pending_replacement: bool = False
    protect: bool = False
    external: bool = False
    retain_on_delete: bool = False
    deleted_with: str = ""
    replace_with: tuple[str, ...] = ()
    replacement_trigger: Value = None
    init_errors: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    hide_diff: tuple[str, ...] = ()
    custom_timeouts: Mapping[str, float] = field(default_factory=dict)
    created: str = ""
    modified: str = ""
    source_position: str = ""
    extra: Mapping[str, Json] = field(default_factory=dict)
    """Fields of the file this engine does not use, kept as they were."""

    def needs(self) -> frozenset[str]:
        """The URNs that must exist for as long as this resource does."""
        urns = {*self.dependencies, *self.replace_with, self.parent, self.deleted_with}
        for dependencies in self.property_dependencies.values():
            urns.update(dependencies)
        if self.provider:
            urns.add(split_reference(self.provider)[0])
        return frozenset(urns - {"", self.urn})


@dataclass(frozen=True)
class Operation:
    """Something begun on `resource` whose end the state has not seen."""

    resource: Resource
    kind: OperationKind


@dataclass(frozen=True)
class State:
    """All that a checkpoint holds."""

    resources: tuple[Resource, ...] = ()
    pending: tuple[Operation, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)


# File name of a field -> (attribute, shape); the order is the order in the file.
_TEXTS = {
    "parent": "parent",
    "provider": "provider",
    "deletedWith": "deleted_with",
    "created": "created",
    "modified": "modified",
    "sourcePosition": "source_position",
}
_FLAGS = {
    "delete": "delete",
    "protect": "protect",
    "external": "external",
    "pendingReplacement": "pending_replacement",
    "retainOnDelete": "retain_on_delete",
}
_LISTS = {
    "dependencies": "dependencies",
    "replaceWith": "replace_with",
    "initErrors": "init_errors",
    "additionalSecretOutputs": "additional_secret_outputs",
    "ignoreChanges": "ignore_changes",
    "replaceOnChanges": "replace_on_changes",
    "hideDiff": "hide_diff",
}
_OTHERS = {
    "urn",
    "custom",
    "id",
    "type",
    "inputs",
    "outputs",
    "propertyDependencies",
    "customTimeouts",
    "replacementTrigger",
    "aliases",
}


def value_to_json(value: Value, seal: Callable[[str], str]) -> Json:
    """Write a value for the file; `seal` makes the ciphertext of a secret's JSON."""
    if isinstance(value, Secret):
        # Within a secret all is encrypted already: inner ones keep their mark, not a cipher of their own.
        inner = json.dumps(value_to_json(value.value, lambda text: text), separators=(",", ":"))
        return {codec.SIGNATURE: codec.SECRET, "ciphertext": seal(inner)}
    if isinstance(value, dict):
        return {key: value_to_json(item, seal) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [value_to_json(item, seal) for item in value]
    if isinstance(value, Asset | Archive | ResourceRef):
        return value_to_json(codec.marked(value), seal)
    if isinstance(value, float) and value.is_integer():
        return codec.number(value)
    return value


def in_plaintext(data: Json, unseal: Callable[[str], str]) -> Json:
    """What a file says, with the ciphertext of each secret replaced by its `plaintext`."""
    if isinstance(data, list):
        return [in_plaintext(item, unseal) for item in data]
    if not isinstance(data, dict):
        return data
    if data.get(codec.SIGNATURE) == codec.SECRET and "ciphertext" in data:
        return {codec.SIGNATURE: codec.SECRET, "plaintext": unseal(data["ciphertext"])}
    return {key: in_plaintext(item, unseal) for key, item in data.items()}


def value_from_json(data: Json, unseal: Callable[[str], str]) -> Value:
    """Read a value from the file; `unseal` decrypts a secret's ciphertext."""
    if isinstance(data, list):
        return [value_from_json(item, unseal) for item in data]
    if isinstance(data, float):
        return codec.number(data)
    if not isinstance(data, dict):
        return data
    if data.get(codec.SIGNATURE) == codec.SECRET:
        text = data["plaintext"] if "plaintext" in data else unseal(data["ciphertext"])
        return Secret(value_from_json(json.loads(text), lambda inner: inner))
    read = {key: value_from_json(item, unseal) for key, item in data.items()}
    return codec.special(read) if codec.SIGNATURE in read else read


def to_json(resource: Resource, seal: Callable[[str], str]) -> dict[str, Json]:
    """Write a resource for the file, leaving out what is empty."""
    data: dict[str, Json] = {"urn": resource.urn, "custom": resource.custom}
    data.update({name: True for name, attribute in _FLAGS.items() if getattr(resource, attribute)})
    if resource.id:
        data["id"] = resource.id
    data["type"] = resource.type
    for name, properties in (("inputs", resource.inputs), ("outputs", resource.outputs)):
        if properties:
            data[name] = value_to_json(properties, seal)
    for name, attribute in (*_TEXTS.items(), *_LISTS.items()):
        value = getattr(resource, attribute)
        if value:
            data[name] = list(value) if name in _LISTS else value
    if resource.property_dependencies:
        data["propertyDependencies"] = {
            key: list(urns) for key, urns in resource.property_dependencies.items()
        }
    if resource.custom_timeouts:
        data["customTimeouts"] = {
            name: codec.number(float(seconds)) for name, seconds in resource.custom_timeouts.items()
        }
    if resource.replacement_trigger is not None:
        data["replacementTrigger"] = value_to_json(resource.replacement_trigger, seal)
    data.update(resource.extra)
    return data


def from_json(data: Mapping[str, Json], unseal: Callable[[str], str]) -> Resource:
    """Read a resource from the file. Raises EngineError where a field every resource has is missing."""
    try:
        urn, type = data["urn"], data["type"]
    except KeyError as error:
        raise EngineError(f"the state is damaged: a resource has no {error.args[0]}") from None
    known = _TEXTS.keys() | _FLAGS.keys() | _LISTS.keys() | _OTHERS
    plain: dict[str, Any] = {attribute: data.get(name) or "" for name, attribute in _TEXTS.items()}
    plain.update({attribute: bool(data.get(name)) for name, attribute in _FLAGS.items()})
    plain.update({attribute: tuple(data.get(name) or ()) for name, attribute in _LISTS.items()})
    return Resource(
        urn=urn,
        type=type,
        custom=bool(data.get("custom")),
        id=data.get("id") or "",
        inputs=value_from_json(data.get("inputs") or {}, unseal),
        outputs=value_from_json(data.get("outputs") or {}, unseal),
        property_dependencies={
            key: tuple(urns or ()) for key, urns in (data.get("propertyDependencies") or {}).items()
        },
        custom_timeouts={
            key: seconds for key, seconds in (data.get("customTimeouts") or {}).items() if seconds
        },
        replacement_trigger=value_from_json(data.get("replacementTrigger"), unseal),
        extra={key: value for key, value in data.items() if key not in known},
        **plain,
    )
