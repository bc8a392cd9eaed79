"""Sites of many makes are built as a host builds them, with real packages, in a folder on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provisioning.onhost import build, environments, migrate
from provisioning.onhost.commands import Runner
from provisioning.onhost.layout import Layout
from provisioning.onhost.wire import Failure
from tests.rollout.site import FILES

SITE = "desk"
NAME = "desk.example.test"
# The same for every site here, so that they share one environment, as releases do.
REQUIREMENTS = "django>=5.2,<5.3\nwagtail>=7\ndjango-compressor>=4\n"
COMPRESSED_PAGE = """{% load compress static %}
{% compress css %}<link rel="stylesheet" href="{% static 'memos.css' %}">{% endcompress %}
"""


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A host's folders; uv is the one beside this Python."""
    made = Layout(SITE, tmp_path_factory.mktemp("host"))
    for folder in (made.releases, made.shared / "database", made.shared / "media", made.configuration.parent):
        folder.mkdir(parents=True)
    return made


class Builder:
    """Builds releases one after the other."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._runner = Runner(journal=False)
        self._count = 0

    def code(self) -> Path:
        """The folder of the next release's code."""
        self._count += 1
        folder = self.layout.release(f"release-{self._count}") / "code"
        folder.mkdir(parents=True)
        return folder

    def build(self, code: Path, *, site: dict[str, Any] | None = None, **more: str) -> dict[str, Any]:
        """Build what is in `code`, for a site with these facts beside the usual ones."""
        facts = {
            "site": SITE,
            "server_names": [NAME],
            "url": f"http://{NAME}",
            "secret_key": "k" * 60,
            "database": {
                "engine": "sqlite",
                "path": str(self.layout.shared / "database" / f"{code.parent.name}.db"),
            },
            "cache": None,
            "media_root": str(self.layout.shared / "media"),
            "smtp": None,
            "environment": {},
            "environment_names": {},
            "python_version": "",
            **(site or {}),
        }
        self.layout.configuration.write_text(json.dumps(facts))
        asked = (
            "subdirectory",
            "django_settings_module",
            "wsgi_application",
            "requirements",
            "python_version",
        )
        request = {
            "release": code.parent.name,
            "commit": "a" * 40,
            "subject": "",
            "build_key": "key",
            **dict.fromkeys(asked, ""),
            **more,
        }
        return build.build(self.layout, self._runner, request)

    def migrate(self, built: dict[str, Any]) -> list[str]:
        applied: list[str] = migrate.migrate(self.layout, self._runner, {"release": built["id"]})["applied"]
        return applied

    def page(self, built: dict[str, Any], path: str = "/") -> tuple[int, str]:
        """A page, as gunicorn would get it from the release."""
        script = (
            "import io, json, seatrial_wsgi\n"
            "from wsgiref.util import setup_testing_defaults\n"
            f"environ = {{'HTTP_HOST': '{NAME}', 'PATH_INFO': '{path}'}}\n"
            "setup_testing_defaults(environ)\n"
            "said = []\n"
            "answer = lambda status, headers: said.append(status)\n"
            "body = b''.join(seatrial_wsgi.application(environ, answer))\n"
            "print(json.dumps([int(said[0].split()[0]), body.decode()]))\n"
        )
        folder = self.layout.release(built["id"])
        project = folder / "code" / built["project"]
        done = subprocess.run(
            [folder / "venv" / "bin" / "python", "-c", script],
            cwd=project,
            env={**os.environ, **build.site_environment(folder, project)},
            capture_output=True,
            text=True,
            check=True,
        )
        status, body = json.loads(done.stdout.splitlines()[-1])
        return status, body

    def static(self, built: dict[str, Any]) -> set[str]:
        folder = self.layout.release(built["id"]) / "static"
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def builder(layout: Layout) -> Iterator[Builder]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        yield Builder(layout)


def office(code: Path, **changes: str) -> Path:
    """The tests' own small site, with files changed or added."""
    for name, text in {**FILES, "requirements.txt": REQUIREMENTS, **changes}.items():
        path = code / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"))
    return code


def test_an_ordinary_site_gets_hashed_and_compressed_static_files(builder: Builder) -> None:
    changes = {"memos/static/memos.css": "body { color: black }\n" * 100}
    built = builder.build(office(builder.code(), **changes))
    assert built["settings_module"] == "office.settings"
    names = builder.static(built)
    hashed = [
        name for name in names if name.startswith("memos.") and name.endswith(".css") and name != "memos.css"
    ]
    assert len(hashed) == 1
    assert {"memos.css", f"{hashed[0]}.gz"} <= names
    assert "memos.0001_initial" in builder.migrate(built)
    assert builder.migrate(built) == []
    status, text = builder.page(built)
    assert status == 200
    assert f"css=/static/{hashed[0]}" in text
    assert "debug=False" in text


def test_the_site_that_wagtail_start_makes_is_built(builder: Builder) -> None:
    ready = builder.build(office(builder.code()))
    code = builder.code()
    wagtail = builder.layout.release(ready["id"]) / "venv" / "bin" / "wagtail"
    subprocess.run([wagtail, "start", "mysite", str(code)], check=True, capture_output=True)
    (code / "requirements.txt").write_text(REQUIREMENTS)
    built = builder.build(code)
    assert built["settings_module"] == "mysite.settings.production"
    # Its production settings ask for hashed names themselves.
    assert any(name.startswith("css/mysite.") and name != "css/mysite.css" for name in builder.static(built))


def test_compressed_style_sheets_are_made_in_the_build(builder: Builder) -> None:
    settings = FILES["office/settings.py"].replace('"memos"]', '"memos", "compressor"]') + (
        "COMPRESS_OFFLINE = True\n"
        'STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.AppDirectoriesFinder",\n'
        '    "compressor.finders.CompressorFinder"]\n'
    )
    urls = """
from django.urls import path
from django.views.generic import TemplateView
urlpatterns = [path("", TemplateView.as_view(template_name="page.html"))]
"""
    changes = {
        "office/settings.py": settings,
        "office/urls.py": urls,
        "memos/templates/page.html": COMPRESSED_PAGE,
    }
    built = builder.build(office(builder.code(), **changes))
    made = [name for name in builder.static(built) if name.startswith("CACHE/css/") and name.endswith(".css")]
    assert len(made) == 1
    assert f"/static/{made[0]}" in builder.page(built)[1]


def test_a_style_sheet_that_names_a_missing_file_does_not_stop_a_release(builder: Builder) -> None:
    changes = {"memos/static/memos.css": "body { background: url(missing.png) }\n"}
    built = builder.build(office(builder.code(), **changes))
    assert "memos.css" in builder.static(built)
    builder.migrate(built)
    assert "css=/static/memos.css" in builder.page(built)[1]


def test_a_site_that_reads_its_environment_is_given_the_same_values_there(builder: Builder) -> None:
    settings = FILES["office/settings.py"].replace('"insecure"', '__import__("os").environ["DJANGO_KEY"]')
    settings += 'import os\nMOTTO = os.environ["MOTTO"]\nassert SECRET_KEY == "k" * 60\n'
    site = {"environment_names": {"SECRET_KEY": "DJANGO_KEY"}, "environment": {"MOTTO": "dare"}}
    built = builder.build(office(builder.code(), **{"office/settings.py": settings}), site=site)
    assert built["settings_module"] == "office.settings"
    with pytest.raises(Failure) as told:
        builder.build(office(builder.code(), **{"office/settings.py": settings}))
    assert "KeyError: 'DJANGO_KEY' (office/settings.py:" in told.value.cause
    assert "seatrial:environment_names" in told.value.next_step


def test_a_wsgi_module_that_insists_on_its_own_settings_is_wrapped_all_the_same(builder: Builder) -> None:
    wsgi = FILES["office/wsgi.py"].replace(
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "office.settings")',
        'os.environ["DJANGO_SETTINGS_MODULE"] = "office.settings"',
    )
    built = builder.build(office(builder.code(), **{"office/wsgi.py": wsgi}))
    builder.migrate(built)
    assert "debug=False" in builder.page(built)[1]


def test_a_project_in_a_subdirectory_with_requirements_at_the_top_is_built(builder: Builder) -> None:
    code = builder.code()
    office(code / "backend")
    (code / "backend" / "requirements.txt").rename(code / "requirements.txt")
    built = builder.build(code, subdirectory="backend")
    assert built["project"] == "backend"


def test_packages_come_from_a_lock_file_as_it_says(builder: Builder) -> None:
    code = office(builder.code())
    (code / "requirements.txt").unlink()
    (code / "pyproject.toml").write_text(
        '[project]\nname = "office"\nversion = "1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["django==5.2.1"]\n[dependency-groups]\ndev = ["isodate"]\n'
    )
    subprocess.run(["uv", "lock", "--quiet"], cwd=code, check=True)
    built = builder.build(code)
    assert built["django"] == "5.2.1"
    packages = environments.installed_packages(builder.layout.release(built["id"]) / "venv")
    assert "gunicorn" in packages
    assert "isodate" not in packages, "what is only for development was installed"


def test_packages_come_from_pyproject_where_there_is_no_lock_file(builder: Builder) -> None:
    code = office(builder.code())
    (code / "requirements.txt").unlink()
    (code / "pyproject.toml").write_text(
        '[project]\nname = "office"\nversion = "1"\ndependencies = ["django==5.2.1"]\n'
    )
    assert builder.build(code)["django"] == "5.2.1"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"office/urls.py": "import nowhere\n"}, "the site does not import: ModuleNotFoundError"),
        ({"memos/models.py": "from django.db import models\nclass Memo(models.Model:\n"}, "SyntaxError"),
        (
            {
                "memos/models.py": """
from django.db import models
class Memo(models.Model):
    text = models.CharField()
    kind = models.ForeignKey("memos.Kind", on_delete=models.CASCADE)
"""
            },
            "Django's checks found an error: fields.E",
        ),
        ({"requirements.txt": "wagtail-nothing-like-this-exists\n"}, "'wagtail-nothing-like-this-exists'"),
        ({"requirements.txt": "sqlparse\n"}, "does not install Django"),
    ],
)
def test_a_site_that_can_not_be_built_is_told_why_and_leaves_nothing(
    builder: Builder, changes: dict[str, str], words: str
) -> None:
    code = office(builder.code(), **changes)
    with pytest.raises(Failure) as told:
        builder.build(code)
    assert words in told.value.cause
    assert told.value.next_step
    assert not code.parent.exists()
