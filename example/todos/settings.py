"""Settings of the site, with the defaults of a developer's machine.

A deployment overrides DEBUG, SECRET_KEY, ALLOWED_HOSTS, DATABASES, CACHES, STATIC_ROOT and MEDIA_ROOT.
"""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
# Where the development server keeps its database and uploads.
DATA_DIR = Path(os.environ.get("TODOS_DATA_DIR", BASE_DIR))

DEBUG = True
SECRET_KEY = "django-insecure-for-development-only"  # noqa: S105
ALLOWED_HOSTS: list[str] = []

INSTALLED_APPS = [
    "accounts",
    "lists",
    "compressor",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "todos.urls"
WSGI_APPLICATION = "todos.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "lists:mine"
LOGOUT_REDIRECT_URL = "lists:home"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "compressor.finders.CompressorFinder",
]

# Offline always: compressor itself turns compression on where DEBUG is off, and it looks at DEBUG late
# enough to see a deployment's override, which an expression written here would not.
COMPRESS_OFFLINE = True
COMPRESS_CSS_HASHING_METHOD = "content"

MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"

# A picture or PDF attached to a to-do, in bytes.
ATTACHMENT_MAX_BYTES = 2 * 1024 * 1024
# How long the public page may be served from the cache when nothing changes, in seconds.
SHARED_LISTS_SECONDS = 300
