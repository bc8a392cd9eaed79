"""What is printed: tables, sums, JSON."""

from __future__ import annotations

from tests.localengine.conftest import Project


def test_a_preview_reads_like_the_cli_s(project: Project) -> None:
    project.write("""
        box = Box("box")
        File("a", text="one", opts=ResourceOptions(parent=box))
        pulumi.export("plain", "x")
        pulumi.export("hidden", Output.secret("y"))
    """)
    assert project.preview().out == (
        "Previewing update (dev):\n"
        "     Type                    Name       Plan     Info\n"
        " +   pulumi:pulumi:Stack     tests-dev  create\n"
        " +   └─ test:index:Box       box        create\n"
        " +      └─ files:index:File  a          create\n"
        "\n"
        "Outputs:\n"
        "  + hidden: [secret]\n"
        '  + plain: "x"\n'
        "\n"
        "Resources:\n"
        "    + 3 to create\n"
    )


def test_unchanged_resources_are_left_out_and_counted(project: Project) -> None:
    program = 'File("a", text="one"); File("b", text="{}"); pulumi.export("x", 1)'
    project.write(program.format("two"))
    project.up_well()
    assert project.preview().out == "Previewing update (dev):\nResources:\n    3 unchanged\n"
    project.write(program.format("three"))
    assert project.preview().out == (
        "Previewing update (dev):\n"
        "     Type                 Name       Plan     Info\n"
        "     pulumi:pulumi:Stack  tests-dev\n"
        " ~   └─ files:index:File  b          update   [diff: ~text]\n"
        "\n"
        "Resources:\n"
        "    ~ 1 to update\n"
        "    2 unchanged\n"
    )


def test_an_update_says_what_begins_and_ends_and_the_provider_s_lines(project: Project) -> None:
    project.write('File("a", say=["half way", "nearly"]); pulumi.export("x", {"y": [1, None, True]})')
    assert project.up_well().out.replace("Duration: 1s", "Duration: 0s") == (
        "Updating (dev):\n"
        " +  files:index:File a creating\n"
        "    a: half way\n"
        "    a: nearly\n"
        " +  files:index:File a created\n"
        "\n"
        "Outputs:\n"
        "  + x: {y: [1, null, true]}\n"
        "\n"
        "Resources:\n"
        "    + 2 created\n"
        "\n"
        "Duration: 0s\n"
    )


def test_differences_are_shown_with_their_values_and_secrets_hidden(project: Project) -> None:
    program = 'File("a", text="{}", deep={{"x": Output.secret("{}"), "list": {}}}, opts=ResourceOptions({}))'
    project.write(program.format("one", "hush", [1, 2], ""))
    project.up_well()
    project.write(program.format("two", "quiet", [1, 3, 4], ""))
    shown = project.preview("--diff").out
    assert '~ text: "one" => "two"' in shown
    assert "~ deep.x: [secret] => [secret]" in shown
    assert "~ deep.list[1]: 2 => 3" in shown
    assert "+ deep.list[2]: 4" in shown
    project.write(program.format("two", "quiet", [1, 3, 4], 'hide_diffs=["text"]'))
    assert "~ text: [hidden]" in project.preview("--diff").out


def test_a_preview_as_json_has_the_cli_s_shape(project: Project) -> None:
    project.write('File("a", text="one"); File("b", text="x"); File("old")')
    project.up_well()
    project.write(
        'File("a", name="c", text="two"); File("b", text=Output.secret("hush")); pulumi.log.warn("mind")'
    )
    result = project.preview("--json")
    assert result.code == 0, result.err
    data = result.json()
    assert set(data) == {"steps", "diagnostics", "duration", "changeSummary"}
    steps = [(step["op"], step["urn"].rpartition("::")[2]) for step in data["steps"]]
    assert set(steps) == {
        ("same", "tests-dev"),
        ("create-replacement", "a"),
        ("replace", "a"),
        ("delete-replaced", "a"),
        ("update", "b"),
        ("delete", "old"),
    }
    by_op = {step["op"]: step for step in data["steps"]}
    assert by_op["replace"]["replaceReasons"] == ["name"]
    assert set(by_op["replace"]["diffReasons"]) == {"name", "text"}
    assert by_op["update"]["detailedDiff"] == {"text": {"kind": "update", "inputDiff": True}}
    assert by_op["update"]["newState"]["inputs"]["text"] == "[secret]"
    assert by_op["update"]["oldState"]["inputs"]["text"] == "x"
    assert data["changeSummary"] == {"delete": 1, "replace": 1, "same": 1, "update": 1}
    assert data["diagnostics"] == [{"message": "mind", "severity": "warning"}] or "mind" in str(
        data["diagnostics"]
    )
    assert "hush" not in result.text


def test_an_update_as_json_tells_its_result_and_outputs(project: Project) -> None:
    project.write('File("a"); print("chatter"); pulumi.export("x", Output.secret(1))')
    data = project.up("--json").json()
    assert data["result"] == "succeeded"
    assert data["outputs"] == {"x": "[secret]"}
    assert data["changeSummary"] == {"create": 2}
    assert any(item["message"] == "chatter" for item in data["diagnostics"])


def test_outputs_as_json_have_the_cli_s_shape(project: Project) -> None:
    project.write("""
        a = File("a", text="one")
        pulumi.export("nested", {"list": [1, 2.5, None, True], "size": a.size, "secret": Output.secret("s")})
        pulumi.export("text", "ä")
    """)
    project.up_well()
    output = project.run("stack", "output", "--json", "-s", "dev")
    nested = {"list": [1, 2.5, None, True], "size": 3, "secret": "[secret]"}
    assert output.json() == {"nested": nested, "text": "ä"}
    revealed = project.run("stack", "output", "--json", "--show-secrets").json()
    assert revealed["nested"] == {"list": [1, 2.5, None, True], "size": 3, "secret": "s"}
    table = project.run("stack", "output").out.splitlines()
    assert table[0] == "Current stack outputs (2):"
    assert table[1:] == [
        "    OUTPUT  VALUE",
        '    nested  {"list":[1,2.5,null,true],"secret":"[secret]","size":3}',
        "    text    ä",
    ]
    assert (
        project.run("stack", "output", "nested").out == f"{table[2].partition('  ')[2].split(None, 1)[1]}\n"
    )
    assert project.run("stack", "output", "text", "--json").out == '"ä"\n'
    unknown = project.run("stack", "output", "nothing")
    assert unknown.code == 1
    assert "there is no output 'nothing' (outputs: nested, text)" in unknown.err


def test_only_what_was_done_is_counted_and_what_failed_is_counted_apart(project: Project) -> None:
    project.write("""
        a = File("a")
        b = File("b", fail="create", opts=ResourceOptions(depends_on=[a]))
        c = File("c", opts=ResourceOptions(depends_on=[b]))
    """)
    result = project.up()
    assert result.code == 1
    assert "Resources:\n    + 2 created\n    1 errored\n" in result.out


def test_changes_of_several_kinds_are_summed_up(project: Project) -> None:
    project.write('File("a", text="one"); File("b"); File("c")')
    project.up_well()
    project.write('File("a", text="two"); File("b"); File("d")')
    sums = "    + 1 created\n    ~ 1 updated\n    - 1 deleted\n    3 changes. 2 unchanged\n"
    assert sums in project.up_well().out


def test_an_output_of_several_lines_stays_in_its_column(project: Project) -> None:
    project.write('pulumi.export("text", "one\\ntwo")')
    project.up_well()
    assert project.run("stack", "output").out.splitlines()[2:] == ["    text    one", "            two"]


def test_the_keys_of_a_mapping_come_in_the_alphabet_s_order(project: Project) -> None:
    project.write('pulumi.export("map", {key: {"z": 1, "b": 2} for key in "wqxaymz"})')
    project.up_well()
    first = project.run("stack", "output", "map").out
    assert first == "{" + ",".join(f'"{key}":{{"b":2,"z":1}}' for key in "amqwxyz") + "}\n"
