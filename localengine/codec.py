"""Property values on the SDK's wire (google.protobuf.Struct) and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf import struct_pb2

from localengine.values import UNKNOWN, Archive, Asset, Properties, ResourceRef, Secret, Value

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret, not one
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_LARGEST_EXACT = 2**53


def number(value: float) -> int | float:
    """Return whole numbers as int: the wire only knows doubles."""
    return int(value) if value.is_integer() and abs(value) < _LARGEST_EXACT else value


def content(kinds: Iterable[str], data: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return which of `kinds` a serialized asset or archive is given by, and its content."""
    for kind in kinds:
        if data.get(kind) is not None:
            return kind, data[kind]
    raise ValueError(f"an asset or archive needs one of: {', '.join(kinds)}")


def special(data: dict[str, Value]) -> Value:
    """Turn a mapping that carries a signature into the value it stands for."""
    signature = data.get(SIGNATURE)
    if signature == SECRET:
        return Secret(data.get("value"))
    if signature == ASSET:
        kind, body = content(("text", "path", "uri"), data)
        return Asset(kind, body, data.get("hash") or "")
    if signature == ARCHIVE:
        kind, body = content(("assets", "path", "uri"), data)
        return Archive(kind, body, data.get("hash") or "")
    if signature == RESOURCE:
        return ResourceRef(data["urn"], data.get("id"), data.get("packageVersion") or "")
    if signature == OUTPUT:
        value = data.get("value", UNKNOWN)
        return Secret(value) if data.get("secret") else value
    raise ValueError(f"a value with the unknown signature {signature!r} was sent")


def decode(value: struct_pb2.Value) -> Value:
    """Read one value from the wire."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value == UNKNOWN_TEXT else value.string_value
    if kind == "number_value":
        return number(value.number_value)
    if kind == "bool_value":
        return value.bool_value
    if kind == "struct_value":
        data = decode_struct(value.struct_value)
        return special(data) if SIGNATURE in data else data
    if kind == "list_value":
        return [decode(item) for item in value.list_value.values]
    return None


def decode_struct(struct: struct_pb2.Struct) -> Properties:
    """Read a whole property map from the wire; its keys have no order there, and get the alphabet's."""
    return {key: decode(item) for key, item in sorted(struct.fields.items())}


def marked(value: Asset | Archive | ResourceRef) -> dict[str, Value]:
    """Turn an asset, archive or reference into the mapping with a signature that stands for it."""
    if isinstance(value, ResourceRef):
        reference: dict[str, Value] = {SIGNATURE: RESOURCE, "urn": value.urn}
        if value.id is not None:
            reference["id"] = value.id
        if value.package_version:
            reference["packageVersion"] = value.package_version
        return reference
    body: dict[str, Value] = {SIGNATURE: ASSET if isinstance(value, Asset) else ARCHIVE}
    body[value.kind] = value.content
    if value.hash:
        body["hash"] = value.hash
    return body


def encode(value: Value) -> struct_pb2.Value:
    """Write one value to the wire."""
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if value is UNKNOWN:
        return struct_pb2.Value(string_value=UNKNOWN_TEXT)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, list | tuple):
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[encode(item) for item in value]))
    if isinstance(value, dict):
        return struct_pb2.Value(struct_value=encode_struct(value))
    if isinstance(value, Secret):
        return struct_pb2.Value(struct_value=encode_struct({SIGNATURE: SECRET, "value": value.value}))
    if isinstance(value, Asset | Archive | ResourceRef):
        return struct_pb2.Value(struct_value=encode_struct(marked(value)))
    raise TypeError(f"a value of type {type(value).__name__} cannot be a resource property")


def encode_struct(properties: Mapping[str, Value]) -> struct_pb2.Struct:
    """Write a whole property map to the wire."""
    return struct_pb2.Struct(fields={key: encode(item) for key, item in properties.items()})
