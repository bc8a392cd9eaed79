"""From the stack where a commit is tried to the stack where it serves."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ValidationInfo, field_validator

from infra.fields import FROZEN, context, setting, text
from infra.settings.source import VERIFIED

GROUP = "Promotion"


class Promotion(BaseModel):
    """What a commit must have passed."""

    model_config = FROZEN

    functional_tests: str = setting(
        "",
        "A shell command that tests the site by its URL after each release, on the machine that runs Pulumi. "
        "It finds STAGING_SERVER, BASE_URL and REPORTS (a folder to keep) in its environment. Only when it "
        "ends well is the commit verified.",
        wanted="a command",
        example="pytest functional_tests",
        group=GROUP,
    )
    verified_by: Annotated[str, text(r"([\w.-]+/[\w.-]+/)?[\w.-]+|")] = setting(
        "",
        "The stack whose functional tests a commit must have passed before it is released here. With "
        "revision: verified, its latest such commit is released.",
        wanted="the name of another stack",
        example="staging",
        group=GROUP,
    )
    allow_unverified: Annotated[str, text(r"[^\r\n]*")] = setting(
        "",
        "Why another commit than the verified one may be released; kept with the release. Empty: it may not.",
        wanted="a reason, in one line",
        example="the fix for the outage of 3 May",
        group=GROUP,
    )

    @field_validator("verified_by")
    @classmethod
    def _is_another_stack(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.data.get("revision") == VERIFIED:
            raise ValueError(f"revision is {VERIFIED}")
        if value and value == context(info, "stack"):
            raise ValueError("this stack itself")
        return value
