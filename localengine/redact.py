"""Keeping secrets out of everything that is shown."""

from __future__ import annotations

import threading
from typing import Any

from localengine.values import Secret, Value

_SHORTEST = 3
_SHORTEST_INSIDE = 12
_HARMLESS = {"true", "false", "null", "none"}
HIDDEN = "[secret]"


class Redactor:
    """Knows the secrets met so far and takes them out of texts.

    A text that stands in the open too (a droplet's address, say, within a connection that is secret as a
    whole) is no secret, and neither is a short word within a larger secret, such as a user's name.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hidden: set[str] = set()
        self._open: set[str] = set()
        self._ordered: list[str] = []

    def learn(self, value: Value) -> None:
        """Remember the texts in `value`, those within secrets as such."""
        hidden: set[str] = set()
        in_the_open: set[str] = set()
        _collect(value, hidden, in_the_open)
        with self._lock:
            self._open |= in_the_open
            self._hidden |= hidden
            # Longest first: one secret may be part of another.
            self._ordered = sorted(self._hidden - self._open, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` with every known secret hidden."""
        for known in self._ordered:
            if known in text:
                text = text.replace(known, HIDDEN)
        return text


def _collect(value: Value, hidden: set[str], in_the_open: set[str], *, shortest: int = 0) -> None:
    """Sort the texts of `value`; within a secret, `shortest` is what a text must have to count."""
    if isinstance(value, Secret):
        whole = isinstance(value.value, str)
        _collect(value.value, hidden, in_the_open, shortest=_SHORTEST if whole else _SHORTEST_INSIDE)
    elif isinstance(value, dict):
        for item in value.values():
            _collect(item, hidden, in_the_open, shortest=shortest)
    elif isinstance(value, list):
        for item in value:
            _collect(item, hidden, in_the_open, shortest=shortest)
    elif isinstance(value, str):
        text = value.strip()
        if not shortest:
            in_the_open.add(text)
        elif len(text) >= shortest and text.lower() not in _HARMLESS:
            hidden.add(text)
            hidden |= {line for line in text.splitlines() if len(line) > 20}


def masked(value: Value, *, show_secrets: bool = False) -> Any:
    """Copy `value` for showing: secrets as `[secret]`, or plain where asked for."""
    if isinstance(value, Secret):
        return masked(value.value, show_secrets=True) if show_secrets else HIDDEN
    if isinstance(value, dict):
        return {key: masked(item, show_secrets=show_secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, show_secrets=show_secrets) for item in value]
    return value
