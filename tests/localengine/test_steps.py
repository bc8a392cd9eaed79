"""What the engine does to resources: nothing, create, update, replace, delete."""

from __future__ import annotations

from tests.localengine.conftest import Project


def test_a_first_up_makes_everything_and_a_second_one_touches_nothing(project: Project) -> None:
    project.write("""
        a = File("a", text="one")
        b = File("b", text=a.path)
        pulumi.export("size", a.size)
    """)
    first = project.up_well()
    assert project.calls() == ["create a", "create b"]
    assert "3 created" in first.out
    before = project.state_file.read_bytes()

    second = project.up_well()

    assert project.calls() == []
    assert "3 unchanged" in second.out
    assert project.state_file.read_bytes() == before
    assert project.run("stack", "output", "size").out == "3\n"


def test_a_preview_names_the_changed_properties_and_changes_nothing(project: Project) -> None:
    project.write('File("a", text="one"); File("b", text="two"); File("gone", text="x")')
    project.up_well()
    project.calls()
    before = project.state_file.read_bytes()
    project.write('File("a", text="other", extra=1); File("b", name="c", text="two"); File("new", text="x")')

    shown = project.preview().out

    rows = {line.split()[3]: line[:4] for line in shown.splitlines() if "File" in line}
    assert rows == {"a": " ~  ", "b": " +- ", "new": " +  ", "gone": " -  "}
    assert "[diff: ~text,+extra]" in shown
    assert "[diff: ~name]" in shown
    assert "+ 1 to create" in shown
    assert "+-1 to replace" in shown
    assert project.state_file.read_bytes() == before
    assert project.calls() == []


def test_a_preview_knows_what_stays_of_an_updated_resource(project: Project) -> None:
    program = 'a = File("a", text="{}")\nb = File("b", text=a.path)\nc = File("c", text=a.size.apply(str))'
    project.write(program.format("one"))
    project.up_well()
    project.write(program.format("longer"))
    shown = project.preview("--diff").out
    assert '~ text: "one" => "longer"' in shown
    assert " c " in shown, "the size changes with the text"
    assert " b " not in shown, "the path stays"


def test_a_replacement_is_made_before_the_original_goes(project: Project) -> None:
    program = 'a = File("a", name="{}", text="x")\nb = File("b", text=a.path)'
    project.write(program.format("one"))
    project.up_well()
    project.calls()
    project.write(program.format("two"))
    result = project.up_well()
    assert project.calls() == ["create two", "update b", "delete one"]
    assert project.existing() == ["b", "two"]
    assert "1 replaced" in result.out
    assert "1 updated" in result.out
    assert not any(item.get("delete") for item in project.resources())


def test_what_cannot_live_beside_its_replacement_goes_first_with_all_that_hangs_on_it(
    project: Project,
) -> None:
    program = """
        a = File("a", name="{}", first=True, text="x")
        b = File("b", under=a.path, text="y")
        c = File("c", under=b.path, text="z")
        d = File("d", text=a.path)
    """
    project.write(program.format("one"))
    project.up_well()
    project.calls()
    project.write(program.format("two"))
    shown = project.preview().out
    assert shown.count("\n -+ ") == 3, shown
    assert "+-3 to replace" in shown
    project.up_well()
    calls = project.calls()
    assert calls[:4] == ["delete c", "delete b", "delete one", "create two"]
    assert calls.index("create b") < calls.index("create c")
    assert "update d" in calls
    assert project.existing() == ["b", "c", "d", "two"]


def test_the_program_decides_over_the_provider_which_goes_first(project: Project) -> None:
    program = 'File("a", name="{}", first=True, opts=ResourceOptions(delete_before_replace=False))'
    project.write(program.format("one"))
    project.up_well()
    project.calls()
    project.write(program.format("two"))
    project.up_well()
    assert project.calls() == ["create two", "delete one"]


def test_a_replacement_that_fails_after_its_deletion_is_finished_by_the_next_run(project: Project) -> None:
    program = """
        a = File("a", name="{}", first=True, text="x", {})
        b = File("b", under=a.path)
    """
    project.write(program.format("one", ""))
    project.up_well()
    project.calls()
    project.write(program.format("two", 'fail="create"'))
    assert project.up().code == 1
    assert project.existing() == []
    assert project.resource("a")["pendingReplacement"] is True
    assert project.resource("b")["pendingReplacement"] is True
    project.calls()

    project.write(program.format("two", ""))
    project.up_well()

    assert project.calls() == ["create two", "create b"]
    assert "pendingReplacement" not in project.resource("b")


def test_what_the_program_no_longer_names_goes_dependents_first(project: Project) -> None:
    project.write("""
        a = File("a")
        b = File("b", text=a.path)
        c = File("c", opts=ResourceOptions(depends_on=[b]))
        kept = File("kept")
    """)
    project.up_well()
    project.calls()
    project.write('File("kept")')
    project.up_well()
    assert project.calls() == ["delete c", "delete b", "delete a"]
    assert project.existing() == ["kept"]


def test_destroy_removes_everything_in_reverse_and_leaves_an_empty_stack(project: Project) -> None:
    project.write("""
        a = File("a")
        b = File("b", text=a.path)
        box = Box("box")
        File("c", opts=ResourceOptions(parent=box))
    """)
    project.up_well()
    project.calls()
    refused = project.run("destroy", "-s", "dev")
    assert refused.code == 1
    assert "--yes" in refused.err
    result = project.run("destroy", "-s", "dev", "--yes")
    assert result.code == 0, result.text
    calls = project.calls()
    assert sorted(calls) == ["delete a", "delete b", "delete c"]
    assert calls.index("delete b") < calls.index("delete a")
    assert project.resources() == []
    assert project.run("stack", "rm", "-s", "dev", "--yes").code == 0
    assert not project.state_file.exists()


def test_independent_resources_are_made_at_the_same_time(project: Project) -> None:
    # Each creation waits for the other one to be under way.
    project.write('File("a", meet=True); File("b", meet=True)')
    project.up_well()
    assert project.existing() == ["a", "b"]


def test_a_renamed_component_keeps_its_children(project: Project) -> None:
    project.write("""
        box = Box("old")
        File("old-file", text="x", opts=ResourceOptions(parent=box))
    """)
    project.up_well()
    project.calls()
    project.write("""
        box = Box("new", opts=ResourceOptions(aliases=[pulumi.Alias(name="old")]))
        f = File("new-file", text="x", name="old-file", opts=ResourceOptions(parent=box))
        File("last", text=f.path)
    """)
    project.up_well()
    assert project.calls() == ["create last"]
    assert set(project.names()) == {"tests-dev", "default", "new", "new-file", "last"}
    assert project.resource("new-file")["id"] == "old-file"
    assert "aliases" not in project.resource("new-file")


def test_a_resource_moved_under_a_component_is_the_same_one(project: Project) -> None:
    project.write('File("a", text="x")')
    project.up_well()
    project.calls()
    project.write("""
        box = Box("box")
        before = pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)
        File("a", text="x", opts=ResourceOptions(parent=box, aliases=[before]))
    """)
    project.up_well()
    assert project.calls() == []
    assert "Box$files:index:File::a" in project.resource("a")["urn"]


def test_one_name_used_twice_is_refused_by_name(project: Project) -> None:
    project.write('File("a"); File("a")')
    result = project.up()
    assert result.code == 1
    assert "files:index:File are named 'a'" in result.text
    assert project.existing() == []


def test_a_partly_made_resource_is_kept_with_its_reasons_and_updated_next_time(project: Project) -> None:
    project.write('File("a", text="x", fail="half")')
    result = project.up()
    assert result.code == 1
    assert "the disk is slow" in result.text
    assert project.resource("a")["initErrors"] == ["the disk is slow"]
    project.calls()
    project.up_well()
    assert project.calls() == ["update a"]
    assert "initErrors" not in project.resource("a")


def test_no_changes_can_be_demanded(project: Project) -> None:
    project.write('File("a", text="x")')
    project.up_well()
    assert project.preview("--expect-no-changes").code == 0
    project.write('File("a", text="y")')
    assert project.preview("--expect-no-changes").code == 1
