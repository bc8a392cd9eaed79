"""Output of a running command: kept whole, and shown line by line while it comes."""

from __future__ import annotations

import codecs
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from localengine.provider import ProviderError

Stream: TypeAlias = Literal["stdout", "stderr"]

LAST_LINES = 30
"""As many lines of output as an error quotes."""
SHOWN_LONGEST = 500
"""Longer lines are cut where they are shown; the outputs keep them whole."""
ENVIRONMENT_LONGEST = 100_000
"""A longer output of the run before is not put into the environment: no program could be started with it."""


@dataclass
class Output:
    """What a command says. Streams named in `shown` go to `log`, line by line."""

    log: Callable[[str], None]
    shown: frozenset[str]
    _kept: dict[Stream, list[str]] = field(default_factory=lambda: {"stdout": [], "stderr": []})
    _both: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pump(self, stream: Stream, read: Callable[[], bytes]) -> None:
        """Take in everything that `read` gives, until it gives nothing."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        rest = ""
        while data := read():
            text = decoder.decode(data)
            with self._lock:
                self._kept[stream].append(text)
                self._both.append(text)
            *lines, rest = (rest + text).split("\n")
            self._show(stream, lines)
        self._show(stream, [rest] if rest else [])

    def text(self, stream: Stream) -> str:
        """All of a stream, without its last line end."""
        return "".join(self._kept[stream]).removesuffix("\n")

    def tail(self) -> str:
        """The last lines of both streams, as they came."""
        return "\n".join("".join(self._both).rstrip().split("\n")[-LAST_LINES:])

    def _show(self, stream: Stream, lines: list[str]) -> None:
        if stream in self.shown:
            for line in lines:
                self.log(line.rstrip("\r")[:SHOWN_LONGEST])


def shown_streams(inputs: Mapping[str, Any]) -> frozenset[str]:
    """The streams that the input `logging` wants to see."""
    logging = inputs.get("logging", "stdoutAndStderr")
    both = frozenset({"stdout", "stderr"})
    return both if logging == "stdoutAndStderr" else both & {logging}


def previous_environment(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, str]:
    """The variables that tell a command what the run before said, where that is wanted and fits."""
    if inputs.get("addPreviousOutputInEnv") is False:
        return {}
    values = {"PULUMI_COMMAND_STDOUT": outputs.get("stdout"), "PULUMI_COMMAND_STDERR": outputs.get("stderr")}
    return {name: text for name, text in values.items() if text and len(text) <= ENVIRONMENT_LONGEST}


def failure(what: str, output: Output) -> ProviderError:
    """The error of a command that did not succeed: what happened, and the end of what it said."""
    tail = output.tail()
    return ProviderError(f"{what}\n{tail}" if tail else f"{what}; it said nothing")
