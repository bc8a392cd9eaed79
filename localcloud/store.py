"""The state on disk: read once, changed in transactions, written whole and atomically after each."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from localcloud.state import State


class StateUnreadable(Exception):
    """The saved state is damaged or of another version; the message says what to do."""


class Store:
    """The one holder of the state. Safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        """Open the state saved at `path`, or begin an empty one. Raises StateUnreadable."""
        self._path = path
        self._lock = threading.RLock()
        self._saved = path.read_text("utf-8") if path.exists() else State().model_dump_json()
        try:
            self._state = State.model_validate_json(self._saved)
        except ValidationError as error:
            raise StateUnreadable(
                f"the state in {path} cannot be read ({error.error_count()} errors); "
                "`python -m localcloud reset` starts anew"
            ) from error

    @contextmanager
    def read(self) -> Iterator[State]:
        """The state, unchanging while in use. Nothing in it may be changed."""
        with self._lock:
            yield self._state

    @contextmanager
    def change(self) -> Iterator[State]:
        """The state, to be changed: saved at the end, and as it was before when anything is raised."""
        with self._lock:
            try:
                yield self._state
                self._save()
            except BaseException:
                self._state = State.model_validate_json(self._saved)
                raise

    def _save(self) -> None:
        text = self._state.model_dump_json()
        if text == self._saved and self._path.exists():
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._saved = text
