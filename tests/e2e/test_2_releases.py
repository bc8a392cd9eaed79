"""Releases after the first: what visitors notice (nothing) and what an operator is told."""

from __future__ import annotations

import http.client
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.project import Project, get

SETTINGS = "Pulumi.local.yaml"
PAGE = "example/templates/base.html"
NOTHING = """
from django.db import migrations
class Migration(migrations.Migration):
    dependencies = [("lists", "0001_initial")]
    operations = [migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)]
"""


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{file.name} has no {old!r}"
    file.write_text(text.replace(old, new, 1))


def test_a_code_change_goes_live_and_no_request_is_lost(project: Project) -> None:
    before = project.outputs()["release"]
    _edit(project.folder / PAGE, "</title>", " (second edition)</title>")
    commit = project.commit("A second edition")
    done = project.make("up")
    assert done.returncode == 0, done.stdout
    outputs = project.outputs()
    assert outputs["release"]["revision"] == commit
    assert outputs["previous_release"]["id"] == before["id"]
    assert outputs["rollout"]["probe"]["failed"] == 0
    assert outputs["rollout"]["probe"]["requests"] > 0
    assert "(second edition)" in get(outputs["site_url"]).body


def test_a_release_that_cannot_start_leaves_the_old_one_serving_and_says_why(project: Project) -> None:
    before = project.outputs()
    _edit(
        project.folder / "example/todos/settings.py",
        "INSTALLED_APPS",
        "import nothing_of_this_name\nINSTALLED_APPS",
    )
    project.commit("A broken edition")
    done = project.make("up")
    assert done.returncode != 0
    assert "nothing_of_this_name" in done.stdout
    assert "Traceback" not in done.stdout
    assert "(second edition)" in get(before["site_url"]).body
    assert project.outputs()["release"] == before["release"]


def test_a_release_whose_health_check_fails_leaves_the_old_one_serving(project: Project) -> None:
    project.git("revert", "--no-edit", "HEAD")
    before = project.outputs()
    _edit(project.folder / "example/todos/urls.py", 'path("healthz"', 'path("healthy-no-more"')
    project.commit("An unhealthy edition")
    done = project.make("up")
    assert done.returncode != 0
    assert "404" in done.stdout
    assert "(second edition)" in get(before["site_url"]).body
    project.git("revert", "--no-edit", "HEAD")


def test_the_next_make_up_goes_on_from_a_failed_one(project: Project) -> None:
    done = project.make("up")
    assert done.returncode == 0, done.stdout
    assert project.outputs()["release"]["revision"] == project.git("rev-parse", "HEAD")


def test_make_rollback_brings_the_release_before_back_and_names_what_the_database_keeps(
    project: Project,
) -> None:
    (project.folder / "example/lists/migrations/0002_nothing.py").write_text(NOTHING)
    project.commit("A migration")
    assert project.make("up").returncode == 0
    before = project.outputs()
    done = project.make("rollback")
    assert done.returncode == 0, done.stdout
    assert "the database keeps lists.0002_nothing, applied by a newer release" in done.stdout
    back = project.outputs()
    assert back["release"]["id"] == before["previous_release"]["id"]
    assert "build" not in back["rollout"]["seconds"]
    assert back["rollout"]["probe"]["failed"] == 0
    # The settings still ask for the newer one, which is on the host as well.
    assert project.make("up").returncode == 0
    again = project.outputs()
    assert again["release"]["id"] == before["release"]["id"]
    assert "build" not in again["rollout"]["seconds"]


def test_make_releases_shows_what_was_released_and_what_failed_newest_first(project: Project) -> None:
    done = project.make("releases")
    assert done.returncode == 0, done.stdout
    first, *rest = done.stdout.splitlines()[1:]
    assert project.outputs()["release"]["id"] in first
    assert " ok " in first
    (broken,) = [line for line in rest if "A broken edition" in line]
    assert "failed (build: " in broken


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("seatrial:revision", "no-such-branch", "no-such-branch"),
        ("seatrial:repository", "./no-such-folder", "no-such-folder"),
        ("seatrial:ttl", "5", "ttl"),
        ("seatrial:databse", "postgres", "database"),
    ],
)
def test_a_wrong_setting_is_one_clear_line_and_changes_nothing(
    project: Project, setting: str, value: str, named: str
) -> None:
    before = project.outputs()
    file = project.folder / SETTINGS
    original = file.read_text()
    lines = [line for line in original.splitlines() if not line.strip().startswith(f"{setting}:")]
    lines.insert(lines.index("config:") + 1, f"  {setting}: {value}")
    file.write_text("\n".join(lines) + "\n")
    try:
        done = project.make("up")
    finally:
        file.write_text(original)
    assert done.returncode != 0
    assert named in done.stdout
    assert "Traceback" not in done.stdout
    assert project.outputs() == before


def test_the_site_comes_back_by_itself_after_its_droplet_was_rebooted(project: Project) -> None:
    url = project.outputs()["site_url"]
    (droplet,) = project.cloud_status()["droplets"]
    docker = ["docker", "--host", project.cloud_status()["docker_host"]]
    container = f"{project.cloud}-droplet-{droplet['id']}"
    booted = _boot_id(docker, container)
    subprocess.run([*docker, "exec", container, "systemctl", "reboot"], check=False, timeout=30)
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            if get(url, timeout=3).status == 200 and _boot_id(docker, container) != booted:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(1)
    pytest.fail("the site did not come back within 90 s of the reboot")


def _boot_id(docker: list[str], container: str) -> str:
    """When the droplet's init started: another time after a reboot."""
    shown = subprocess.run(
        [*docker, "exec", container, "stat", "-c", "%Y", "/proc/1"],
        check=False,
        capture_output=True,
        text=True,
    )
    return shown.stdout.strip()
