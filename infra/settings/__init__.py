"""The settings of a stack: what may be set, what it means, and what is wrong with what was set.

Nothing here knows Pulumi: a stack's configuration comes in as a mapping and goes out as one frozen object,
or as one error that names every setting that is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from pydantic import ValidationError

from infra import complaints
from infra.fields import FROZEN, value_type
from infra.settings.django import Django
from infra.settings.edges import Edges
from infra.settings.hosts import Hosts
from infra.settings.logs import Logs
from infra.settings.promotion import Promotion
from infra.settings.releases import Releases
from infra.settings.services import Services
from infra.settings.source import Source
from infra.settings.web import Web


# Python collects fields from the last base to the first: the site's source comes first.
class Settings(Promotion, Releases, Logs, Services, Edges, Hosts, Web, Django, Source):
    """All settings of a stack, checked. Each field is the key `seatrial:<field>` of `Pulumi.<stack>.yaml`."""

    model_config = FROZEN


class SettingsError(Exception):
    """What is wrong with a stack's settings: one line for each, ready to be shown."""


def load(config: Mapping[str, object], *, stack: str = "dev", secret: Collection[str] = ()) -> Settings:
    """Check a stack's configuration and return it as Settings.

    `config` maps setting names (without the namespace) to their values; a list or map may be JSON text, as
    Pulumi hands it on. `secret` names the settings that are encrypted in the stack's file.
    Raises SettingsError, which names every wrong setting at once.
    """
    values = {name: _decoded(name, value) for name, value in config.items()}
    try:
        return Settings.model_validate(values, context={"stack": stack, "secret": frozenset(secret)})
    except ValidationError as error:
        lines = [complaints.line(detail, Settings, stack, secret) for detail in error.errors()]
    count = "one setting is" if len(lines) == 1 else f"{len(lines)} settings are"
    raise SettingsError("\n  ".join([f"stack '{stack}': {count} wrong", *sorted(lines)]))


def _decoded(name: str, value: object) -> object:
    """A list or map out of its JSON text; everything else, and text that is no JSON, as it is."""
    field = Settings.model_fields.get(name)
    if field is None or not isinstance(value, str) or value_type(field) not in {"array", "object"}:
        return value
    try:
        return json.loads(value) if value.strip() else field.default
    except json.JSONDecodeError:
        return value
