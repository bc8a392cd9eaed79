"""The commands that look at stacks: stack output, ls, export, rm; cancel."""

from __future__ import annotations

import json

from localengine import digest, state
from localengine.backend import from_checkpoint, salt_of
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
        if options.json:
            print(json.dumps(value, indent=2, ensure_ascii=False))
        else:
            print(_on_one_line(value))
    elif options.json:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        print(f"Current stack outputs ({len(shown)}):")
        wide = max([len("OUTPUT"), *(len(key) for key in shown)])
        print(f"    {'OUTPUT':<{wide}}  VALUE")
        for key, value in shown.items():
            text = _on_one_line(value).replace("\n", "\n" + " " * (wide + 6))
            print(f"    {key:<{wide}}  {text}")
    return 0


def _on_one_line(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


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
    """Print the stack's state as `stack import` of the CLI takes it; secrets stay encrypted but on demand."""
    workspace = Workspace.find(options.cwd, options.environment)
    checkpoint = workspace.backend.read(workspace.name(options.stack))
    latest = checkpoint.get("latest")
    if options.show_secrets:
        secrets = Secrets(passphrase_from(options.environment), salt_of(checkpoint))
        latest = state.in_plaintext(latest, secrets.decrypt)
    print(json.dumps({"version": 3, "deployment": latest}, indent=4))
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
