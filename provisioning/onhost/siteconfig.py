"""Reads /etc/<site>/site.json, which the app role writes."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from .layout import Layout
from .wire import Failure


class SiteConfiguration:
    """What the host knows of its site, as far as the steps of a release need it."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    @property
    def server_name(self) -> str:
        """The canonical name."""
        return str(self.values["server_names"][0])

    @property
    def host_header(self) -> str:
        """The Host header of a visitor's browser: the canonical name, with the URL's port if it has one."""
        return urlsplit(self.values["url"]).netloc or self.server_name

    @property
    def scheme(self) -> str:
        return urlsplit(self.values["url"]).scheme or "http"

    @property
    def engine(self) -> str:
        """`sqlite` or `postgres`."""
        return str(self.values["database"]["engine"])

    @property
    def has_redis(self) -> bool:
        return self.values.get("cache") is not None

    @property
    def allows_test_commands(self) -> bool:
        """Whether functional tests may run commands of the site: never in production."""
        return self.values.get("allow_test_commands") is True

    @property
    def named_settings_module(self) -> str:
        """DJANGO_SETTINGS_MODULE of the extra environment; empty where it has none."""
        return str(self.values.get("environment", {}).get("DJANGO_SETTINGS_MODULE", ""))


def load(layout: Layout) -> SiteConfiguration:
    """Read the site's configuration. Raises Failure where the host has none."""
    try:
        return SiteConfiguration(json.loads(layout.configuration.read_text()))
    except FileNotFoundError:
        raise Failure(
            f"{layout.configuration} is missing: this host was never provisioned for site '{layout.site}'",
            next_step="run `make up` again, which provisions it",
        ) from None
    except json.JSONDecodeError as error:
        raise Failure(
            f"{layout.configuration} is not JSON ({error})",
            next_step="run `make up` again, which rewrites it",
        ) from None
