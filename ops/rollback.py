"""Which release a stack goes back to, and what that changes in its settings for one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ops.errors import OpsError


class RollbackError(OpsError):
    """Why there is no way back; one line for the operator."""


def target(serving: Mapping[str, Any], wanted: str) -> str:
    """The commit to go back to: `wanted` (a revision of the repository), else that of the release before.

    `serving` has `release` and `previous_release` as the hosts tell them.
    Raises RollbackError where the stack has had no release, or only one.
    """
    release, previous = serving.get("release") or {}, serving.get("previous_release") or {}
    if not release:
        raise RollbackError("nothing is live on this stack yet; first: make up")
    if wanted:
        return wanted
    if not previous.get("revision"):
        raise RollbackError(f"{release.get('id')} is the first release of this stack; name one with --to")
    return str(previous["revision"])


def settings(config: Mapping[str, Any], serving: Mapping[str, Any], revision: str) -> dict[str, str]:
    """The settings of this one run. Where another stack verifies what may go live, it gets its reason."""
    reason = f"rollback from {serving['release'].get('id', 'the live release')}"
    has_gate = bool(config.get("seatrial:verified_by"))
    return {"seatrial:revision": revision, **({"seatrial:allow_unverified": reason} if has_gate else {})}
