from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ops import stack


@pytest.fixture
def project(tmp_path: Path) -> Path:
    local = {"config": {"digitalocean:apiEndpoint": "http://127.0.0.1:8790", "seatrial:ttl": 300}}
    (tmp_path / "Pulumi.local.yaml").write_text(yaml.safe_dump({"encryptionsalt": "v1:x", **local}))
    (tmp_path / "Pulumi.staging.yaml").write_text("config:\n  seatrial:domain: example.com\n")
    return tmp_path


def test_an_unknown_stack_is_named_together_with_those_there_are(project: Path) -> None:
    with pytest.raises(stack.StackError, match=r"no stack 'prod'.*there are: local, staging"):
        stack.load(project, "prod")


def test_a_file_that_is_no_yaml_is_one_line(project: Path) -> None:
    (project / "Pulumi.bad.yaml").write_text("config: [1\n")
    with pytest.raises(stack.StackError, match=r"Pulumi\.bad\.yaml cannot be read") as caught:
        stack.load(project, "bad")
    assert "\n" not in str(caught.value)


def test_only_a_stack_whose_api_is_on_loopback_is_on_this_machine(project: Path) -> None:
    assert stack.load(project, "local").on_this_machine
    assert not stack.load(project, "staging").on_this_machine


def test_changes_go_to_a_file_of_their_own_and_leave_the_committed_one_alone(project: Path) -> None:
    before = (project / "Pulumi.local.yaml").read_text()
    changed = stack.with_changes(stack.load(project, "local"), {"seatrial:ttl": 60})
    assert (project / "Pulumi.local.yaml").read_text() == before
    written = yaml.safe_load(changed.file.read_text())
    assert written["config"]["seatrial:ttl"] == 60
    assert written["config"]["digitalocean:apiEndpoint"] == "http://127.0.0.1:8790"
    assert written["encryptionsalt"] == "v1:x"


def test_changes_that_change_nothing_keep_the_committed_file_in_use(project: Path) -> None:
    loaded = stack.load(project, "local")
    assert stack.with_changes(loaded, {"seatrial:ttl": 300}) is loaded
