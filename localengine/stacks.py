"""The commands that look at stacks and change configuration: stack output, ls, export, rm; config; cancel."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path

import yaml

from localengine import digest, stackfile
from localengine.backend import from_checkpoint, salt_of
from localengine.config import StackFile, full_key
from localengine.errors import EngineError
from localengine.options import Options
from localengine.redact import HIDDEN
from localengine.secrets import Secrets, passphrase_from
from localengine.values import Properties
from localengine.workspace import Workspace, outputs_of


class _Blind(Secrets):
    """Reads state without a passphrase: every secret is there, none is known."""

    def decrypt(self, ciphertext: str) -> str:  # noqa: ARG002
        return json.dumps(HIDDEN)


def output(options: Options, name: str | None) -> int:
    """Print the stack's outputs, or one of them. Needs the passphrase only to show secrets."""
    workspace = Workspace.find(options.cwd, options.environment)
    checkpoint = workspace.backend.read(workspace.name(options.stack))
    secrets = Secrets if options.show_secrets else _Blind
    read = from_checkpoint(checkpoint, secrets(passphrase_from(options.environment), salt_of(checkpoint)))
    outputs: Properties = outputs_of(read.resources)
    shown = digest.outputs_json(outputs, show_secrets=options.show_secrets)
    if name is not None:
        if name not in outputs:
            known = ", ".join(sorted(outputs)) or "none"
            raise EngineError(f"there is no output {name!r} (outputs: {known})")
        value = shown[name]
        print(value if isinstance(value, str) and not options.json else json.dumps(value, indent=2))
    elif options.json:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        print(f"Current stack outputs ({len(shown)}):")
        wide = max((len(key) for key in shown), default=0)
        for key, value in shown.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            print(f"    {key:<{wide}}  {text}")
    return 0


def ls(options: Options) -> int:
    """Print the project's stacks."""
    workspace = Workspace.find(options.cwd, options.environment)
    rows = []
    for name in workspace.backend.stacks():
        latest = workspace.backend.read(name).get("latest") or {}
        when = (latest.get("manifest") or {}).get("time", "")
        rows.append({"name": name, "lastUpdate": when, "resourceCount": len(latest.get("resources") or ())})
    if options.json:
        print(json.dumps(rows, indent=2))
        return 0
    wide = max([len("NAME"), *(len(str(row["name"])) for row in rows)])
    print(f"{'NAME':<{wide}}  {'LAST UPDATE':<27}  RESOURCE COUNT")
    for row in rows:
        print(f"{row['name']:<{wide}}  {row['lastUpdate']:<27}  {row['resourceCount']}")
    return 0


def export(options: Options) -> int:
    """Print the stack's state as `stack import` of the CLI takes it; secrets stay encrypted."""
    workspace = Workspace.find(options.cwd, options.environment)
    checkpoint = workspace.backend.read(workspace.name(options.stack))
    print(json.dumps({"version": 3, "deployment": checkpoint.get("latest")}, indent=4))
    return 0


def remove(options: Options) -> int:
    """Forget a stack that holds nothing any more."""
    options.must_be_confirmed("stack rm")
    workspace = Workspace.find(options.cwd, options.environment)
    name = workspace.name(options.stack)
    checkpoint = workspace.backend.read(name)
    held = [item for item in (checkpoint.get("latest") or {}).get("resources") or () if item.get("custom")]
    if held:
        raise EngineError(f"the stack {name!r} still holds {len(held)} resources: run `destroy` first")
    workspace.backend.remove(name)
    print(f"stack {name} removed")
    return 0


def cancel(options: Options) -> int:
    """Remove the locks that lie on the stack."""
    workspace = Workspace.find(options.cwd, options.environment)
    name = workspace.name(options.stack)
    locks = workspace.backend.cancel(name)
    for lock in locks:
        print(f"removed the lock of {lock}")
    if not locks:
        print(f"the stack {name!r} is not locked")
    return 0


def _file(options: Options, workspace: Workspace) -> tuple[str, Path]:
    name = workspace.name(options.stack)
    return name, options.config_file or workspace.project.folder / f"Pulumi.{name}.yaml"


def config_set(options: Options, key: str, value: str | None, *, secret: bool, path: bool) -> int:
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
    steps = stackfile.parse_path(key.partition(":")[2] or key) if path else (key,)
    if path:
        # In a structure, numbers and booleans are what they look like; whole settings are texts.
        stored = yaml.safe_load(value) if not secret and _is_scalar_literal(value) else stored
        namespace = key.partition(":")[0] if ":" in key else project
        whole = f"{namespace}:{steps[0]}"
        stored = stackfile.put(content.values.get(whole), steps[1:], stored)
    else:
        whole = full_key(key, project)
    stackfile.set_value(file, whole, stored, salt=salt)
    return 0


def _is_scalar_literal(text: str) -> bool:
    return text in ("true", "false") or text.lstrip("-").isdigit()


def config_get(options: Options, key: str) -> int:
    """Print one setting's value, decrypted."""
    workspace = Workspace.find(options.cwd, options.environment)
    name, _ = _file(options, workspace)
    stack = workspace.open(name, options.config_file, create=True)
    settings = stack.settings()
    full = full_key(key, workspace.project.name)
    if full not in settings:
        raise EngineError(f"{full} is not set for the stack {name!r}")
    setting = settings[full]
    if options.json:
        print(json.dumps({"name": full, "value": setting.value, "secret": setting.secret}, indent=2))
    else:
        print(setting.value)
    return 0


def config_list(options: Options) -> int:
    """Print every setting of the stack, secrets hidden unless asked for."""
    workspace = Workspace.find(options.cwd, options.environment)
    name, _ = _file(options, workspace)
    stack = workspace.open(name, options.config_file, create=True)
    settings = dict(sorted(stack.settings().items()))
    shown = {
        key: HIDDEN if item.secret and not options.show_secrets else item.value
        for key, item in settings.items()
    }
    if options.json:
        print(
            json.dumps(
                {key: {"value": shown[key], "secret": settings[key].secret} for key in shown}, indent=2
            )
        )
        return 0
    wide = max([len("KEY"), *(len(key) for key in shown)])
    print(f"{'KEY':<{wide}}  VALUE")
    for key, value in shown.items():
        print(f"{key.removeprefix(f'{workspace.project.name}:'):<{wide}}  {value}")
    return 0
