"""The house's arrows point one way: who may import whom."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PARTS = ("infra", "provisioning", "localcloud", "localengine", "ops", "tools", "tests", "example")

#: What each part may import of the others; everything else is forbidden.
ARROWS = {
    "__main__.py": {"infra", "provisioning"},
    "infra": {"provisioning"},
    "provisioning": set(),
    "localcloud": set(),
    "localengine": set(),
    "ops": {"provisioning"},
}
#: Whole packages that a part must know nothing of.
STRANGERS = {
    "provisioning": {"pulumi", "pulumi_digitalocean", "pulumi_command"},
    "localcloud": {"pulumi", "pulumi_digitalocean", "pulumi_command", "paramiko"},
    "infra": {"paramiko", "docker", "fastapi"},
}
ON_HOST = "provisioning/onhost"


def sources(part: str) -> list[Path]:
    path = PROJECT / part
    if path.is_file():
        return [path]
    # What a role installs is a template, not a module.
    return sorted(source for source in path.rglob("*.py") if "files" not in source.parts)


def imported(source: Path) -> set[str]:
    """The top-level names that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("part", ARROWS)
def test_a_part_imports_only_what_it_may_know(part: str) -> None:
    assert sources(part), f"{part} has no source"
    forbidden = (set(PARTS) - ARROWS[part] - {part}) | STRANGERS.get(part, set())
    wrong = {
        str(source.relative_to(PROJECT)): sorted(imported(source) & forbidden) for source in sources(part)
    }
    assert not {name: names for name, names in wrong.items() if names}


def test_no_product_code_imports_the_tests_or_the_example() -> None:
    for part in (*ARROWS, "tools"):
        for source in sources(part):
            assert not imported(source) & {"tests", "example"}, source


def test_pulumi_runs_the_program_only_from_infra_and_the_main_file() -> None:
    for part in ("provisioning", "localcloud", "ops"):
        for source in sources(part):
            assert not {name for name in imported(source) if name.startswith("pulumi")}, source


def test_the_settings_are_decided_without_pulumi() -> None:
    for name in ("settings", "fields.py", "complaints.py", "names.py", "topology.py", "cloud_init.py"):
        assert sources(f"infra/{name}"), name
        for source in sources(f"infra/{name}"):
            assert not {found for found in imported(source) if found.startswith("pulumi")}, source


def test_the_program_on_a_host_needs_nothing_that_a_bare_system_lacks() -> None:
    # What is in site/ runs inside the site's own environment, beside its Django.
    program = [source for source in sources(ON_HOST) if source.parent.name != "site"]
    assert program
    for source in program:
        assert imported(source) <= sys.stdlib_module_names, source
