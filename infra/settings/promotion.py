"""From the stack where a commit is tried to the stack where it serves."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ValidationInfo, field_validator

from infra.fields import FROZEN, context, setting, text
from infra.settings.releases import is_production
from infra.settings.source import VERIFIED

GROUP = "Promotion"


class Promotion(BaseModel):
    """What a commit must have passed."""

    model_config = FROZEN

    functional_tests: str = setting(
        "",
        "A shell command that tests the site by its URL after each release, on the machine that runs Pulumi. "
        "It finds STAGING_SERVER, BASE_URL, RELEASE, COMMIT, REPORTS (a folder that is kept) and what else "
        "your shell has, such as SELENIUM_REMOTE_URL, in its environment. Only when it ends well is the "
        "commit verified; until then each `up` runs it again.",
        wanted="a command",
        example="pytest functional_tests --junitxml=$REPORTS/results.xml",
        group=GROUP,
    )
    allow_unverified: Annotated[str, text(r"[^\r\n]*")] = setting(
        "",
        "Why another commit than the verified one may be released; kept with the release. Empty: it may not.",
        wanted="a reason, in one line",
        example="the fix for the outage of 3 May",
        group=GROUP,
    )
    verified_by: Annotated[str, text(r"([\w.-]+/[\w.-]+/)?[\w.-]+|")] = setting(
        "",
        "The stack whose functional tests a commit must have passed before it is released here; its latest "
        "such commit is, unless revision says otherwise. A production stack has one, or says why not in "
        "allow_unverified.",
        wanted="the name of another stack (on a production stack, or a reason in allow_unverified)",
        example="staging",
        group=GROUP,
    )

    @field_validator("verified_by")
    @classmethod
    def _is_another_stack(cls, value: str, info: ValidationInfo) -> str:
        stack = str(context(info, "stack"))
        if not value and info.data.get("revision") == VERIFIED:
            raise ValueError(f"revision is {VERIFIED}")
        if not value and is_production(stack) and not info.data.get("allow_unverified"):
            raise ValueError("a production stack")
        if value and value == stack:
            raise ValueError("this stack itself")
        return value
