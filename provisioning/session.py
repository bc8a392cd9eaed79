"""A command that runs on a host: what goes in, what comes out, how it ended."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import paramiko

_KEPT_LINES = 200
_SILENCE_SECONDS = 1800.0
"""More than any step of a release takes without a word."""


class ConnectionFailed(Exception):
    """A host can't be reached, is not the one it should be, or went away; in one line."""


@dataclass(frozen=True)
class Completed:
    """A command that ended: its exit status, and the last lines of its error output."""

    status: int
    errors: tuple[str, ...]


class Session:
    """One command over a connection that is open. Every method raises ConnectionFailed where that is lost."""

    def __init__(self, transport: paramiko.Transport, address: str, command: str) -> None:
        self._address = address
        try:
            self._channel = transport.open_session(timeout=15)
            self._channel.settimeout(_SILENCE_SECONDS)
            self._channel.exec_command(command)
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise self._lost(error) from None
        self._lines = _lines(self._channel.recv)
        self._errors: deque[str] = deque(maxlen=_KEPT_LINES)
        self._reader = threading.Thread(target=self._read_errors, daemon=True)
        self._reader.start()

    def send(self, pieces: Iterable[bytes], *, last: bool = False) -> None:
        """Write to the command's stdin, which ends there with `last`. A command that has ended says why."""
        try:
            for piece in pieces:
                self._channel.sendall(piece)
            if last:
                self._channel.shutdown_write()
        except TimeoutError:
            raise self._silent() from None
        except (OSError, EOFError):
            return

    def lines(self) -> Iterator[str]:
        """The lines of its output, as they come; whoever stops reading goes on there the next time."""
        try:
            yield from iter(lambda: next(self._lines, None), None)
        except TimeoutError:
            raise self._silent() from None
        except OSError as error:
            raise self._lost(error) from None

    def end(self) -> Completed:
        """Wait for its end."""
        try:
            status = self._channel.recv_exit_status()
        finally:
            self._channel.close()
        self._reader.join(timeout=5)
        if status == -1:
            raise self._lost(None)
        return Completed(status, tuple(self._errors))

    def _read_errors(self) -> None:
        try:
            self._errors.extend(_lines(self._channel.recv_stderr))
        except OSError:
            return

    def _lost(self, error: BaseException | None) -> ConnectionFailed:
        return ConnectionFailed(
            f"the SSH connection to {self._address} was lost" + (f" ({error})" if error else "")
        )

    def _silent(self) -> ConnectionFailed:
        return ConnectionFailed(f"{self._address}: no sign of life for {_SILENCE_SECONDS:.0f} s")


def _lines(receive: Callable[[int], bytes]) -> Iterator[str]:
    buffer = b""
    while piece := receive(65536):
        buffer += piece
        *whole, buffer = buffer.split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    if buffer:
        yield buffer.decode("utf-8", "replace")
