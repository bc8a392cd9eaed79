# mypy: disable-error-code="import-not-found"
"""Brings a site up in this process: settings first, then the site's own WSGI module."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
from pathlib import Path
from typing import Any


def release() -> dict[str, Any]:
    """What was written down about this release when it was built."""
    facts: dict[str, Any] = json.loads(Path(__file__).with_name("release.json").read_text())
    return facts


def configure() -> Any:
    """Import the settings and return them. From here on nothing can choose other ones."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "seatrial_settings"
    from django.conf import settings

    # Any access imports them; a wsgi.py that assigns DJANGO_SETTINGS_MODULE comes too late then.
    settings.DEBUG  # noqa: B018
    return settings


def warm_up() -> None:
    """Load now, once for all workers, which are forked from this process, what a first request would load."""
    from django.conf import settings
    from django.db import connections
    from django.urls import get_resolver

    _ = get_resolver().reverse_dict
    if any("redis" in cache["BACKEND"] for cache in settings.CACHES.values()):
        with contextlib.suppress(ImportError):
            importlib.import_module("redis")
    # A connection that a URL module opened must not be shared by the workers.
    connections.close_all()


def application() -> Any:
    """The site's WSGI callable; where it names none, Django's own."""
    settings = configure()
    name = release()["wsgi_application"] or settings.WSGI_APPLICATION
    if not name:
        from django.core.wsgi import get_wsgi_application

        return get_wsgi_application()
    # The settings name it with a dot, everybody else with a colon.
    module, _, callable_ = name.rpartition(":" if ":" in name else ".")
    return getattr(importlib.import_module(module), callable_)
