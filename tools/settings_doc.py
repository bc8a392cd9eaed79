"""Writes what is said of the settings, out of the code that checks them: docs/settings.md and Pulumi.yaml.

python -m tools.settings_doc           write both files
python -m tools.settings_doc --check   say which of them is out of date, and exit 1 if one is
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from infra.complaints import NAMESPACE, extra
from infra.fields import Hooks, Smtp, value_type
from infra.settings import Settings

PROJECT = Path(__file__).resolve().parent.parent
_NOTICE = "written by `python -m tools.settings_doc` from infra/settings/; change it there"
_INTRODUCTION = f"""\
# Settings

<!-- {_NOTICE} -->

A stack's settings are in `Pulumi.<stack>.yaml`, each as `{NAMESPACE}:<name>`. All of them are checked before
anything is made; what is wrong is said in one line each, all at once. A secret is set with
`config set --secret` and is encrypted in the file.
"""


def default_of(field: FieldInfo) -> Any:
    """A setting's default as YAML has it; secrets and absent maps are empty."""
    empty = {"object": {}, "string": ""}.get(value_type(field))
    return field.default if isinstance(field.default, str | int | list | dict) else empty


def config_block() -> dict[str, dict[str, Any]]:
    """The `config` block of Pulumi.yaml: each setting's type, description and default."""
    block: dict[str, dict[str, Any]] = {}
    for name, field in Settings.model_fields.items():
        kind = value_type(field)
        items = {"items": {"type": "string"}} if kind == "array" else {}
        block[name] = {"type": kind, **items, "description": field.description, "default": default_of(field)}
    return block


def pulumi_yaml() -> str:
    """The whole project file."""
    project = {
        "name": NAMESPACE,
        "description": "A Django site on DigitalOcean, from its droplet to its release",
        "runtime": {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}},
        "config": config_block(),
    }
    return f"# {_NOTICE}.\n" + yaml.safe_dump(project, sort_keys=False, width=110, allow_unicode=True)


def settings_md() -> str:
    """The page for readers."""
    pages = [_INTRODUCTION]
    fields = Settings.model_fields.items()
    for group, members in groupby(fields, key=lambda item: extra(item[1])["group"]):
        pages.append(f"## {group}\n\n" + _table(dict(members)))
    for title, model in (("The map `smtp`", Smtp), ("The map `hooks`", Hooks)):
        pages.append(f"## {title}\n\n{_first_line(model)}\n\n" + _table(dict(model.model_fields)))
    return "\n".join(pages)


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").splitlines()[0]


def _table(fields: dict[str, FieldInfo]) -> str:
    rows = ["| setting | default | what it means | allowed |", "| --- | --- | --- | --- |"]
    for name, field in fields.items():
        default = "" if field.is_required() else json.dumps(default_of(field)).strip('"')
        shown = f"`{default}`" if default not in ("", "{}", "[]") else ""
        rows.append(f"| `{name}` | {shown} | {field.description} | {extra(field)['wanted']} |")
    return "\n".join(rows) + "\n"


def main() -> int:
    """Write the files, or check them; the exit code says whether they were current."""
    parser = argparse.ArgumentParser(description="docs/settings.md and Pulumi.yaml, from the code")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    check = parser.parse_args().check
    stale = False
    for file, text in (("docs/settings.md", settings_md()), ("Pulumi.yaml", pulumi_yaml())):
        path = PROJECT / file
        if path.exists() and path.read_text() == text:
            continue
        stale = True
        if check:
            print(f"{file} is out of date: run python -m tools.settings_doc", file=sys.stderr)
        else:
            path.write_text(text)
            print(f"wrote {file}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
