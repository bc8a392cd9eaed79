"""A stack's settings file, and what this run wants to be different in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from ops.errors import OpsError

#: Where a run keeps what it makes beside the project: the local engine's state, fetched repositories.
WORK_FOLDER = ".seatrial"


class StackError(OpsError):
    """What is wrong with a stack's file; the text is one line for the operator."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One `Pulumi.<name>.yaml`."""

    project: Path
    name: str
    file: Path
    config: Mapping[str, Any]

    @property
    def api_url(self) -> str:
        """The DigitalOcean API that the stack talks to; empty for the real one."""
        return str(self.config.get("digitalocean:apiEndpoint", ""))

    @property
    def on_this_machine(self) -> bool:
        """Whether the stack's cloud is the local one (its API is on loopback)."""
        return urlsplit(self.api_url).hostname in {"127.0.0.1", "localhost", "::1"}


def load(project: Path, name: str) -> Stack:
    """Read `Pulumi.<name>.yaml` of the project.

    Raises StackError when there is no such file or it is no YAML map.
    """
    file = project / f"Pulumi.{name}.yaml"
    if not file.is_file():
        known = sorted(p.name.split(".")[1] for p in project.glob("Pulumi.*.yaml"))
        raise StackError(f"there is no stack '{name}' ({file.name}); there are: {', '.join(known) or 'none'}")
    try:
        content = yaml.safe_load(file.read_text()) or {}
        config = content.get("config") or {}
        if not isinstance(config, dict):
            raise TypeError("'config' is not a map")
    except (yaml.YAMLError, AttributeError, TypeError) as error:
        raise StackError(f"{file.name} cannot be read: {' '.join(str(error).split())}") from None
    return Stack(project=project, name=name, file=file, config=config)


def is_here(project: Path, name: str) -> bool:
    """Whether there is such a stack and its cloud is the local one."""
    try:
        return load(project, name).on_this_machine
    except StackError:
        return False


def states(project: Path) -> list[Path]:
    """The files that keep what rehearsals made, one a stack."""
    return sorted((project / WORK_FOLDER / "pulumi/.pulumi/stacks/seatrial").glob("*.json"))


def with_changes(stack: Stack, changes: Mapping[str, Any]) -> Stack:
    """The stack with some settings changed for this machine or run.

    The committed file stays as it is: the changed one is written into the work folder, and both engines
    take it by `--config-file`. With nothing to change, the stack itself is returned.
    """
    wanted = {key: value for key, value in changes.items() if stack.config.get(key) != value}
    if not wanted:
        return stack
    content = yaml.safe_load(stack.file.read_text()) or {}
    content["config"] = {**stack.config, **wanted}
    file = stack.project / WORK_FOLDER / stack.file.name
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return Stack(project=stack.project, name=stack.name, file=file, config=content["config"])
