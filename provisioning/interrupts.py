"""What must come to its end, whoever presses Ctrl-C once more."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def uninterrupted(say: Callable[[str], None]) -> Iterator[None]:
    """Neither SIGINT nor SIGTERM ends what is inside; each is answered with a line."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def answer(_: int, __: FrameType | None) -> None:
        say("  wait: the hosts are being put back")

    before = {number: signal.signal(number, answer) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
