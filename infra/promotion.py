"""The gate between stacks: which commit another stack has verified, and whether this one may have another."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi.runtime.sync_await import _sync_await

from infra.settings import Settings
from infra.settings.source import VERIFIED


class PromotionError(Exception):
    """No commit may be released; the text says why and what to do, in one line."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a stack lets through; `verified` is empty where no other stack verifies for it."""

    settings: Settings
    verified: str

    @property
    def revision(self) -> str:
        """The revision to look up: the settings' own, or the commit that was verified."""
        wanted = self.settings.revision
        return wanted if wanted not in {"", VERIFIED} else self.verified or "HEAD"

    def reason_for(self, commit: str) -> str:
        """Why this commit is released though it is not verified; empty where it needs no reason.

        Raises PromotionError when it needs one and the settings give none.
        """
        settings = self.settings
        if commit == self.verified:
            return ""
        if self.verified and not settings.allow_unverified:
            raise PromotionError(
                f"revision: {settings.revision} is commit {commit[:12]}, but {settings.verified_by} has "
                f"verified {self.verified[:12]}; set seatrial:revision: {VERIFIED}, or say why in "
                "seatrial:allow_unverified"
            )
        return settings.allow_unverified


def gate(settings: Settings) -> Gate:
    """The stack's gate. Raises PromotionError when the stack that verifies has verified nothing.

    Where the settings name another revision and a reason for it, it may be that nothing was verified yet.
    """
    stack = settings.verified_by
    if not stack:
        return Gate(settings=settings, verified="")
    verified = _verified_revision(stack)
    if not verified and (settings.revision in {"", VERIFIED} or not settings.allow_unverified):
        raise PromotionError(
            f"verified_by: the stack '{stack}' has verified no commit yet; set seatrial:functional_tests "
            "there and bring it up until they pass"
        )
    return Gate(settings=settings, verified=verified)


def _verified_revision(stack: str) -> str:
    """The commit that `stack` (a name, or organization/project/name) has verified; empty where none.

    It is read before anything is planned, so that a preview names the exact commit. A stack that does not
    exist is named by the engine, which then stops.
    """
    name = stack if "/" in stack else f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    found = _sync_await(pulumi.StackReference(name).get_output_details("verified_revision"))
    commit = found.value or found.secret_value
    return commit if isinstance(commit, str) else ""
