"""The site behind settings of a deployment: DEBUG off, other folders, static files built beforehand."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from django.conf import settings
from django.test import SimpleTestCase

WRAPPER = """
from pathlib import Path
from todos.settings import *
HERE = Path(__file__).parent
DEBUG = False
SECRET_KEY = "for this test only, long enough to be taken for a real one 0123456789"
ALLOWED_HOSTS = ["todo.example.com"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "db.sqlite3"}}
STATIC_ROOT = HERE / "static"
MEDIA_ROOT = HERE / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "%s"},
}
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
SECURE_HSTS_SECONDS = 63072000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
"""

ASK = """
import json, re, django
django.setup()
from django.conf import settings
from django.test import Client
response = Client(headers={"host": "todo.example.com"}).get("/accounts/login/", secure=True)
assets = re.findall(r'(?:href|src)="/static/([^"]+)"', response.text)
missing = [asset for asset in assets if not (settings.STATIC_ROOT / asset).is_file()]
print(json.dumps({"status": response.status_code, "assets": assets, "missing": missing}))
"""


class ProductionTest(SimpleTestCase):
    def run_python(self, *arguments):
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "wrapped",
            "PYTHONPATH": os.pathsep.join([self.folder, str(settings.BASE_DIR)]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def built_page(self, static_storage):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        Path(self.folder, "wrapped.py").write_text(WRAPPER % static_storage)
        self.run_python("manage.py", "check", "--deploy", "--fail-level", "WARNING")
        self.run_python("manage.py", "collectstatic", "--no-input")
        self.run_python("manage.py", "compress", "--force")
        page = json.loads(self.run_python("-c", ASK))
        self.assertEqual(page["status"], 200)
        self.assertEqual(page["missing"], [])
        compressed = [asset for asset in page["assets"] if asset.startswith("CACHE/")]
        self.assertEqual(sorted(Path(asset).suffix for asset in compressed), [".css", ".js"])
        return page["assets"]

    def test_static_files_are_compressed_offline_and_found(self):
        self.built_page("django.contrib.staticfiles.storage.StaticFilesStorage")

    def test_static_files_may_have_hashed_names(self):
        assets = self.built_page("django.contrib.staticfiles.storage.ManifestStaticFilesStorage")
        self.assertRegex(" ".join(assets), r"img/icon\.[0-9a-f]{12}\.svg")
