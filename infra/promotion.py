"""The gate between stacks: which commit another stack has verified, and whether this one may have another."""

from __future__ import annotations

import pulumi
from pulumi.runtime.sync_await import _sync_await

from infra.settings import Settings
from infra.settings.source import VERIFIED


class PromotionError(Exception):
    """No commit may be released; the text says why and what to do, in one line."""


def verified_revision(stack: str) -> str:
    """The commit that `stack` (a name, or organization/project/name) has verified.

    It is read before anything is planned, so that a preview names the exact commit.
    A stack that does not exist is named by the engine, which then stops.
    Raises PromotionError when the stack has verified none.
    """
    name = stack if "/" in stack else f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    found = _sync_await(pulumi.StackReference(name).get_output_details("verified_revision"))
    commit = found.value or found.secret_value
    if not isinstance(commit, str) or not commit:
        raise PromotionError(
            f"verified_by: the stack '{stack}' has verified no commit yet; set seatrial:functional_tests "
            "there and bring it up until they pass"
        )
    return commit


def revision(settings: Settings, verified: str) -> str:
    """The revision to look up: the settings' own, or the commit that was verified."""
    return verified if settings.revision == VERIFIED else settings.revision


def require(settings: Settings, commit: str, verified: str) -> None:
    """Refuse a commit that is not the verified one, unless the settings give a reason.

    Raises PromotionError.
    """
    if is_unverified(settings, commit, verified) and not settings.allow_unverified:
        raise PromotionError(
            f"revision: {settings.revision} is commit {commit[:12]}, but {settings.verified_by} has verified "
            f"{verified[:12]}; set seatrial:revision: {VERIFIED}, or say why in seatrial:allow_unverified"
        )


def is_unverified(settings: Settings, commit: str, verified: str) -> bool:
    """Whether the stack has a gate and this commit has not passed it."""
    return bool(settings.verified_by) and commit != verified
