"""The Django project in a repository is found without being imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.onhost import discovery
from provisioning.onhost.wire import Failure

MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "{0}")\nfrom django import x\n'


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_the_module_that_manage_py_names_is_taken(tmp_path: Path) -> None:
    tree(tmp_path, {"manage.py": MANAGE.format("shop.settings"), "shop/settings.py": ""})
    found = discovery.find(tmp_path)
    assert (found.folder, found.settings_module) == (tmp_path, "shop.settings")


def test_wsgi_py_is_believed_before_manage_py(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "manage.py": MANAGE.format("config.settings.local"),
            "config/wsgi.py": MANAGE.format("config.settings.server"),
            "config/settings/local.py": "",
            "config/settings/server.py": "",
        },
    )
    assert discovery.find(tmp_path).settings_module == "config.settings.server"


def test_production_settings_beside_those_for_development_are_taken(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "manage.py": MANAGE.format("mysite.settings.dev"),
            "mysite/wsgi.py": MANAGE.format("mysite.settings.dev"),
            "mysite/settings/dev.py": "",
            "mysite/settings/production.py": "",
        },
    )
    assert discovery.find(tmp_path).settings_module == "mysite.settings.production"


def test_a_project_in_an_inner_folder_is_found(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {"src/manage.py": MANAGE.format("shop.settings"), "src/shop/settings.py": "", "docs/x.md": ""},
    )
    assert discovery.find(tmp_path).folder == tmp_path / "src"


def test_a_given_module_is_taken_and_a_wrong_one_is_told_with_what_there_is(tmp_path: Path) -> None:
    files = {"manage.py": MANAGE.format("shop.settings"), "shop/__init__.py": "", "shop/settings.py": ""}
    tree(tmp_path, {**files, "shop/live.py": ""})
    assert discovery.find(tmp_path, "", "shop.live").settings_module == "shop.live"
    with pytest.raises(Failure) as told:
        discovery.find(tmp_path, "", "shop.setings")
    assert "shop.setings" in told.value.cause
    assert "settings" in told.value.next_step


@pytest.mark.parametrize(
    ("files", "subdirectory", "cause", "next_step"),
    [
        ({"README.md": ""}, "", "no Django project", "seatrial:repository"),
        ({"web/manage.py": "django"}, "site", "no folder 'site'", "web"),
        (
            {"a/manage.py": "django", "b/manage.py": "django"},
            "",
            "more than one manage.py: in a, b",
            "seatrial:subdirectory",
        ),
        ({"manage.py": "django"}, "", "settings module could not be found", "django_settings_module"),
        (
            {
                "manage.py": "django",
                "a/wsgi.py": MANAGE.format("a.settings"),
                "b/wsgi.py": MANAGE.format("b.settings"),
                "a/settings.py": "",
                "b/settings.py": "",
            },
            "",
            "several settings modules could be meant: a.settings, b.settings",
            "django_settings_module",
        ),
    ],
)
def test_what_can_not_be_found_is_told_with_the_setting_that_helps(
    tmp_path: Path, files: dict[str, str], subdirectory: str, cause: str, next_step: str
) -> None:
    tree(tmp_path, files)
    with pytest.raises(Failure) as told:
        discovery.find(tmp_path, subdirectory)
    assert cause in told.value.cause
    assert next_step in told.value.next_step


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ('os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a.b")', "a.b"),
        ('os.environ["DJANGO_SETTINGS_MODULE"] = "a.c"', "a.c"),
        ('os.environ.setdefault("DJANGO_SETTINGS_MODULE", name)', None),
        ('os.environ.setdefault("OTHER", "a.b")', None),
        ("this is no Python", None),
    ],
)
def test_settings_named_in_a_source_are_read(source: str, module: str | None) -> None:
    assert discovery.named_settings(source) == module
