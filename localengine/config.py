"""A stack's configuration: Pulumi.yaml's declarations and defaults under Pulumi.<stack>.yaml's values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localengine.errors import EngineError
from localengine.project import Project, read_yaml
from localengine.redact import HIDDEN
from localengine.secrets import Secrets

_TYPES = ("string", "integer", "boolean", "array", "object")


@dataclass(frozen=True)
class Setting:
    """One setting's value as programs get it: text, or JSON for lists and mappings."""

    value: str = field(repr=False)
    secret: bool = False
    structured: bool = False
    stored: Any = field(default=None, repr=False)
    """What the file holds, secrets still encrypted."""


def full_key(key: str, project: str) -> str:
    """Put the project's namespace before a key that has none."""
    return key if ":" in key else f"{project}:{key}"


def as_text(value: Any) -> str:
    """Write a value of a YAML file as the text programs get."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return str(value)


def is_secure(value: Any) -> bool:
    """Say whether a value of a stack file is an encrypted one."""
    return isinstance(value, dict) and list(value) == ["secure"] and isinstance(value["secure"], str)


def has_secure(value: Any) -> bool:
    """Say whether a value of a stack file is, or contains, an encrypted one."""
    if is_secure(value):
        return True
    if isinstance(value, dict):
        return any(has_secure(item) for item in value.values())
    return isinstance(value, list) and any(has_secure(item) for item in value)


def reveal(value: Any, secrets: Secrets) -> Any:
    """Copy a value of a stack file with what is encrypted decrypted."""
    if is_secure(value):
        return secrets.decrypt(value["secure"])
    if isinstance(value, dict):
        return {key: reveal(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item, secrets) for item in value]
    return value


def hidden(value: Any) -> Any:
    """Copy a value of a stack file for showing, with what is encrypted hidden."""
    if is_secure(value):
        return HIDDEN
    if isinstance(value, dict):
        return {key: hidden(item) for key, item in value.items()}
    return [hidden(item) for item in value] if isinstance(value, list) else value


def _fits(value: Any, type: str, items: Any) -> bool:
    if type == "integer":
        return (isinstance(value, int) and not isinstance(value, bool)) or (
            isinstance(value, str) and value.lstrip("-").isdigit()
        )
    if type == "boolean":
        return isinstance(value, bool) or value in ("true", "false")
    if type == "string":
        return not isinstance(value, list | dict)
    if type == "object":
        return isinstance(value, dict)
    if not isinstance(value, list):
        return False
    inner = items.get("type") if isinstance(items, dict) else None
    return inner not in _TYPES or all(_fits(item, inner, items.get("items")) for item in value)


class StackFile:
    """The content of Pulumi.<stack>.yaml (or the file given in its place); it may not exist yet."""

    def __init__(self, path: Path, project: str) -> None:
        """Raises EngineError where the file is wrong or asks for what this engine lacks."""
        self.path = path
        data = read_yaml(path) if path.exists() else {}
        if data.get("environment"):
            raise EngineError(f"{path.name}: `environment` needs Pulumi Cloud; the local engine lacks it")
        kind = data.get("secretsprovider") or "passphrase"
        if kind not in ("passphrase", "default"):
            raise EngineError(
                f"{path.name}: secretsprovider {kind!r}: the local engine knows passphrase only"
            )
        self.salt = str(data.get("encryptionsalt") or "")
        config = data.get("config") or {}
        if not isinstance(config, dict):
            raise EngineError(f"{path.name}: `config` must be a mapping of settings")
        self.values: dict[str, Any] = {full_key(str(key), project): value for key, value in config.items()}


def load(project: Project, file: StackFile, secrets: Secrets) -> dict[str, Setting]:
    """Return every setting by its full key (`namespace:key`).

    Raises EngineError naming every setting that is missing or does not fit its declared type.
    """
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for raw, declared in project.config.items():
        key = full_key(str(raw), project.name)
        given = file.values.get(key)
        if not isinstance(declared, dict):
            values[key] = declared
            continue
        if key not in file.values:
            if "value" in declared:
                values[key] = declared["value"]
            elif "default" in declared:
                values[key] = given = declared["default"]
            elif "type" in declared:
                wrong.append(f"{key}: missing; set it with `config set {raw} <value>`")
                continue
        type = declared.get("type")
        if type is None:
            continue
        if type not in _TYPES:
            wrong.append(f"{key}: Pulumi.yaml declares the unknown type {type!r} ({', '.join(_TYPES)})")
        elif given is not None and not has_secure(given) and not _fits(given, type, declared.get("items")):
            shown = "the value given" if declared.get("secret") else repr(given)
            wrong.append(f"{key}: {shown} is not of the type {type}")
        if declared.get("secret") and key in file.values and not has_secure(given):
            wrong.append(f"{key}: must be encrypted; set it with `config set --secret {raw} <value>`")
    if wrong:
        raise EngineError("\n".join(wrong))
    return _settings({**values, **file.values}, secrets)


def _settings(values: Mapping[str, Any], secrets: Secrets) -> dict[str, Setting]:
    return {key: as_setting(stored, secrets) for key, stored in values.items()}


def as_setting(stored: Any, secrets: Secrets) -> Setting:
    """Return the setting that a value of a stack file is, decrypted."""
    secret = has_secure(stored)
    plain = reveal(stored, secrets) if secret else stored
    return Setting(as_text(plain), secret, isinstance(plain, list | dict), stored)
