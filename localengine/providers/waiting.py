"""How long a piece of work may take, and whether anyone still wants it."""

from __future__ import annotations

import threading
import time

from localengine.provider import ProviderError


class Deadline:
    """An end of waiting: `seconds` from now (None: no end), or as soon as `cancel` is set."""

    def __init__(self, seconds: float | None, cancel: threading.Event) -> None:
        self.seconds = seconds
        self._cancel = cancel
        self._end = None if seconds is None else time.monotonic() + seconds

    def check(self, what: str) -> None:
        """Raise ProviderError where the end has come; `what` was being done."""
        if self._cancel.is_set():
            raise ProviderError(f"cancelled while {what}")
        if self._end is not None and time.monotonic() >= self._end:
            raise ProviderError(f"gave up after {self.seconds:g} s, {what}")

    def pause(self, seconds: float, what: str) -> None:
        """Sleep, no longer than there is time left. Raises ProviderError as `check` does."""
        self.check(what)
        left = seconds if self._end is None else min(seconds, self._end - time.monotonic())
        self._cancel.wait(max(left, 0.0))
        self.check(what)
