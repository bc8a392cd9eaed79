"""Things made to go wrong on purpose, so that what must survive them can be tested."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_DELAY_SECONDS = 600


class Fault(BaseModel):
    """What fits `method` and `path` (with * and ?) or, for an action, `type`; gone after `times` hits.

    delay           the answer comes `seconds` later
    error           the answer is `status` with `message`; with `after`, what was asked is done first
    stuck_action    an action stays in progress until the faults are cleared
    failed_action   an action ends errored, and a droplet to be created is gone, with `message` as the reason
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["delay", "error", "stuck_action", "failed_action"]
    method: str = "*"
    path: str = "*"
    type: str = "*"
    seconds: Annotated[float, Field(ge=0, le=MAX_DELAY_SECONDS)] = 1.0
    status: Annotated[int, Field(ge=400, le=599)] = 500
    message: str = "Server was unable to give you a response."
    retry_after: int | None = None
    after: bool = False
    times: Annotated[int, Field(ge=1)] = 1


class Faults:
    """The faults in wait. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its moment."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[Fault]:
        """The faults that have not been used up."""
        with self._lock:
            return [fault.model_copy() for fault in self._waiting]

    def for_request(self, kind: Literal["delay", "error"], method: str, path: str) -> Fault | None:
        """Use up one hit of the first fault of a kind that fits a request."""
        return self._take(
            lambda fault: (
                fault.kind == kind
                and fnmatchcase(method, fault.method.upper())
                and fnmatchcase(path, fault.path)
            )
        )

    def for_action(self, kind: Literal["stuck_action", "failed_action"], type: str) -> Fault | None:
        """Use up one hit of the first fault of a kind that fits an action."""
        return self._take(lambda fault: fault.kind == kind and fnmatchcase(type, fault.type))

    def _take(self, fits: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            fault = next((fault for fault in self._waiting if fits(fault)), None)
            if fault is None:
                return None
            hit = fault.model_copy()
            fault.times -= 1
            if fault.times == 0:
                self._waiting.remove(fault)
            return hit
