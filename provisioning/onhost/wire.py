"""How a verb speaks: JSON lines on stdout, and failures that say what to do next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from . import diagnosis


class Failure(Exception):
    """A step that could not be done: `cause` in one line, the `log` lines behind it, and what helps."""

    def __init__(
        self, cause: str, *, next_step: str = "", log: Sequence[str] = (), kind: str = "failed"
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.next_step = next_step
        self.log = diagnosis.relevant(log)[-30:]
        self.kind = kind


def emit(event: str, **facts: Any) -> None:
    """Write one JSON line: `detail` while a verb works, `result` or `error` at its end."""
    print(json.dumps({"event": event, **facts}), flush=True)


def detail(text: str) -> None:
    """Tell the operator one short thing about the step that is running."""
    emit("detail", text=text)


def emit_failure(failure: Failure) -> None:
    """Write a Failure as the verb's last line."""
    emit("error", cause=failure.cause, next=failure.next_step, log=failure.log, kind=failure.kind)
