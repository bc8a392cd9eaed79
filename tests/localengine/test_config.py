"""Configuration: declarations and defaults, stack files, and changing them."""

from __future__ import annotations

import json

import pytest

from tests.localengine.conftest import Project

DECLARED = """name: tests
runtime:
  name: python
  options: {virtualenv: .venv}
config:
  size: {type: integer, default: 3, description: how many}
  wide: {type: boolean, default: false}
  label: {type: string, default: "on"}
  names: {type: array, items: {type: string}, default: [a, b]}
  deep: {type: object, default: {y: 1, x: [true]}}
  plain: just text
  files:level: {value: 7}
"""
PROGRAM = """
    config = pulumi.Config()
    for key in ("size", "wide", "label", "names", "deep", "plain"):
        pulumi.export(key, config.get(key))
    pulumi.export("level", pulumi.Config("files").get("level"))
"""


def outputs(project: Project) -> dict[str, str]:
    project.up_well()
    return dict(project.run("stack", "output", "--json", "-s", "dev", "--show-secrets").json())


def test_defaults_of_the_project_reach_the_program_as_text(project: Project) -> None:
    (project.folder / "Pulumi.yaml").write_text(DECLARED)
    project.write(PROGRAM)
    assert outputs(project) == {
        "size": "3",
        "wide": "false",
        "label": "on",
        "names": '["a","b"]',
        "deep": '{"x":[true],"y":1}',
        "plain": "just text",
        "level": "7",
    }


def test_the_stack_s_file_wins_over_defaults_and_is_read_as_the_cli_reads_yaml(project: Project) -> None:
    (project.folder / "Pulumi.yaml").write_text(DECLARED)
    (project.folder / "Pulumi.dev.yaml").write_text(
        "config:\n  tests:size: 5\n  wide: true\n  label: yes\n  plain: 2026-01-02\n  names: [on]\n"
    )
    project.write(PROGRAM)
    found = outputs(project)
    assert found["size"] == "5"
    assert found["wide"] == "true"
    assert found["label"] == "yes"
    assert found["plain"] == "2026-01-02"
    assert found["names"] == '["on"]'


def test_everything_wrong_is_told_at_once_with_what_is_allowed(project: Project) -> None:
    (project.folder / "Pulumi.yaml").write_text(
        DECLARED + "  needed: {type: string}\n  token: {type: string, secret: true, default: x}\n"
    )
    (project.folder / "Pulumi.dev.yaml").write_text(
        "config:\n  size: many\n  wide: 3\n  names: a\n  deep: [1]\n  token: in-the-clear\n"
    )
    project.write("")
    result = project.preview()
    assert result.code == 1
    lines = result.err.splitlines()
    assert "error: tests:size: 'many' is not of the type integer" in lines
    assert "error: tests:wide: 3 is not of the type boolean" in lines
    assert "error: tests:names: 'a' is not of the type array" in lines
    assert "error: tests:deep: [1] is not of the type object" in lines
    assert "error: tests:needed: missing; set it with `config set needed <value>`" in lines
    assert "error: tests:token: must be encrypted; set it with `config set --secret token <value>`" in lines
    assert "in-the-clear" not in result.text


def test_another_file_can_stand_in_for_the_stack_s_own(project: Project) -> None:
    (project.folder / "Pulumi.yaml").write_text(DECLARED)
    (project.folder / "Pulumi.dev.yaml").write_text("config: {size: 5}\n")
    other = project.folder / "other.yaml"
    other.write_text("config: {size: 6}\n")
    project.write(PROGRAM)
    assert project.up("--config-file", str(other)).code == 0
    assert project.run("stack", "output", "size").out == "6\n"
    missing = project.up("--config-file", str(project.folder / "nowhere.yaml"))
    assert missing.code == 1
    assert "there is no such file" in missing.err


def test_settings_are_set_and_read_back_and_the_file_keeps_its_comments(project: Project) -> None:
    file = project.folder / "Pulumi.dev.yaml"
    file.write_text(
        "# what staging is\n"
        "config:\n"
        "  # how many\n"
        "  tests:size: 5  # for now\n"
        "  tests:names:\n"
        "    - a\n"
        "    - b\n"
        "\n"
        "  # the end\n"
        "  tests:label: x\n"
    )

    def put(*arguments: str) -> None:
        result = project.run("config", "set", *arguments, "-s", "dev")
        assert result.code == 0, result.text

    put("size", "9")
    put("names[1]", "c", "--path")
    put("deep.inner.x", "3", "--path")
    put("other:key", "yes: no")
    put("many", "line one\nline two")
    text = file.read_text()
    for comment in ("# what staging is", "# how many", "tests:size: '9'  # for now", "# the end"):
        assert comment in text

    def get(key: str) -> str:
        return project.run("config", "get", key, "-s", "dev").out

    assert get("size") == "9\n"
    assert json.loads(get("names")) == ["a", "c"]
    assert json.loads(get("deep")) == {"inner": {"x": 3}}
    assert get("other:key") == "yes: no\n"
    assert get("many") == "line one\nline two\n"
    assert get("label") == "x\n"
    unknown = project.run("config", "get", "nothing", "-s", "dev")
    assert unknown.code == 1
    assert "tests:nothing is not set" in unknown.err
    listed = project.run("config", "--json", "-s", "dev").json()
    assert listed["tests:size"] == {"value": "9", "secret": False}


def test_secret_settings_are_encrypted_at_rest_and_hidden_in_lists(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.StringIO("xyzzy-plugh\n"))
    assert project.run("config", "set", "token", "--secret", "-s", "dev").code == 0
    assert (
        project.run("config", "set", "deep.token", "plugh-xyzzy", "--secret", "--path", "-s", "dev").code == 0
    )
    text = (project.folder / "Pulumi.dev.yaml").read_text()
    assert "xyzzy" not in text
    assert text.startswith("encryptionsalt: v1:")
    assert text.count("encryptionsalt") == 1
    assert text.count("secure: v1:") == 2
    assert project.run("config", "get", "token", "-s", "dev").out == "xyzzy-plugh\n"
    assert project.run("config", "get", "deep", "-s", "dev").out == '{"token":"plugh-xyzzy"}\n'
    listed = project.run("config", "-s", "dev")
    assert "xyzzy" not in listed.out
    assert "[secret]" in listed.out
    assert "xyzzy-plugh" in project.run("config", "-s", "dev", "--show-secrets").out

    project.write("""
        config = pulumi.Config()
        pulumi.export("token", config.require_secret("token"))
        pulumi.export("deep", config.require_secret_object("deep"))
    """)
    assert outputs(project) == {"token": "xyzzy-plugh", "deep": {"token": "plugh-xyzzy"}}
    salt = project.latest()["secrets_providers"]["state"]["salt"]
    assert f"encryptionsalt: {salt}" in text, "state and configuration share one salt"


def set_path(project: Project, key: str, value: str, *flags: str) -> None:
    result = project.run("config", "set", "--path", key, value, "-s", "dev", *flags)
    assert result.code == 0, result.text


def test_a_part_of_a_setting_is_read_by_its_path_and_leading_zeros_stay(project: Project) -> None:
    set_path(project, "env.ZIP", "007")
    set_path(project, "env.count", "12")
    set_path(project, "env.list[0]", "true")
    set_path(project, "env.KEY", "hush-hush", "--secret")

    def get(path: str) -> str:
        return project.run("config", "get", "--path", path, "-s", "dev").out

    assert [get("env.ZIP"), get("env.count"), get("env.list[0]"), get("env.KEY")] == [
        "007\n",
        "12\n",
        "true\n",
        "hush-hush\n",
    ]
    whole = project.run("config", "get", "env", "--json", "-s", "dev").json()
    assert whole["objectValue"] == {"KEY": "hush-hush", "ZIP": "007", "count": 12, "list": [True]}
    missing = project.run("config", "get", "--path", "env.nothing", "-s", "dev")
    assert missing.code == 1
    assert missing.err == "error: env.nothing is not set for the stack 'dev'\n"


def test_lists_of_settings_hide_only_what_is_secret(project: Project) -> None:
    set_path(project, "env.PLAIN", "open")
    set_path(project, "env.KEY", "hush-hush", "--secret")
    table = project.run("config", "-s", "dev").out
    assert table == 'KEY  VALUE\nenv  {"KEY":"[secret]","PLAIN":"open"}\n'
    assert project.run("config", "--json", "-s", "dev").json() == {"tests:env": {"secret": True}}


def test_settings_and_parts_of_them_are_removed_and_the_rest_of_the_file_stays(project: Project) -> None:
    file = project.folder / "Pulumi.dev.yaml"
    file.write_text("config:\n  # why\n  tests:a: 1 # one\n  env:\n    X: 1\n    Y: [1, 2]\n  tests:z: 2\n")

    def rm(*arguments: str) -> int:
        return project.run("config", "rm", *arguments, "-s", "dev").code

    assert rm("--path", "env.Y[0]") == 0
    assert rm("--path", "env.X") == 0
    assert rm("a") == 0
    assert file.read_text() == "config:\n  # why\n  env:\n    Y:\n    - 2\n  tests:z: 2\n"
    assert rm("a") == 1
    assert rm("--path", "env.X") == 1
    assert rm("z") == rm("env") == 0
    assert "config" not in file.read_text()
    assert project.run("config", "-s", "dev").out == "KEY  VALUE\n"
