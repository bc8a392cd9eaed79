# mypy: disable-error-code="import-not-found"
"""The settings a release runs with: the site's own, and over them what a server needs."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

import seatrial_wrap


def load() -> dict[str, Any]:
    """Import the site's own settings and lay ours over them."""
    import django

    release = json.loads(Path(__file__).with_name("release.json").read_text())
    site = json.loads(Path(release["configuration"]).read_text())
    for name, value in seatrial_wrap.environment(site, release).items():
        os.environ[name] = value
    # A DJANGO_SETTINGS_MODULE of the site's own names what is wrapped, not what runs.
    os.environ["DJANGO_SETTINGS_MODULE"] = "seatrial_settings"
    module = importlib.import_module(release["settings_module"])
    own = {name: getattr(module, name) for name in dir(module) if name.isupper()}
    changes = seatrial_wrap.wrap(own, site, release, django.VERSION[:2])
    if os.environ.get("SEATRIAL_BUILDING"):
        changes["CACHES"] = seatrial_wrap.caches_of_a_build({**own, **changes})
    # Code that imports the site's settings module itself, not django.conf, is to see the same.
    for name, value in changes.items():
        setattr(module, name, value)
    return {**own, **changes}


globals().update(load())
