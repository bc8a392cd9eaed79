"""What a rollout says while it works: plain text on stderr, a line a phase with its hosts' news below."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

_NAME_WIDTH = 10


class Progress:
    """Tells the phases of a rollout and keeps their seconds. May be used from several threads."""

    def __init__(self, stream: TextIO | None = None, *, several_hosts: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._several = several_hosts
        self._guard = threading.Lock()
        self._details: list[str] = []
        self.seconds: dict[str, float] = {}
        self.current = ""

    def say(self, text: str) -> None:
        """One line as it is."""
        with self._guard:
            print(text, file=self._stream, flush=True)

    def detail(self, host: str, text: str) -> None:
        """A short thing about the phase that runs; it comes with the phase's line."""
        with self._guard:
            self._details.append(f"{host}: {text}" if self._several else text)

    @contextmanager
    def phase(self, name: str, *, shown: str = "") -> Iterator[None]:
        """Time a phase, and say it when it is over. A failed one is said too."""
        began = time.monotonic()
        self.current = name
        try:
            yield
        except BaseException:
            self._over(shown or name, name, began, "failed ")
            raise
        self._over(shown or name, name, began, "")

    def _over(self, shown: str, name: str, began: float, mark: str) -> None:
        spent = time.monotonic() - began
        with self._guard:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 2)
            details, self._details = self._details, []
            first = details[0] if details else ""
            print(f"  {shown:<{_NAME_WIDTH}} {spent:5.1f} s  {mark}{first}".rstrip(), file=self._stream)
            for line in details[1:]:
                print(f"  {'':<{_NAME_WIDTH}}          {line}", file=self._stream)
            self._stream.flush()


def listed(names: Sequence[str], most: int = 4) -> str:
    """`a, b, c and 3 more`."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
