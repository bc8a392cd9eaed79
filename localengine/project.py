"""Pulumi.yaml: the project's name, where its program is, and the settings it declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from localengine.errors import EngineError

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """YAML 1.2's core schema: `yes`, `on` and dates are plain text, as the pulumi CLI reads them."""

    yaml_implicit_resolvers: dict[str, Any] = {  # noqa: RUF012 - PyYAML's own class attribute
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _bools() -> None:
    import re

    pattern = re.compile("^(?:true|True|TRUE|false|False|FALSE)$")
    _Loader.add_implicit_resolver("tag:yaml.org,2002:bool", pattern, list("tTfF"))


_bools()


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping. Raises EngineError where it does not."""
    try:
        data = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
    except OSError as error:
        raise EngineError(f"{path}: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise EngineError(f"{path.name} is not valid YAML: {' '.join(str(error).split())}") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise EngineError(f"{path.name}: a mapping is needed at its top level")
    return data


@dataclass(frozen=True)
class Project:
    """What Pulumi.yaml says."""

    name: str
    folder: Path
    program: Path
    config: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def find(cls, start: Path) -> Project:
        """Read the Pulumi.yaml of `start` or of the nearest folder above it.

        Raises EngineError where there is none, or it is not a Python project.
        """
        start = start.resolve()
        for folder in (start, *start.parents):
            for name in ("Pulumi.yaml", "Pulumi.yml"):
                if (folder / name).is_file():
                    return cls._read(folder / name)
        raise EngineError(f"no Pulumi.yaml in {start} or any folder above it")

    @classmethod
    def _read(cls, file: Path) -> Project:
        data = read_yaml(file)
        name = data.get("name")
        if not isinstance(name, str) or not name:
            raise EngineError(f"{file.name}: `name` is missing")
        runtime = data.get("runtime")
        runtime = runtime.get("name") if isinstance(runtime, dict) else runtime
        if runtime != "python":
            raise EngineError(f"{file.name}: runtime {runtime!r}: the local engine runs python programs only")
        program = (file.parent / str(data.get("main") or ".")).resolve()
        if not program.exists():
            raise EngineError(f"{file.name}: `main` names {program}, which does not exist")
        config = data.get("config") or {}
        if not isinstance(config, dict):
            raise EngineError(f"{file.name}: `config` must be a mapping of settings")
        return cls(name=name, folder=file.parent, program=program, config=config)
