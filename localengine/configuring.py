"""The commands that look at a stack's settings and change them: config, config get, set, rm."""

from __future__ import annotations

import getpass
import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from localengine import paths, stackfile
from localengine.backend import salt_of
from localengine.config import Setting, StackFile, as_setting, as_text, full_key, hidden
from localengine.errors import EngineError
from localengine.options import Options
from localengine.secrets import Secrets, passphrase_from
from localengine.workspace import Workspace


def _file(options: Options, workspace: Workspace) -> tuple[str, Path]:
    name = workspace.name(options.stack)
    return name, options.config_file or workspace.project.folder / f"Pulumi.{name}.yaml"


def put(options: Options, key: str, value: str | None, *, secret: bool, path: bool) -> int:
    """Set one setting in the stack's file. A missing `value` is read from standard input, or asked for."""
    workspace = Workspace.find(options.cwd, options.environment)
    name, file = _file(options, workspace)
    if value is None:
        ask = getpass.getpass if secret else input
        value = ask(f"{key}: ") if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
    project = workspace.project.name
    content = StackFile(file, project)
    salt = ""
    stored: object = value
    if secret:
        known = content.salt or (
            salt_of(workspace.backend.read(name)) if workspace.backend.exists(name) else ""
        )
        secrets = Secrets(passphrase_from(options.environment), known)
        stored = {"secure": secrets.encrypt(value)}
        salt = "" if content.salt else secrets.state
    whole, steps = _place(key, project, path=path)
    if path:
        # In a structure, numbers and booleans are what they look like; whole settings are texts.
        stored = yaml.safe_load(value) if not secret and _is_scalar_literal(value) else stored
        stored = stackfile.put(content.values.get(whole), steps, stored)
    stackfile.set_value(file, whole, stored, salt=salt)
    return 0


def _is_scalar_literal(text: str) -> bool:
    # 007 is no number: its zeros would be lost.
    return text in ("true", "false") or re.fullmatch(r"-?(0|[1-9][0-9]*)", text) is not None


def _place(key: str, project: str, *, path: bool) -> tuple[str, paths.Path]:
    """Return the whole setting that `key` means, by its full name, and the way to go within it."""
    if not path:
        return full_key(key, project), ()
    namespace, _, rest = key.rpartition(":")
    steps = stackfile.parse_path(rest)
    return f"{namespace or project}:{steps[0]}", steps[1:]


def get(options: Options, key: str, *, path: bool) -> int:
    """Print one setting's value, or what lies at a path within it, decrypted."""
    workspace = Workspace.find(options.cwd, options.environment)
    name, _ = _file(options, workspace)
    stack = workspace.open(name, options.config_file, create=True)
    settings = stack.settings()
    full, steps = _place(key, workspace.project.name, path=path)
    setting = settings.get(full)
    if setting is not None and steps:
        stored = _within(setting.stored, steps)
        setting = None if stored is None else as_setting(stored, stack.secrets)
    if setting is None:
        raise EngineError(f"{key if path else full} is not set for the stack {name!r}")
    print(json.dumps(_shown(setting, show_secrets=True), indent=2) if options.json else setting.value)
    return 0


def remove(options: Options, key: str, *, path: bool) -> int:
    """Take one setting, or what lies at a path within it, out of the stack's file."""
    workspace = Workspace.find(options.cwd, options.environment)
    _, file = _file(options, workspace)
    content = StackFile(file, workspace.project.name)
    full, steps = _place(key, workspace.project.name, path=path)
    if full not in content.values:
        raise EngineError(f"{key} is not set in {file.name}")
    if steps:
        stackfile.set_value(file, full, stackfile.without(content.values[full], steps))
    else:
        stackfile.remove_value(file, full)
    return 0


def _shown(setting: Setting, *, show_secrets: bool) -> dict[str, object]:
    """One setting as the CLI's JSON has it."""
    if setting.secret and not show_secrets:
        return {"secret": True}
    parsed = {"objectValue": json.loads(setting.value)} if setting.structured else {}
    return {"value": setting.value, **parsed, "secret": setting.secret}


def _within(stored: Any, steps: paths.Path) -> Any:
    """What lies at `steps` of a value of a stack file, or None."""
    for step in steps:
        if isinstance(stored, dict) and not isinstance(step, int):
            stored = stored.get(step)
        elif isinstance(stored, list) and isinstance(step, int) and step < len(stored):
            stored = stored[step]
        else:
            return None
    return stored


def show(options: Options) -> int:
    """Print every setting of the stack, what is secret in them hidden unless asked for."""
    workspace = Workspace.find(options.cwd, options.environment)
    name, _ = _file(options, workspace)
    stack = workspace.open(name, options.config_file, create=True)
    settings = dict(sorted(stack.settings().items()))
    if options.json:
        shown = {key: _shown(item, show_secrets=options.show_secrets) for key, item in settings.items()}
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return 0
    wide = max([len("KEY"), *(len(key.removeprefix(f"{workspace.project.name}:")) for key in settings)])
    print(f"{'KEY':<{wide}}  VALUE")
    for key, item in settings.items():
        value = item.value if options.show_secrets else as_text(hidden(item.stored))
        print(f"{key.removeprefix(f'{workspace.project.name}:'):<{wide}}  {value}")
    return 0
