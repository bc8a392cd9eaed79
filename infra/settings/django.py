"""What kind of Django site it is."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import BaseModel, field_validator

from infra.fields import (
    DOTTED_NAME,
    FROZEN,
    RELATIVE_PATH,
    EnvironmentName,
    EnvironmentValue,
    OfferedValue,
    inside,
    setting,
    text,
)

GROUP = "The Django site"


class Django(BaseModel):
    """How the site is started, and what it finds in its environment."""

    model_config = FROZEN

    django_settings_module: Annotated[str, text(rf"({DOTTED_NAME})?")] = setting(
        "",
        "The site's settings module; empty: the one that manage.py names.",
        wanted="a dotted module name",
        example="shop.settings.production",
        group=GROUP,
    )
    wsgi_application: Annotated[str, text(rf"({DOTTED_NAME}:[A-Za-z_]\w*)?")] = setting(
        "",
        "The WSGI callable; empty: the one that the settings module names.",
        wanted="module:callable",
        example="shop.wsgi:application",
        group=GROUP,
    )
    requirements: Annotated[str, text(rf"({RELATIVE_PATH})?")] = setting(
        "",
        "The file that lists the site's packages; empty: uv.lock, pyproject.toml or requirements.txt.",
        wanted="a path inside the subdirectory, without ..",
        example="requirements/production.txt",
        group=GROUP,
    )
    python_version: Annotated[str, text(r"(3\.[0-9]{1,2}(\.[0-9]{1,2})?)?")] = setting(
        "",
        "The Python that the site runs on; empty: what the site asks for, else the host's own.",
        wanted="a version such as 3.13",
        example="3.13",
        group=GROUP,
    )
    environment: dict[EnvironmentName, EnvironmentValue] = setting(
        {},
        "Extra environment of the site, kept as secrets on the way.",
        wanted="a map of names (letters, digits and _) to texts, true and false in quotes",
        example={"FEATURE_SEARCH": "on"},
        group=GROUP,
    )
    environment_names: dict[OfferedValue, EnvironmentName] = setting(
        {},
        "For a site that reads its settings from the environment: which of Seatrial's values to put under "
        "which name, such as SECRET_KEY under DJANGO_SECRET_KEY.",
        wanted=f"a map of {', '.join(get_args(OfferedValue))} to the site's names (letters, digits and _)",
        example={"SECRET_KEY": "DJANGO_SECRET_KEY"},
        group=GROUP,
    )

    @field_validator("requirements")
    @classmethod
    def _requirements(cls, value: str) -> str:
        return inside(value)
