"""A small Django site in a git repository, which the tests break and mend commit by commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

FILES = {
    "requirements.txt": "django>=5.2,<5.3\n",
    "manage.py": """
import os, sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "office.settings")
execute_from_command_line(sys.argv)
""",
    "office/__init__.py": "",
    "office/settings.py": """
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "insecure"
DEBUG = True
ALLOWED_HOSTS = []
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.staticfiles", "memos"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "office.urls"
WSGI_APPLICATION = "office.wsgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
""",
    "office/wsgi.py": """
import os
from django.core.wsgi import get_wsgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "office.settings")
application = get_wsgi_application()
""",
    "office/urls.py": """
from django.urls import path
from memos import views
urlpatterns = [
    path("", views.home), path("add", views.add), path("upload", views.upload),
    path("slow", views.slow), path("all", views.all),
    path("write", views.write),
]
""",
    "memos/__init__.py": "",
    "memos/models.py": """
from django.db import models
class Memo(models.Model):
    text = models.CharField(max_length=100)
""",
    "memos/migrations/__init__.py": "",
    "memos/migrations/0001_initial.py": """
from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.CreateModel("Memo", [
        ("id", models.BigAutoField(primary_key=True)), ("text", models.CharField(max_length=100))])]
""",
    "memos/views.py": """
import os, time
from pathlib import Path
from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpResponse
from django.templatetags.static import static
from memos.models import Memo

VERSION = "one"

def home(request):
    cache.set("seen", VERSION)
    lines = [f"version={VERSION}", f"memos={Memo.objects.count()}", f"debug={settings.DEBUG}",
             f"motto={os.environ.get('MOTTO', '')}", f"cached={cache.get('seen')}",
             f"css={static('memos.css')}"]
    return HttpResponse("\\n".join(lines), content_type="text/plain")

def add(request):
    Memo.objects.create(text=request.POST.get("text", "kept"))
    return HttpResponse("added")

def all(request):
    return HttpResponse("\\n".join(Memo.objects.values_list("text", flat=True)))

def upload(request):
    default_storage.save("paper.txt", ContentFile(b"kept too"))
    return HttpResponse("uploaded")

def slow(request):
    time.sleep(float(request.GET.get("seconds", "1")))
    return HttpResponse(f"slow from {VERSION}")

def write(request):
    try:
        (Path(settings.BASE_DIR) / "memos" / "views.py").write_text("mine")
    except OSError as error:
        return HttpResponse(type(error).__name__)
    return HttpResponse("written")
""",
    "memos/static/memos.css": "body { color: black }\n",
}


class Repository:
    """The site's git repository; every change is a commit."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        folder.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")
        self.first = self.commit("The first version", FILES)

    def commit(self, subject: str, files: dict[str, str]) -> str:
        """Write these files and commit; the commit's hash."""
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.lstrip("\n"))
        self._git("add", "--all")
        self._git(
            "-c", "user.name=Ana", "-c", "user.email=ana@example.test", "commit", "--quiet", "-m", subject
        )
        return self._git("rev-parse", "HEAD").strip()

    def changed(self, name: str, old: str, new: str) -> dict[str, str]:
        """A file with a text replaced, for `commit`; the text must be there."""
        text = (self.path / name).read_text()
        assert old in text
        return {name: text.replace(old, new)}

    def go_back_to(self, commit: str) -> None:
        """Make the files as they were at a commit, so that the next change begins there."""
        self._git("reset", "--quiet", "--hard", commit)

    def _git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=self.path, check=True, capture_output=True, text=True
        ).stdout
