"""Resource options, lookups and explicit providers."""

from __future__ import annotations

import pytest

from tests.localengine.conftest import Project


def test_a_protected_resource_is_neither_deleted_nor_replaced_until_the_protection_is_off(
    project: Project,
) -> None:
    program = 'File("a", name="{}", opts=ResourceOptions(protect={})); File("b")'
    project.write(program.format("one", True))
    project.up_well()
    project.calls()

    project.write('File("b")')
    gone = project.up()
    assert gone.code == 1
    assert "error: a: cannot be deleted, because it is protected" in gone.text
    project.write(program.format("two", True))
    replaced = project.up()
    assert replaced.code == 1
    assert "error: a: must be replaced, but it is protected" in replaced.text
    assert project.calls() == []
    assert project.existing() == ["b", "one"]

    project.write(program.format("two", False))
    project.up_well()
    assert project.existing() == ["b", "two"]


def test_destroy_leaves_what_is_protected_and_what_that_needs(project: Project) -> None:
    project.write("""
        a = File("a")
        b = File("b", text=a.path, opts=ResourceOptions(protect=True))
        c = File("c", text=b.path)
    """)
    project.up_well()
    result = project.run("destroy", "-s", "dev", "--yes", "--skip-preview")
    assert result.code == 1
    assert "b: cannot be deleted" in result.text
    assert project.existing() == ["a", "b"]
    assert {"a", "b", "default"} <= set(project.names())


def test_a_retained_resource_is_forgotten_but_stays(project: Project) -> None:
    project.write('File("a", opts=ResourceOptions(retain_on_delete=True))')
    project.up_well()
    project.calls()
    project.write("")
    project.up_well()
    assert project.calls() == []
    assert project.existing() == ["a"]
    assert "a" not in project.names()


def test_what_goes_with_another_resource_is_not_deleted_by_itself(project: Project) -> None:
    project.write("""
        host = File("host")
        File("on-host", text=host.path, opts=ResourceOptions(deleted_with=host))
    """)
    project.up_well()
    project.calls()
    project.write("")
    project.up_well()
    assert project.calls() == ["delete host"]
    assert project.names() == ["tests-dev"]


def test_what_goes_with_another_resource_is_replaced_with_it(project: Project) -> None:
    program = """
        host = File("host", name="{}")
        File("on-host", text="x", opts=ResourceOptions(deleted_with=host))
        File("beside", text="x", opts=ResourceOptions(replace_with=[host]))
    """
    project.write(program.format("one"))
    project.up_well()
    project.calls()
    project.write(program.format("two"))
    shown = project.preview()
    assert "+-3 to replace" in shown.out
    project.up_well()
    calls = project.calls()
    assert calls[0] == "create two"
    assert set(calls[1:3]) == {"create on-host-1", "create beside-1"}
    assert set(calls[3:]) == {"delete one", "delete beside"}, "the original on the host goes with the host"


def test_children_inherit_what_their_component_is_deleted_with(project: Project) -> None:
    project.write("""
        host = File("host")
        box = Box("box", opts=ResourceOptions(deleted_with=host, retain_on_delete=True))
        File("in-box", opts=ResourceOptions(parent=box))
    """)
    project.up_well()
    state = project.resource("in-box")
    assert state["deletedWith"] == project.resource("host")["urn"]
    assert state["retainOnDelete"] is True


def test_ignored_changes_are_ignored_and_others_are_not(project: Project) -> None:
    program = 'File("a", text="{}", tags={}, deep={{"x": "{}", "y": "{}"}}, opts=ResourceOptions({}))'
    ignore = 'ignore_changes=["text", "tags[0]", "deep.x"]'
    project.write(program.format("one", ["p", "q"], "1", "1", ignore))
    project.up_well()
    project.calls()
    project.write(program.format("two", ["changed", "q"], "2", "1", ignore))
    assert "3 unchanged" in project.up_well().out or project.calls() == []
    assert project.resource("a")["inputs"]["text"] == "one"
    project.write(program.format("two", ["p", "changed"], "1", "2", ignore))
    project.up_well()
    assert project.resource("a")["inputs"]["tags"] == ["p", "changed"]
    assert project.resource("a")["inputs"]["deep"] == {"x": "1", "y": "2"}
    assert project.calls() == ["update a"]


@pytest.mark.parametrize(
    ("pattern", "before", "after"),
    [
        ("text", 'text="x"', 'text="y"'),
        ("tags[*]", 'tags=["x"]', 'tags=["y"]'),
        ("tags[*]", 'tags=["x"]', 'tags=["x", "y"]'),
        ("deep.inner", 'deep={"inner": 1}', 'deep={"inner": 2}'),
        ("*", 'text="x"', 'text="y"'),
    ],
)
def test_changes_that_replace_by_the_program_s_word_replace(
    project: Project, pattern: str, before: str, after: str
) -> None:
    program = 'File("a", {}, opts=ResourceOptions(replace_on_changes=["{}"]))'
    project.write(program.format(before, pattern))
    project.up_well()
    project.calls()
    project.write(program.format(after, pattern))
    project.up_well()
    assert project.calls() == ["create a-1", "delete a"]


def test_a_change_beside_the_ones_that_replace_only_updates(project: Project) -> None:
    program = 'File("a", deep={{"x": 1, "y": {}}}, opts=ResourceOptions(replace_on_changes=["deep.x"]))'
    project.write(program.format(1))
    project.up_well()
    project.calls()
    project.write(program.format(2))
    project.up_well()
    assert project.calls() == ["update a"]


def test_a_changed_replacement_trigger_replaces(project: Project) -> None:
    program = 'File("a", opts=ResourceOptions(replacement_trigger="{}"))'
    project.write(program.format("one"))
    project.up_well()
    project.calls()
    project.up_well()
    assert project.calls() == []
    project.write(program.format("two"))
    project.up_well()
    assert project.calls() == ["create a-1", "delete a"]


def test_custom_timeouts_are_kept_as_seconds_and_a_wrong_one_is_refused(project: Project) -> None:
    program = 'File("a", opts=ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="{}")))'
    project.write(program.format("1m30s"))
    project.up_well()
    assert project.resource("a")["customTimeouts"] == {"create": 90}
    project.write(program.format("soon"))
    result = project.up()
    assert result.code == 1
    assert "'soon' is no duration" in result.text


def test_a_resource_can_be_looked_up_and_is_never_deleted(project: Project) -> None:
    (project.files / "there.json").write_text('{"name": "there", "text": "hello"}')
    project.write("""
        class Known(pulumi.CustomResource):
            text: pulumi.Output[str]
            def __init__(self, name, id):
                super().__init__("files:index:File", name, {"text": None}, ResourceOptions(id=id))
        pulumi.export("text", Known("look", "there").text)
    """)
    project.up_well()
    assert project.run("stack", "output", "text", "-s", "dev").out == "hello\n"
    assert project.resource("look")["external"] is True
    project.write("")
    project.up_well()
    assert project.calls() == []
    assert project.existing() == ["there"]


def test_a_lookup_of_what_does_not_exist_says_so(project: Project) -> None:
    project.write("""
        class Known(pulumi.CustomResource):
            def __init__(self, name, id):
                super().__init__("files:index:File", name, {}, ResourceOptions(id=id))
        Known("look", "nowhere")
    """)
    result = project.up()
    assert result.code == 1
    assert "error: look: files:index:File 'nowhere' does not exist" in result.text


def test_a_function_s_answer_is_used_and_its_refusal_can_be_caught(project: Project) -> None:
    project.write("""
        File("a", text="hello")
        try:
            pulumi.runtime.invoke("files:index:look", {"id": "nowhere"})
        except Exception as error:
            pulumi.export("caught", str(error))
    """)
    project.up_well()
    assert "there is no file 'nowhere'" in project.run("stack", "output", "caught").out
    project.write("""
        File("a", text="hello")
        found = pulumi.runtime.invoke("files:index:look", {"id": "a"})
        pulumi.export("x", found.value["text"])
    """)
    project.up_well()
    assert project.run("stack", "output", "x").out == "hello\n"
    project.write('File("a", text="hello"); pulumi.runtime.invoke("files:index:look", {"id": "nowhere"})')
    result = project.up()
    assert result.code == 1
    assert "error: invoke of files:index:look failed: there is no file 'nowhere'" in result.text
    assert project.run("stack", "output", "x").out == "hello\n", "a failed run leaves the outputs"
    assert "Traceback" not in result.text


def test_an_explicit_provider_serves_its_resources_with_its_own_configuration(project: Project) -> None:
    other = project.folder / "other"
    other.mkdir()
    project.write(f"""
        class Files(pulumi.ProviderResource):
            def __init__(self, name, **inputs):
                super().__init__("files", name, inputs)
        File("a", opts=ResourceOptions(provider=Files("elsewhere", folder="{other}")))
    """)
    project.preview()
    project.up_well()
    assert (other / "a.json").exists()
    provider = project.resource("elsewhere")
    assert project.resource("a")["provider"] == f"{provider['urn']}::{provider['id']}"
    result = project.run("destroy", "-s", "dev", "--yes", "--skip-preview")
    assert result.code == 0, result.text
    assert not (other / "a.json").exists()


def test_another_stack_s_outputs_are_read_with_their_secrets_marked(project: Project) -> None:
    project.write('pulumi.export("plain", 1); pulumi.export("hidden", Output.secret("hush"))')
    project.up_well()
    project.write("""
        other = pulumi.StackReference("organization/tests/dev")
        pulumi.export("plain", other.require_output("plain"))
        pulumi.export("hidden", other.require_output("hidden"))
    """)
    result = project.run("up", "-s", "other", "--yes")
    assert result.code == 0, result.text
    assert project.run("stack", "output", "-s", "other", "--json").json() == {
        "plain": 1,
        "hidden": "[secret]",
    }
    shown = project.run("stack", "output", "-s", "other", "--json", "--show-secrets")
    assert shown.json() == {"plain": 1, "hidden": "hush"}
    project.write('pulumi.StackReference("nowhere")')
    missing = project.run("up", "-s", "other", "--yes")
    assert missing.code == 1
    assert "no stack named 'nowhere'" in missing.text
