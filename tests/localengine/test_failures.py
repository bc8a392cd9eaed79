"""What happens when something goes wrong: one clear line, and a state to go on from."""

from __future__ import annotations

import pytest

from tests.localengine.conftest import Project


def test_when_one_resource_fails_the_others_under_way_finish_and_are_kept(project: Project) -> None:
    project.write("""
        good = File("good", meet=True, slow=0.3)
        bad = File("bad", meet=True, fail="create", text="this test")
        after = File("after", text=bad.path)
        later = File("later", text=good.path)
    """)
    result = project.up()
    assert result.code == 1
    errors = [line for line in result.text.splitlines() if line.startswith("error:")]
    assert errors == [
        "error: files:index:File bad: creating failed: the disk said no to this test",
        "error: up failed",
    ]
    assert "Traceback" not in result.text
    assert project.existing() == ["good"]
    assert "good" in project.names()
    assert "bad" not in project.names()
    assert "pending_operations" not in project.latest()
    project.calls()

    project.write('good = File("good", meet=True, slow=0.3); File("bad", text="this test")')
    project.up_well()
    assert project.calls() == ["create bad"]


def test_a_failed_update_keeps_the_old_inputs_so_that_it_is_tried_again(project: Project) -> None:
    project.write('File("a", text="one")')
    project.up_well()
    project.write('File("a", text="two", fail="update")')
    assert project.up().code == 1
    assert project.resource("a")["inputs"]["text"] == "one"
    project.calls()
    project.write('File("a", text="two")')
    project.up_well()
    assert project.calls() == ["update a"]


def test_a_failed_deletion_keeps_what_the_resource_needs_and_lets_the_rest_go(project: Project) -> None:
    project.write("""
        a = File("a")
        b = File("b", text=a.path, fail="delete")
        c = File("c")
    """)
    project.up_well()
    project.calls()
    project.write("")
    result = project.up()
    assert result.code == 1
    assert "error: files:index:File b: deleting failed" in result.text
    assert "Resources:\n    - 1 deleted\n    1 errored\n    1 unchanged\n" in result.out
    assert project.calls() == ["delete c"]
    assert project.existing() == ["a", "b"]
    assert {"a", "b"} <= set(project.names())


def test_all_wrong_inputs_are_told_together_before_anything_is_created(project: Project) -> None:
    project.write("""
        File("good")
        File("one", text="LOUD", name="ALSO")
        File("two", text="LOUD")
    """)
    for result in (project.preview(), project.up()):
        assert result.code == 1
        for line in (
            "error: one: text: only small letters are allowed",
            "error: one: name: only small letters are allowed",
            "error: two: text: only small letters are allowed",
        ):
            assert line in result.text.splitlines()
    assert project.existing() == []


@pytest.mark.parametrize(
    ("program", "named"),
    [
        ('pulumi.CustomResource("aws:s3/bucket:Bucket", "b", {})', "no provider for the package 'aws'"),
        ('pulumi.CustomResource("files:index:Folder", "b", {})', "resource type files:index:Folder"),
        ('pulumi.runtime.invoke("files:index:other", {})', "function files:index:other"),
        ('pulumi.runtime.invoke("aws:index:other", {})', "no provider for the package 'aws'"),
        ('File("b", opts=ResourceOptions(import_="b"))', "lacks import"),
        ('File("b", opts=ResourceOptions(plugin_download_url="http://x"))', "lacks plugin download URLs"),
        ('pulumi.ComponentResource("x:y:Z", "b", {}, None, True)', "lacks remote components"),
        ('File("b", opts=ResourceOptions(transforms=[lambda args: None]))', "does not support transforms"),
        (
            """
            hook = pulumi.ResourceHook("h", lambda args: None)
            File("b", opts=ResourceOptions(hooks=pulumi.ResourceHookBinding(before_create=[hook])))
            """,
            "does not support resource hooks",
        ),
    ],
)
def test_what_the_engine_lacks_is_refused_by_name_before_anything_is_created(
    project: Project, program: str, named: str
) -> None:
    project.write('import time\nfirst = File("first")\n')
    text = (project.folder / "__main__.py").read_text()
    import textwrap

    (project.folder / "__main__.py").write_text(text + textwrap.dedent(program) + "\n")
    result = project.up()
    assert result.code == 1
    assert named in result.text
    assert "Traceback" not in result.text
    assert project.existing() == []


@pytest.mark.parametrize(
    ("program", "lines"),
    [
        ('raise pulumi.RunError("port 80 is taken")', ["error: port 80 is taken"]),
        ('raise SystemExit("domain: is missing")', ["error: domain: is missing"]),
        ('import sys; sys.exit("a\\nb")', ["error: a", "error: b"]),
        ("import sys; sys.exit(3)", ["error: the program exited with code 3"]),
        ("1 / 0", ["error: ZeroDivisionError: division by zero", "error:   at __main__.py:1 in <module>"]),
        (
            "import nothing_of_that_name",
            ["error: ModuleNotFoundError: No module named 'nothing_of_that_name'"],
        ),
        ('pulumi.Config().require("size")', None),
        ("def (", None),
    ],
)
def test_a_program_s_own_error_is_shown_without_the_engine_s_frames(
    project: Project, program: str, lines: list[str] | None
) -> None:
    prelude = program not in ("1 / 0",)
    project.write(program, prelude=prelude)
    for result in (project.preview(), project.up()):
        assert result.code == 1
        assert "Traceback" not in result.text
        assert "localengine" not in result.text
        for line in lines or ():
            assert line in result.text.splitlines()
    if "require" in program:
        assert "Missing required configuration variable 'tests:size'" in result.text
    if program == "def (":
        assert "SyntaxError" in result.text


def test_a_program_that_ends_well_by_sys_exit_is_no_failure(project: Project) -> None:
    project.write('File("a")\nraise SystemExit(0)')
    result = project.up()
    assert result.code == 0, result.text
    assert project.existing() == ["a"]


def test_an_error_in_the_program_leaves_finished_work_and_deletes_nothing(project: Project) -> None:
    project.write('File("old"); pulumi.export("x", 1)')
    project.up_well()
    project.write('a = File("new")\nraise pulumi.RunError("no further")')
    result = project.up()
    assert result.code == 1
    assert "old" in project.existing()
    assert "old" in project.names()
    assert project.resource("tests-dev")["outputs"] == {"x": 1}
    assert set(project.existing()) == {name for name in project.names() if name in ("old", "new")}


def test_up_without_a_terminal_needs_yes(project: Project) -> None:
    project.write('File("a")')
    result = project.run("up", "-s", "dev")
    assert result.code == 1
    assert result.err == "error: `up` asks before it changes anything; without a terminal it needs --yes\n"
    assert project.existing() == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"Pulumi.yaml": None}, "no Pulumi.yaml in"),
        ({"Pulumi.yaml": "name: x\nruntime: nodejs\n"}, "runs python programs only"),
        ({"Pulumi.yaml": "runtime: python\n"}, "`name` is missing"),
        ({"Pulumi.yaml": "name: [\n"}, "is not valid YAML"),
        ({"Pulumi.yaml": "name: x\nruntime: python\nmain: nowhere\n"}, "which does not exist"),
        ({"Pulumi.dev.yaml": "config: [1]\n"}, "`config` must be a mapping"),
        ({"Pulumi.dev.yaml": "environment: [prod]\n"}, "needs Pulumi Cloud"),
        ({"Pulumi.dev.yaml": "secretsprovider: awskms://x\n"}, "knows passphrase only"),
    ],
)
def test_a_wrong_project_file_is_named_with_what_is_wrong(
    project: Project, files: dict[str, str | None], message: str
) -> None:
    project.write("")
    for name, text in files.items():
        if text is None:
            (project.folder / name).unlink()
        else:
            (project.folder / name).write_text(text)
    result = project.up()
    assert result.code == 1
    assert message in result.err
    assert result.err.startswith("error: ")


def test_outputs_of_a_run_whose_deletions_fail_are_added_to_those_before(project: Project) -> None:
    project.write('File("a", fail="delete"); pulumi.export("before", 1)')
    project.up_well()
    project.write('pulumi.export("after", 2)')
    assert project.up().code == 1
    assert project.run("stack", "output", "--json").json() == {"after": 2, "before": 1}
