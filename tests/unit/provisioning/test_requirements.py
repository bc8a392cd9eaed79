"""What a site needs is found in the formats that sites have."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.onhost import environments, requirements
from provisioning.onhost.pythons import Python
from provisioning.onhost.wire import Failure
from tests.unit.provisioning.test_discovery import tree

PYPROJECT = '[project]\nname = "shop"\nrequires-python = ">=3.12"\ndependencies = ["django"]\n'


@pytest.mark.parametrize(
    ("files", "given", "kind", "name"),
    [
        ({"requirements.txt": "django"}, "", "file", "requirements.txt"),
        ({"requirements/production.txt": "django"}, "", "file", "production.txt"),
        ({"pyproject.toml": PYPROJECT}, "", "project", "pyproject.toml"),
        ({"pyproject.toml": PYPROJECT, "uv.lock": "", "requirements.txt": "x"}, "", "lock", "uv.lock"),
        ({"pyproject.toml": "[tool.ruff]\n", "requirements.txt": "x"}, "", "file", "requirements.txt"),
        ({"requirements.txt": "x", "deploy/live.txt": "y"}, "deploy/live.txt", "file", "live.txt"),
    ],
)
def test_the_requirements_are_found(
    tmp_path: Path, files: dict[str, str], given: str, kind: str, name: str
) -> None:
    found = requirements.find(tree(tmp_path, files), tmp_path, given)
    assert (found.kind, found.path.name) == (kind, name)


def test_requirements_above_the_projects_folder_are_found(tmp_path: Path) -> None:
    tree(tmp_path, {"requirements.txt": "django", "backend/manage.py": ""})
    assert requirements.find(tmp_path / "backend", tmp_path).path == tmp_path / "requirements.txt"


@pytest.mark.parametrize(
    ("files", "given", "cause"),
    [
        ({"manage.py": ""}, "", "does not say which packages"),
        ({"pyproject.toml": "[tool.poetry.dependencies]\ndjango = '5'\n"}, "", "Poetry's own table"),
        ({"Pipfile": ""}, "", "Pipfile"),
        ({"requirements.txt": ""}, "live.txt", "no file 'live.txt'"),
        ({"pyproject.toml": "[project\n"}, "", "not valid TOML"),
    ],
)
def test_requirements_that_are_not_there_are_told(
    tmp_path: Path, files: dict[str, str], given: str, cause: str
) -> None:
    with pytest.raises(Failure, match=cause):
        requirements.find(tree(tmp_path, files), tmp_path, given)


def test_an_environment_is_another_one_when_an_included_file_changes(tmp_path: Path) -> None:
    tree(tmp_path, {"requirements.txt": "-r base.txt\ndjango", "base.txt": "a==1", "other.txt": "x"})
    before = requirements.find(tmp_path, tmp_path)
    (tmp_path / "other.txt").write_text("y")
    assert requirements.find(tmp_path, tmp_path) == before
    (tmp_path / "base.txt").write_text("a==2")
    assert requirements.find(tmp_path, tmp_path).digest != before.digest


@pytest.mark.parametrize(
    ("line", "own"),
    [("-e .", True), ("./vendor/theme", True), (".", True), ("django", False), ("a.b", False)],
)
def test_an_environment_with_the_sites_own_code_belongs_to_one_commit(
    tmp_path: Path, line: str, own: bool
) -> None:
    wanted = requirements.find(tree(tmp_path, {"requirements.txt": f"{line}\n"}), tmp_path)
    python = Python("/usr/bin/python3", "3.13.5", is_system=True)
    first, second = (
        environments.key(wanted, python, engine="sqlite", has_redis=False, commit=commit) for commit in "ab"
    )
    assert (first != second) is own


@pytest.mark.parametrize(
    ("files", "given", "specifier"),
    [
        ({}, "", None),
        ({"pyproject.toml": PYPROJECT}, "", ">=3.12"),
        ({"pyproject.toml": PYPROJECT, ".python-version": "3.12.4\n"}, "", "==3.12.*"),
        ({"runtime.txt": "python-3.11.9"}, "", "==3.11.*"),
        ({".python-version": "3.12"}, "3.13", "==3.13.*"),
    ],
)
def test_the_python_that_a_site_asks_for(
    tmp_path: Path, files: dict[str, str], given: str, specifier: str | None
) -> None:
    wish = requirements.python_wish(tree(tmp_path, files), tmp_path, given)
    assert (wish and wish.specifier) == specifier


@pytest.mark.parametrize(
    ("version", "specifier", "fits"),
    [
        ((3, 13, 5), ">=3.12", True),
        ((3, 11, 2), ">=3.12", False),
        ((3, 12, 0), ">=3.10,<3.13", True),
        ((3, 13, 0), ">=3.10,<3.13", False),
        ((3, 12, 9), "==3.12.*", True),
        ((3, 13, 1), "==3.12.*", False),
        ((3, 12, 4), "~=3.12.1", True),
        ((3, 13, 0), "~=3.12.1", False),
        ((3, 13, 0), "~=3.12", True),
        ((3, 13, 5), "!=3.13.5", False),
        ((3, 13, 5), "", True),
    ],
)
def test_a_python_fits_a_specifier(version: tuple[int, int, int], specifier: str, fits: bool) -> None:
    assert requirements.satisfies(version, specifier) is fits


def test_the_python_to_install_is_one_that_fits() -> None:
    assert requirements.minor_wanted("==3.12.*") == "3.12"
    assert requirements.minor_wanted(">=3.14") == "3.14"
    assert requirements.minor_wanted("<3") is None


def test_what_a_site_did_not_ask_for_is_added_and_nothing_twice() -> None:
    def missing(installed: set[str], django: str = "5.2") -> list[str]:
        return environments.missing_packages(installed, engine="postgres", has_redis=True, django=django)

    assert missing({"django"}) == ["psycopg[binary]", "redis"]
    assert missing({"django", "psycopg2-binary", "redis"}) == []
    assert missing({"redis"}, django="3.2.25") == ["psycopg2-binary"]


def test_the_hosts_package_index_is_handed_on_to_uv(tmp_path: Path) -> None:
    conf = tmp_path / "pip.conf"
    conf.write_text("[global]\nindex-url = https://pypi.example.com/simple\ntrusted-host = a\n  b\n")
    assert environments.index_options(conf) == {
        "UV_DEFAULT_INDEX": "https://pypi.example.com/simple",
        "UV_INSECURE_HOST": "a b",
    }
    assert environments.index_options(tmp_path / "none") == {}
