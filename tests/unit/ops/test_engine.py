from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ops import engine
from ops.stack import Stack


def _stack(project: Path, api: str = "http://127.0.0.1:8790") -> Stack:
    return Stack(
        project=project,
        name="local",
        file=project / "Pulumi.local.yaml",
        config={"digitalocean:apiEndpoint": api} if api else {},
    )


def _programs(folder: Path, *names: str) -> dict[str, str]:
    folder.mkdir()
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder), "HOME": str(folder)}


ALL = ("pulumi", *(f"pulumi-resource-{plugin}" for plugin in engine.PLUGINS))


def test_the_cli_runs_where_it_and_its_plugins_are_here(tmp_path: Path) -> None:
    chosen = engine.choose(_stack(tmp_path), _programs(tmp_path / "bin", *ALL))
    assert chosen.command("up", "--yes") == [f"{tmp_path}/bin/pulumi", "up", "--yes", "--stack", "local"]


def test_the_local_engine_runs_where_there_is_no_cli(tmp_path: Path) -> None:
    chosen = engine.choose(_stack(tmp_path), _programs(tmp_path / "bin"))
    assert chosen.command("up") == [sys.executable, "-m", "localengine", "up", "--stack", "local"]


def test_a_cli_without_a_plugin_is_passed_over_and_the_plugin_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = engine.choose(_stack(tmp_path), _programs(tmp_path / "bin", *ALL[:-1]))
    assert chosen.name == "local"
    assert "plugins tls" in capsys.readouterr().err


def test_a_plugin_in_the_clis_own_folder_counts(tmp_path: Path) -> None:
    environment = _programs(tmp_path / "bin", "pulumi")
    for plugin in engine.PLUGINS:
        (tmp_path / "bin" / ".pulumi" / "plugins" / f"resource-{plugin}-v1.0.0").mkdir(parents=True)
    assert engine.choose(_stack(tmp_path), environment).name == "pulumi"


@pytest.mark.parametrize(("wanted", "name"), [("local", "local"), ("pulumi", "pulumi")])
def test_engine_forces_one(tmp_path: Path, wanted: str, name: str) -> None:
    environment = {**_programs(tmp_path / "bin", *ALL), "ENGINE": wanted}
    assert engine.choose(_stack(tmp_path), environment).name == name


@pytest.mark.parametrize("wanted", ["pulumi", "terraform"])
def test_an_engine_that_is_not_there_is_refused_by_name(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(engine.EngineError, match=f"ENGINE={wanted}"):
        engine.choose(_stack(tmp_path), {**_programs(tmp_path / "bin"), "ENGINE": wanted})


def test_a_rehearsals_state_lies_beside_the_project_and_needs_no_passphrase(tmp_path: Path) -> None:
    chosen = engine.choose(_stack(tmp_path), _programs(tmp_path / "bin"))
    assert chosen.environment["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/.seatrial/pulumi"
    assert chosen.environment["PULUMI_CONFIG_PASSPHRASE"] == ""


def test_a_real_stacks_backend_is_the_operators_own(tmp_path: Path) -> None:
    chosen = engine.choose(_stack(tmp_path, api=""), _programs(tmp_path / "bin"))
    assert "PULUMI_BACKEND_URL" not in chosen.environment
    assert "PULUMI_CONFIG_PASSPHRASE" not in chosen.environment


def test_changed_settings_are_handed_over_by_config_file_but_not_to_stack_output(tmp_path: Path) -> None:
    changed = Stack(
        project=tmp_path, name="local", file=tmp_path / ".seatrial" / "Pulumi.local.yaml", config={}
    )
    chosen = engine.choose(changed, _programs(tmp_path / "bin"))
    assert chosen.command("preview")[-2:] == ["--config-file", ".seatrial/Pulumi.local.yaml"]
    assert "--config-file" not in chosen.command("stack", "output")
