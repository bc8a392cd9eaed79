"""A site that nobody here wrote goes up with settings only."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.project import ROOT, Project, get


@pytest.fixture(scope="module")
def wagtail_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `wagtail start bakery` makes, committed to a repository of its own."""
    folder = tmp_path_factory.mktemp("wagtail")
    uv = ROOT / ".venv" / "bin" / "uv"
    subprocess.run(
        [uv, "run", "--no-project", "--quiet", "--with", "wagtail", "wagtail", "start", "bakery"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    site = folder / "bakery"
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=E2E", "-c", "user.email=e2e@localhost", "commit", "-q", "-m", "As wagtail made it"],
    ):
        subprocess.run(["git", *words], cwd=site, check=True)
    return site


def test_what_wagtail_start_makes_goes_up_with_settings_only(project: Project, wagtail_site: Path) -> None:
    done = project.make("up", f"SITE={wagtail_site}")
    assert done.returncode == 0, done.stdout
    url = project.outputs()["site_url"]
    assert "Welcome to your new Wagtail site" in get(url).body
    assert get(f"{url}/admin/login/".replace("//admin", "/admin")).status == 200
