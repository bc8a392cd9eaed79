"""State files: their layout, what is read of other engines' files, history and backups."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest

from tests.localengine.conftest import Project

URN = "urn:pulumi:dev::tests::"
PROVIDER = f"{URN}pulumi:providers:files::default"
ID = "b3b4b1a6-33a5-4f0e-8a0e-1f6f0e0d9f11"


def hand_written() -> dict[str, Any]:
    """A state as the official CLI accepts it: no times, numbers as 1.0, a field unknown here."""
    return {
        "manifest": {"time": "0001-01-01T00:00:00Z", "magic": "", "version": ""},
        "resources": [
            {
                "urn": f"{URN}pulumi:pulumi:Stack::tests-dev",
                "custom": False,
                "type": "pulumi:pulumi:Stack",
                "outputs": {"x": 1.0},
            },
            {"urn": PROVIDER, "custom": True, "id": ID, "type": "pulumi:providers:files"},
            {
                "urn": f"{URN}files:index:File::a",
                "custom": True,
                "id": "a",
                "type": "files:index:File",
                "inputs": {"name": "a", "text": "one", "count": 1.0},
                "outputs": {"name": "a", "text": "one", "count": 1.0, "path": "a.json", "size": 3.0},
                "parent": f"{URN}pulumi:pulumi:Stack::tests-dev",
                "provider": f"{PROVIDER}::{ID}",
                "somethingNew": {"kept": True},
            },
        ],
    }


def test_files_lie_where_the_official_cli_looks_for_them(project: Project) -> None:
    project.write('File("a"); pulumi.export("x", Output.secret(1))')
    project.up_well()
    project.write('File("a", text="t"); pulumi.export("x", Output.secret(1))')
    project.up_well()
    files = {str(path.relative_to(project.backend)) for path in project.backend.rglob("*") if path.is_file()}
    patterns = [
        r"\.pulumi/meta\.yaml",
        r"\.pulumi/stacks/tests/dev\.json",
        r"\.pulumi/stacks/tests/dev\.json\.bak",
        r"\.pulumi/history/tests/dev/dev-\d+\.history\.json",
        r"\.pulumi/history/tests/dev/dev-\d+\.checkpoint\.json",
        r"\.pulumi/backups/tests/dev/dev\.\d+\.json",
    ]
    for pattern in patterns:
        assert any(re.fullmatch(pattern, name) for name in files), pattern
    for name in files:
        assert any(re.fullmatch(pattern, name) for pattern in patterns), name
    assert (project.backend / ".pulumi/meta.yaml").read_text() == "version: 1\n"
    assert project.checkpoint()["checkpoint"]["stack"] == "organization/tests/dev"
    history = sorted(project.backend.glob(".pulumi/history/tests/dev/*.history.json"))
    kinds = [json.loads(path.read_text()) for path in history]
    assert [item["resourceChanges"] for item in kinds] == [{"create": 2}, {"same": 1, "update": 1}]
    assert {item["kind"] for item in kinds} == {"update"}
    assert {item["result"] for item in kinds} == {"succeeded"}


def test_a_default_provider_is_recorded_as_the_official_cli_does(project: Project) -> None:
    (project.folder / "Pulumi.dev.yaml").write_text(
        f"config:\n  files:folder: {project.files}\n  files:level: 3\n  other:thing: x\n"
    )
    project.write('File("a", opts=ResourceOptions(version="1.2.3"))')
    project.up_well()
    provider = project.resource("default_1_2_3")
    assert provider["type"] == "pulumi:providers:files"
    assert re.fullmatch(r"[0-9a-f-]{36}", provider["id"])
    config = {"folder": str(project.files), "level": "3", "version": "1.2.3"}
    assert provider["inputs"] == {**config, "__internal": {}}
    assert provider["outputs"] == config
    assert "parent" not in provider
    assert project.resource("a")["provider"] == f"{provider['urn']}::{provider['id']}"


def test_a_state_from_elsewhere_is_taken_over_without_a_change(project: Project) -> None:
    project.put_latest(hand_written())
    project.write('File("a", text="one", count=1); pulumi.export("x", 1)')
    assert project.preview("--expect-no-changes").code == 0
    result = project.up_well()
    assert "2 unchanged" in result.out
    assert project.calls() == []
    project.write('File("a", text="two", count=1); pulumi.export("x", 1)')
    project.up_well()
    assert project.calls() == ["update a"]
    assert project.resource("a")["somethingNew"] == {"kept": True}


def test_compressed_state_is_read(project: Project) -> None:
    project.put_latest(hand_written())
    packed = project.state_file.with_suffix(".json.gz")
    packed.write_bytes(gzip.compress(project.state_file.read_bytes()))
    project.state_file.unlink()
    project.write('File("a", text="one", count=1); pulumi.export("x", 1)')
    assert "2 unchanged" in project.up_well().out


def test_one_state_file_of_a_stack_remains_where_there_was_a_compressed_one(project: Project) -> None:
    project.write('File("a")')
    project.up_well()
    packed = project.state_file.with_suffix(".json.gz")
    packed.write_bytes(gzip.compress(project.state_file.read_bytes()))
    project.state_file.unlink()
    project.write('File("b")')
    project.up_well()
    assert project.existing() == ["b"]
    folder = project.state_file.parent
    assert sorted(path.name for path in folder.iterdir()) == ["dev.json", "dev.json.gz.bak"]


def test_state_compressed_otherwise_is_refused_rather_than_taken_for_a_new_stack(project: Project) -> None:
    packed = project.state_file.with_suffix(".json.zst")
    packed.parent.mkdir(parents=True)
    packed.write_bytes(b"compressed")
    project.write('File("a")')
    result = project.up()
    assert result.code == 1
    assert "cannot read zstd-compressed state" in result.err
    assert project.existing() == []


def test_leftovers_of_a_replacement_are_deleted_by_the_next_run(project: Project) -> None:
    latest = hand_written()
    old = {**latest["resources"][2], "id": "old", "delete": True}
    latest["resources"].append(old)
    project.put_latest(latest)
    (project.files / "old.json").write_text("{}")
    project.write('File("a", text="one", count=1); pulumi.export("x", 1)')
    project.up_well()
    assert project.calls() == ["delete old"]
    assert sorted(project.names()) == ["a", "default", "tests-dev"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 9}, "needs a newer engine"),
        ({"version": 4, "features": ["hooks"]}, "needs a newer engine"),
    ],
)
def test_state_of_a_newer_engine_is_refused(project: Project, change: dict[str, Any], message: str) -> None:
    project.put_latest(hand_written())
    project.state_file.write_text(json.dumps({**project.checkpoint(), **change}))
    project.write("")
    before = project.state_file.read_bytes()
    for result in (project.preview(), project.up(), project.run("destroy", "-s", "dev", "--yes")):
        assert result.code == 1
        assert message in result.err
    assert project.state_file.read_bytes() == before


def test_a_damaged_state_file_is_named_and_left_alone(project: Project) -> None:
    project.put_latest(hand_written())
    project.write("")
    project.state_file.write_text('{"version": 3, ')
    result = project.up()
    assert result.code == 1
    assert "dev.json is damaged" in result.err
    assert project.state_file.read_text() == '{"version": 3, '


def test_stacks_are_listed_exported_and_found_by_themselves_where_there_is_one(project: Project) -> None:
    project.write("")
    nameless = project.run("preview")
    assert nameless.code == 1
    assert "which stack?" in nameless.err
    project.up_well()
    assert project.run("preview").code == 0
    listed = project.run("stack", "ls", "--json").json()
    assert [(item["name"], item["resourceCount"]) for item in listed] == [("dev", 1)]
    exported = project.run("stack", "export").json()
    assert exported == {"version": 3, "deployment": project.latest()}
    project.write('File("a", text=Output.secret("hush"))')
    project.up_well()
    assert "hush" not in project.run("stack", "export").out
    shown = project.run("stack", "export", "--show-secrets").json()["deployment"]["resources"]
    (file,) = [resource for resource in shown if resource["urn"].endswith("::a")]
    assert file["inputs"]["text"]["plaintext"] == '"hush"'
    missing = project.run("stack", "output", "-s", "nowhere")
    assert missing.code == 1
    assert "no stack named 'nowhere' found (stacks of tests: dev)" in missing.err


def test_other_backends_are_refused_by_name(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    result = project.preview()
    assert result.code == 1
    assert "'s3://bucket'" in result.err


def test_refresh_brings_the_state_to_what_exists(project: Project) -> None:
    project.write('a = File("a", text="one"); b = File("b", text="two"); File("c", text=a.path)')
    project.up_well()
    (project.files / "b.json").write_text(json.dumps({"name": "b", "text": "changed by hand"}))
    (project.files / "a.json").unlink()
    result = project.run("refresh", "-s", "dev", "--yes")
    assert result.code == 0, result.text
    assert "1 updated" in result.out
    assert "1 deleted" in result.out
    assert "a" not in project.names()
    assert project.resource("b")["outputs"]["text"] == "changed by hand"
    assert project.resource("c")["propertyDependencies"]["text"] == []
    project.calls()
    project.up_well()
    assert set(project.calls()) == {"create a", "update b"}


def test_up_with_refresh_repairs_what_was_changed_by_hand(project: Project) -> None:
    project.write('File("a", text="one")')
    project.up_well()
    (project.files / "a.json").unlink()
    assert "2 unchanged" in project.up_well().out
    assert project.up("--refresh").code == 0
    assert project.existing() == ["a"]


def test_an_interrupted_creation_can_be_forgotten_by_a_refresh(project: Project) -> None:
    latest = hand_written()
    pending = {**latest["resources"][2], "urn": f"{URN}files:index:File::lost", "id": ""}
    latest["pending_operations"] = [
        {"resource": pending, "type": "creating"},
        {"resource": pending, "type": "updating"},
    ]
    project.put_latest(latest)
    (project.files / "a.json").write_text(json.dumps({"name": "a", "text": "one", "count": 1}))
    project.write('File("a", text="one", count=1); pulumi.export("x", 1)')
    told = project.up_well()
    assert told.text.count("warning: lost: an earlier run was stopped while") == 2
    assert [item["type"] for item in project.latest()["pending_operations"]] == ["creating"]
    assert project.run("refresh", "--yes", "--clear-pending-creates").code == 0
    assert "pending_operations" not in project.latest()


def noted(project: Project, name: str, **notes: Any) -> None:
    """Put a provider's notes to itself into a resource's outputs, as the official plugins do."""
    latest = project.latest()
    for resource in latest["resources"]:
        if resource["urn"].endswith(f"::{name}"):
            resource["outputs"].update(notes)
    project.put_latest(latest)


def test_a_refresh_keeps_another_engine_s_notes_where_nothing_differs(project: Project) -> None:
    project.write('File("a", text="one")')
    project.up_well()
    noted(project, "a", __meta="{}", __pulumi_raw_state_delta={"obj": {}})
    before = project.resource("a")
    shown = project.run("refresh", "-s", "dev", "--yes").out
    assert "    1 unchanged\n" in shown
    assert "__" not in shown
    assert project.resource("a") == before


def test_a_refresh_drops_notes_that_no_longer_describe_the_resource(project: Project) -> None:
    project.write('File("a", text="one")')
    project.up_well()
    noted(project, "a", __pulumi_raw_state_delta={"obj": {}})
    (project.files / "a.json").write_text(json.dumps({"name": "a", "text": "other"}))
    shown = project.run("refresh", "-s", "dev", "--yes").out
    assert "[diff: ~size,~text]" in shown or "[diff: ~text,~size]" in shown
    assert "__pulumi_raw_state_delta" not in project.resource("a")["outputs"]


def test_an_explicit_provider_with_another_engine_s_notes_is_unchanged(project: Project) -> None:
    project.write("""
        import pulumi

        class Files(pulumi.ProviderResource):
            def __init__(self, name):
                super().__init__("files", name, {}, ResourceOptions(version="1.0.0"))

        File("a", text="one", opts=ResourceOptions(provider=Files("own")))
    """)
    project.up_well()
    assert project.resource("own")["inputs"] == {"version": "1.0.0", "__internal": {}}
    latest = project.latest()
    for resource in latest["resources"]:
        if resource["urn"].endswith("::own"):
            resource["inputs"]["__plugin-version"] = "v9"
    project.put_latest(latest)
    assert "    3 unchanged\n" in project.up_well().out


def test_a_change_is_shown_without_the_notes_of_another_engine_s_plugins(project: Project) -> None:
    program = 'File("a", rules=[{{"port": {}}}, {{"port": 2}}])'
    project.write(program.format(1))
    project.up_well()
    latest = project.latest()
    for rule in latest["resources"][-1]["inputs"]["rules"]:
        rule["__defaults"] = []
    project.put_latest(latest)
    project.write(program.format(3))
    shown = project.preview("--diff").out
    assert "~ rules[0].port: 1 => 3\n" in shown
    assert "__defaults" not in shown
