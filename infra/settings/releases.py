"""How a release goes live."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from infra.fields import FROZEN, Hooks, context, setting, text

GROUP = "Releases"


class Releases(BaseModel):
    """What must hold before, during and after a release."""

    model_config = FROZEN

    health_path: Annotated[str, text(r"/[^\s#]*")] = setting(
        "/",
        "The path that must answer below 400 before a release goes live.",
        wanted="a path that begins with /",
        example="/healthz",
        group=GROUP,
    )
    keep_releases: Annotated[int, Field(ge=2, le=50)] = setting(
        5,
        "How many releases stay on a host.",
        wanted="a number from 2 to 50",
        example=10,
        group=GROUP,
    )
    batch_size: Annotated[int, Field(ge=1, le=20)] = setting(
        1,
        "How many app hosts are taken off the edge and switched at once.",
        wanted="a number from 1 to 20",
        example=2,
        group=GROUP,
    )
    drain_seconds: Annotated[int, Field(ge=0, le=600)] = setting(
        30,
        "How long the open requests of a host have to end before it is switched or removed.",
        wanted="seconds from 0 to 600",
        example=60,
        group=GROUP,
    )
    hooks: Hooks = setting(
        Hooks(),
        "Commands that the machine which runs Pulumi runs during a release, with SEATRIAL_SITE, _URL, "
        "_RELEASE, _REVISION, _SUBJECT, _PREVIOUS_RELEASE, _PREVIOUS_REVISION and _HOSTS in their "
        "environment; on_failure has _ERROR and _PHASE too. Any other that fails fails the release.",
        wanted="a map of before_release, after_migrate, after_release or on_failure to a command",
        example={"after_release": "./announce.sh"},
        group=GROUP,
    )
    allow_test_commands: bool = setting(
        False,
        "Whether functional tests get access to the hosts and destructive test commands exist; never on a "
        "stack named production.",
        wanted="true or false, and only false on a production stack",
        example=False,
        group=GROUP,
    )

    @field_validator("allow_test_commands")
    @classmethod
    def _never_in_production(cls, value: bool, info: ValidationInfo) -> bool:
        if value and is_production(str(context(info, "stack"))):
            raise ValueError("a production stack")
        return value


def is_production(stack: str) -> bool:
    """Whether a stack is a production one by its name (`production`, `production-eu`, `shop.prod`)."""
    return bool({"production", "prod"} & set(re.split(r"[^a-z0-9]+", stack.lower())))
