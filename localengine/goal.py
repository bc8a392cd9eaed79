"""What a program asks for: one resource, with all its options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from google.protobuf import struct_pb2

from localengine import codec
from localengine.errors import EngineError
from localengine.values import Properties, Value

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")


@dataclass(frozen=True, kw_only=True)
class Alias:
    """Another name a resource may have had: a whole URN, or the parts that differ from the present ones."""

    urn: str = ""
    name: str = ""
    type: str = ""
    stack: str = ""
    project: str = ""
    parent: str = ""
    no_parent: bool = False


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A resource as the program wants it. `protect` and `retain_on_delete` are None where not said."""

    type: str
    name: str
    custom: bool
    inputs: Properties
    parent: str = ""
    provider: str = ""
    version: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool | None = None
    retain_on_delete: bool | None = None
    delete_before_replace: bool | None = None
    deleted_with: str = ""
    replace_with: tuple[str, ...] = ()
    replacement_trigger: Value = None
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    hide_diff: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[Alias, ...] = ()
    custom_timeouts: Mapping[str, float] = field(default_factory=dict)
    source_position: str = ""

    def inherit(self, parent: Goal | None) -> Goal:
        """Take over from the parent's goal what a child inherits where it says nothing itself."""
        if parent is None:
            return self
        return replace(
            self,
            protect=self.protect if self.protect is not None else parent.protect,
            retain_on_delete=(
                self.retain_on_delete if self.retain_on_delete is not None else parent.retain_on_delete
            ),
            deleted_with=self.deleted_with or parent.deleted_with,
        )


def seconds(duration: str) -> float:
    """Read a duration such as `1h30m` or `45s`. Raises EngineError where it is none."""
    parts = _DURATION.findall(duration)
    if "".join(number + unit for number, unit in parts) != duration.strip() or not parts:
        raise EngineError(f"custom timeout {duration!r} is no duration (such as 90s or 1h30m)")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def lacking(request: Any) -> list[str]:
    """Name everything a registration asks for that this engine lacks."""
    asked = {
        "remote components": request.remote,
        "import (opts.import_)": request.importId,
        "transforms": len(request.transforms),
        "resource hooks": request.HasField("hooks") and request.hooks.ByteSize(),
        "state migrations": len(request.state_migrations),
        "parameterized packages": request.packageRef,
        "plugin download URLs": request.pluginDownloadURL,
        "environment variable mappings": len(request.envVarMappings),
    }
    return [what for what, used in asked.items() if used]


def from_request(request: Any, root: str) -> Goal:
    """Read a RegisterResourceRequest; `root` is the project's folder, for source positions.

    Raises EngineError for a malformed custom timeout.
    """
    trigger = request.replacement_trigger if request.HasField("replacement_trigger") else None
    if isinstance(trigger, struct_pb2.Value):
        trigger = codec.decode(trigger)
    timeouts = {
        name: seconds(text)
        for name in ("create", "update", "delete")
        if (text := getattr(request.customTimeouts, name))
    }
    return Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        inputs=codec.decode_struct(request.object),
        parent=request.parent,
        provider=request.provider,
        version=request.version,
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies={
            key: tuple(sorted(item.urns)) for key, item in sorted(request.propertyDependencies.items())
        },
        protect=request.protect if request.HasField("protect") else None,
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        delete_before_replace=(request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None),
        deleted_with=request.deletedWith,
        replace_with=tuple(sorted(request.replace_with)),
        replacement_trigger=trigger,
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        hide_diff=tuple(request.hideDiffs),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        aliases=tuple(_alias(item) for item in request.aliases)
        + tuple(Alias(urn=item) for item in request.aliasURNs),
        custom_timeouts=timeouts,
        source_position=_position(request.sourcePosition, root),
    )


def _alias(message: Any) -> Alias:
    if message.WhichOneof("alias") == "urn":
        return Alias(urn=message.urn)
    spec = message.spec
    return Alias(
        name=spec.name,
        type=spec.type,
        stack=spec.stack,
        project=spec.project,
        parent=spec.parentUrn,
        no_parent=spec.noParent,
    )


def _position(message: Any, root: str) -> str:
    path = unquote(message.uri.removeprefix("file://"))
    if not message.uri or not root or not PurePosixPath(path).is_relative_to(root):
        return ""
    return f"project:///{PurePosixPath(path).relative_to(root)}#{message.line}"
