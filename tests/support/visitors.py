"""Visitors of a site, at a steady rate and of every kind: what each of them got, and how soon."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from provisioning.prober import Sample, Target, summary

RATE = 100
"""Requests a second, in sum."""
KINDS = (("GET", True), ("POST", True), ("GET", False), ("POST", False))
"""In turn: by which method, and over a kept connection or a new one."""
_WORKERS = 40
_SLOW_SECONDS = 20.0


@dataclass(frozen=True)
class Form:
    """What a POST sends: `field` gets a text of its own. An answer of `bad_from` or more is a failure."""

    path: str = "/add"
    field: str = "text"
    bad_from: int = 400


@dataclass(frozen=True)
class Visit:
    """One request: its kind, when it was due, how it ended, and the text that it sent, if it did."""

    kind: str
    sample: Sample
    text: str = ""

    @property
    def is_post(self) -> bool:
        return self.kind.startswith("POST")

    def was_in_hand(self, moment: float) -> bool:
        """Whether a fault at that moment excuses its failure: it came before, and nobody else can answer it.

        A POST is never sent twice, and an answer that has begun is not begun anew.
        """
        return self.sample.due < moment and (self.is_post or self.sample.why.startswith("IncompleteRead"))


@dataclass
class Visits:
    """All requests of a while. Times are in seconds of `time.monotonic`."""

    began: float = field(default_factory=time.monotonic)
    all: list[Visit] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, Any]:
        """Requests, failures, p50 and p99, the longest gap: what a rollout's own prober tells too."""
        return summary([visit.sample for visit in self.all])

    @property
    def failed(self) -> list[Visit]:
        return [visit for visit in self.all if visit.sample.failed]

    @property
    def slowest_seconds(self) -> float:
        return max((visit.sample.seconds for visit in self.all), default=0.0)

    def posted(self, *, answered: bool = True) -> set[str]:
        """The texts of the POSTs that were answered; or of those that were not."""
        return {visit.text for visit in self.all if visit.is_post and visit.sample.failed is not answered}

    def told(self) -> str:
        """The figures in a line, and a line for each failure."""
        slow = f"slowest {self.slowest_seconds:.2f} s"
        lines = [f"{self.figures}, {slow}"]
        for visit in self.failed:
            due, seconds = visit.sample.due - self.began, visit.sample.seconds
            lines.append(f"  at {due:.2f} s, for {seconds:.2f} s: {visit.kind}: {visit.sample.why}")
        return "\n".join(lines)


class Visitors:
    """Ask at their times, whether or not those before have their answers, until they are stopped.

    A GET on a kept connection that is closed under it is asked again on a new one, as browsers do; a POST
    never.
    """

    def __init__(self, target: Target, *, form: Form | None = None, rate: int = RATE) -> None:
        self._target = target
        self._form = form or Form()
        self._rate = rate
        self._turns = itertools.count()
        self._stop = threading.Event()
        self._visits = Visits()
        self._name = f"{time.time_ns():x}"
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(_WORKERS)]

    def start(self) -> Visits:
        """Begin; the visits are complete when `stop` has returned."""
        self._visits.began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self._visits

    def stop(self) -> None:
        """Ask no more; those who wait for an answer still get it."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        kept: http.client.HTTPConnection | None = None
        while True:
            turn = next(self._turns)
            due = self._visits.began + turn / self._rate
            if self._stop.wait(max(0.0, due - time.monotonic())):
                break
            method, keep = KINDS[turn % len(KINDS)]
            text = f"{self._name}-{turn}" if method == "POST" else ""
            connection = kept if keep and kept else self._connection()
            why = self._ask(connection, method, text, keep)
            if why and method == "GET" and connection is kept and _is_cut(why):
                connection = self._connection()
                why = self._ask(connection, method, text, keep)
            if keep and not why:
                kept = connection
            else:
                connection.close()
                kept = None if keep else kept
            kind = f"{method} over a {'kept' if keep else 'new'} connection"
            sample = Sample(due, time.monotonic() - due, bool(why), why)
            self._visits.all.append(Visit(kind, sample, text))
        if kept:
            kept.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._target.address, self._target.port, timeout=_SLOW_SECONDS)

    def _ask(self, connection: http.client.HTTPConnection, method: str, text: str, keep: bool) -> str:
        """One request; why it failed, or nothing."""
        headers = {"Host": self._target.host, "User-Agent": "visitor"}
        if not keep:
            headers["Connection"] = "close"
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        path, body = (self._form.path, f"{self._form.field}={text}") if text else (self._target.path, None)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            return f"{type(error).__name__}: {error}"
        return f"status {answer.status}" if answer.status >= self._form.bad_from else ""


def _is_cut(why: str) -> bool:
    return why.startswith(("RemoteDisconnected", "ConnectionResetError", "BrokenPipeError"))


@contextmanager
def visiting(target: Target, *, form: Form | None = None, rate: int = RATE) -> Iterator[Visits]:
    """Visitors while the block runs."""
    visitors = Visitors(target, form=form, rate=rate)
    visits = visitors.start()
    try:
        yield visits
    finally:
        visitors.stop()
