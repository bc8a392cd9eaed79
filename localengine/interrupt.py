"""ctrl-C: once lets what runs finish and begins nothing new; twice ends the process at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

EXIT_CODE = 130


class Interrupts:
    """Handles SIGINT and SIGTERM while a run is under way."""

    def __init__(self) -> None:
        self.cancel = threading.Event()
        self._lock_file: Path | None = None

    def hold(self, lock_file: Path) -> None:
        """Remember the stack's lock, to be released even where the process ends at once."""
        self._lock_file = lock_file

    @contextlib.contextmanager
    def handled(self, tell: Callable[[str], None]) -> Iterator[None]:
        """Handle the signals within; `tell` shows what happens."""

        def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
            if self.cancel.is_set():
                if self._lock_file is not None:
                    self._lock_file.unlink(missing_ok=True)
                os.write(2, b"\nstopped at once: what was under way is noted in the state\n")
                os._exit(EXIT_CODE)
            self.cancel.set()
            # From a thread of its own: the interrupted code may hold the display's locks.
            message = "interrupted: what runs is let finish, nothing new begins (again: stop at once)"
            threading.Thread(target=tell, args=(message,), daemon=True).start()

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        former: dict[int, Any] = {
            number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
