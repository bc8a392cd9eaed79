"""What came of a rollout, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioning import source
from provisioning.remote import HostFailure


class RolloutFailed(Exception):
    """A rollout that did not go through: in which phase, where, why, what was undone, what serves now."""

    def __init__(self, failure: HostFailure, phase: str, *, refused: bool, result: str) -> None:
        super().__init__(failure.cause)
        self.failure = failure
        self.phase = phase
        self.refused = refused
        """Whether it ended before anything was changed."""
        self.result = result
        self.notes: list[str] = []
        self.serving: dict[str, str] = {}
        self.probe: dict[str, Any] = {}


def measured(probe: Mapping[str, Any]) -> str:
    """What the prober found, in one line; empty where it did not measure."""
    if not probe["requests"]:
        return ""
    return (
        f"{probe['failed']} of {probe['requests']} requests failed, p50 {probe['p50_ms']} ms, "
        f"p99 {probe['p99_ms']} ms, longest gap {probe['longest_gap_ms']} ms"
    )


def failure_of(error: BaseException, phase: str, *, refused: bool) -> RolloutFailed:
    """Whatever ended a rollout, as one that says what to do next."""
    if isinstance(error, HostFailure):
        return RolloutFailed(error, phase, refused=refused, result="failed")
    if isinstance(error, KeyboardInterrupt):
        stopped = HostFailure(
            "this machine", "interrupted", next_step="run `make up` again, it goes on from here"
        )
        return RolloutFailed(stopped, phase, refused=refused, result="interrupted")
    if isinstance(error, source.SourceError):
        no_code = HostFailure("this machine", str(error), next_step="correct it, and run `make up` again")
        return RolloutFailed(no_code, phase, refused=refused, result="failed")
    unknown = HostFailure(
        "this machine", f"{type(error).__name__}: {error}", next_step="this is a fault of Seatrial's own"
    )
    return RolloutFailed(unknown, phase, refused=refused, result="failed")
