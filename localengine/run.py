"""What the parts of one run share: where it is, what it has seen, and whether it may go on."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from localengine.config import Setting
from localengine.errors import EngineError
from localengine.events import Sink, Step, Tally
from localengine.goal import Goal
from localengine.journal import Journal
from localengine.provider import CheckFailures, ProviderError, working_on
from localengine.redact import Redactor
from localengine.refusal import stopped
from localengine.registry import Registry
from localengine.urn import is_default_provider


@dataclass
class Run:
    """One preview, update, refresh or destroy of one stack."""

    stack: str
    project: str
    root: str
    dry_run: bool
    settings: Mapping[str, Setting]
    journal: Journal
    registry: Registry
    sink: Sink
    cancel: threading.Event
    """Set when the user wants the run to end: nothing new begins."""
    redact: Redactor = field(default_factory=Redactor)
    tally: Tally = field(default_factory=Tally)
    lock: threading.RLock = field(default_factory=threading.RLock)
    goals: dict[str, Goal] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    failed: bool = False
    ended: bool = False
    """Set when the program is over and what it left behind must not begin."""

    def going(self) -> None:
        """Raise the SDK's "shutting down" where nothing new may begin."""
        if self.ended or self.cancel.is_set() or (self.failed and not self.dry_run):
            raise stopped()

    def error(self, message: str, urn: str = "") -> None:
        """Tell the user what is wrong, and let the run fail."""
        self.failed = True
        for line in message.splitlines() or [""]:
            self.sink.message("error", line, urn)

    def plan(self, step: Step) -> None:
        """Announce a decided step."""
        self.sink.planned(step)

    def count(self, step: Step) -> None:
        """Add a step that has been done (or would have been, in a preview) to the sums."""
        with self.lock:
            if not is_default_provider(step.urn):
                self.tally.add(step.op)

    @contextmanager
    def working(self, step: Step) -> Iterator[None]:
        """Announce a provider's work on `step`; what goes wrong fails the run and is raised again."""
        self.sink.started(step)
        try:
            with working_on(step.urn):
                yield
        except Exception as error:
            self.failed = True
            with self.lock:
                self.tally.errored += 1
            self.sink.failed(step, explain(error))
            raise
        self.sink.finished(step)


def explain(error: BaseException) -> str:
    """Say what went wrong: the message alone where it was written for the user."""
    if isinstance(error, CheckFailures):
        return "; ".join(f"{item.property}: {item.reason}" for item in error.failures)
    if isinstance(error, ProviderError | EngineError):
        return str(error)
    if os.environ.get("LOCALENGINE_DEBUG"):
        return "".join(traceback.format_exception(error))
    return f"{type(error).__name__}: {error}"
