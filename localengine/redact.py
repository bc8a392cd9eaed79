"""Keeping secrets out of everything that is shown."""

from __future__ import annotations

import threading
from typing import Any

from localengine.values import Secret, Value

_SHORTEST = 3
_HARMLESS = {"true", "false", "null", "none"}
HIDDEN = "[secret]"


class Redactor:
    """Knows the secrets met so far and takes them out of texts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._ordered: list[str] = []

    def learn(self, value: Value, *, secret: bool = False) -> None:
        """Remember every text within the secrets of `value` (or in all of it, where it is `secret`)."""
        if isinstance(value, Secret):
            self.learn(value.value, secret=True)
        elif isinstance(value, dict):
            for item in value.values():
                self.learn(item, secret=secret)
        elif isinstance(value, list):
            for item in value:
                self.learn(item, secret=secret)
        elif secret and isinstance(value, str):
            self._add(value)
            if "\n" in value:
                for line in value.splitlines():
                    if len(line) > 20:
                        self._add(line)

    def _add(self, text: str) -> None:
        text = text.strip()
        if len(text) < _SHORTEST or text.lower() in _HARMLESS or text in self._known:
            return
        with self._lock:
            self._known.add(text)
            # Longest first: one secret may be part of another.
            self._ordered = sorted(self._known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` with every known secret hidden."""
        for known in self._ordered:
            if known in text:
                text = text.replace(known, HIDDEN)
        return text


def masked(value: Value, *, show_secrets: bool = False) -> Any:
    """Copy `value` for showing: secrets as `[secret]`, or plain where asked for."""
    if isinstance(value, Secret):
        return masked(value.value, show_secrets=True) if show_secrets else HIDDEN
    if isinstance(value, dict):
        return {key: masked(item, show_secrets=show_secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, show_secrets=show_secrets) for item in value]
    return value
