"""What is written about the settings is what the code checks."""

from __future__ import annotations

import yaml

from infra.fields import Hooks, Smtp
from infra.settings import Settings, load
from tests.unit.infra.recording import PROJECT
from tests.unit.infra.test_settings import LEAST
from tools import settings_doc


def test_the_page_of_settings_is_current() -> None:
    assert (PROJECT / "docs/settings.md").read_text() == settings_doc.settings_md(), (
        "python -m tools.settings_doc"
    )


def test_the_project_file_is_current() -> None:
    assert (PROJECT / "Pulumi.yaml").read_text() == settings_doc.pulumi_yaml(), "python -m tools.settings_doc"


def test_the_project_file_declares_every_setting_with_type_description_and_default() -> None:
    config = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"]
    assert list(config) == list(Settings.model_fields)
    for name, declared in config.items():
        assert declared["type"] in {"string", "integer", "boolean", "array", "object"}, name
        assert declared["description"].endswith("."), name
        # Without a default the engine itself would refuse the stack, one setting at a time.
        assert declared["default"] is not None, name
        assert (declared["type"] == "array") == ("items" in declared), name


def test_the_defaults_of_the_project_file_mean_the_same_as_nothing_set() -> None:
    config = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["config"]
    defaults = {name: declared["default"] for name, declared in config.items()}
    assert load({**defaults, **LEAST}) == load(LEAST)


def test_every_part_of_a_map_is_on_the_page() -> None:
    page = (PROJECT / "docs/settings.md").read_text()
    for name in [*Settings.model_fields, *Smtp.model_fields, *Hooks.model_fields]:
        assert f"| `{name}` |" in page
