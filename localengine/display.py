"""Showing a run: plain lines where there is no terminal, live rows where there is one."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from localengine import render
from localengine.events import Severity, Step, Tally
from localengine.redact import Redactor
from localengine.urn import is_default_provider, is_provider, name_of
from localengine.values import Properties

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live as RichLive


_REMEMBERED_LINES = 100
"""As many lines of a resource's progress are known again in its error."""


def _seconds(elapsed: float) -> str:
    return f"{int(elapsed // 60)}m{int(elapsed % 60):02}s" if elapsed >= 60 else f"{int(elapsed)}s"


class Display:
    """The plain form: one line for each thing that begins, ends or is said. Also the base of the live one."""

    def __init__(
        self, redact: Redactor, *, preview: bool, diff: bool = False, out: TextIO | None = None
    ) -> None:
        """`preview` and `diff` say whether nothing is done, and whether values are shown."""
        self._redact = redact
        self._preview = preview
        self._diff = diff
        self._out = out or sys.stdout
        self._lock = threading.RLock()
        self._began: dict[str, float] = {}
        self._steps: dict[str, Step] = {}
        self._shown: dict[str, deque[str]] = {}
        self.after: Properties | None = None
        """The stack's outputs, once the program has said them."""

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *exception: object) -> None:
        self._out.flush()

    def _print(self, text: str, color: str = "") -> None:  # noqa: ARG002 - for the live form
        with self._lock:
            try:
                print(text, file=self._out, flush=True)
            except BrokenPipeError:
                # Whoever read along has gone; the run goes on.
                self._out = io.StringIO()

    def say(self, text: str = "", color: str = "") -> None:
        """Show one line, secrets hidden."""
        self._print(self._redact(text), color)

    def _label(self, step: Step) -> str:
        return f"{render.short_type(step.urn)} {name_of(step.urn)}"

    def planned(self, step: Step) -> None:
        """Remember what will be done, for the table."""
        with self._lock:
            self._steps[step.urn] = step

    def started(self, step: Step) -> None:
        """Show that work begins."""
        with self._lock:
            self._began[step.urn] = time.monotonic()
        self._started(step)

    def _started(self, step: Step) -> None:
        self.say(f" {render.sign(step):<2} {self._label(step)} {render.doing(step)}", render.COLOR[step.op])

    def finished(self, step: Step) -> None:
        """Show that work is done, and how long it took where that is worth knowing."""
        elapsed = self._elapsed(step.urn)
        took = f" ({_seconds(elapsed)})" if elapsed >= 1 else ""
        self.say(
            f" {render.sign(step):<2} {self._label(step)} {render.done(step)}{took}", render.COLOR[step.op]
        )

    def _elapsed(self, urn: str) -> float:
        with self._lock:
            return time.monotonic() - self._began.pop(urn, time.monotonic())

    def failed(self, step: Step, message: str) -> None:
        """Show what went wrong."""
        self._elapsed(step.urn)
        first, *said = message.strip().splitlines() or ["no reason given"]
        shown = self._shown.pop(step.urn, ())
        rest = [line for line in said if line.strip() not in shown]
        if said and not rest:
            # All of it stands right above; its last line is what matters most.
            first = f"{first}: {said[-1].strip()}"
        self.say(f"error: {self._label(step)}: {render.doing(step)} failed: {first}", "red")
        for line in rest:
            self.say(f"    {line}", "red")

    def line(self, urn: str, line: str) -> None:
        """Show a line of progress, and remember the last ones: an error need not repeat them."""
        with self._lock:
            self._shown.setdefault(urn, deque(maxlen=_REMEMBERED_LINES)).append(line.strip())
        self.say(f"    {name_of(urn)}: {line.rstrip()}")

    def message(self, severity: Severity, text: str, urn: str = "") -> None:
        """Show something said by the program or the engine."""
        color = {"info": "", "warning": "yellow", "error": "red"}[severity]
        about = f"{name_of(urn)}: " if urn and not _is_stack(urn) else ""
        prefix = "" if severity == "info" else f"{severity}: "
        for line in text.rstrip().splitlines():
            self.say(f"{prefix}{about}{line}", color)

    def outputs(self, outputs: Properties) -> None:
        """Remember the outputs for the summary."""
        self.after = outputs

    def table(self) -> None:
        """Show what was planned, as a tree; unchanged resources only where something below them changes."""
        steps = [step for step in self._steps.values() if not is_default_provider(step.urn)]
        visible = {step.urn for step in steps if step.op != "same"}
        rows = render.tree(steps, visible)
        if not visible:
            return
        cells = [
            (
                render.sign(step),
                f"{branch}{render.short_type(step.urn)}",
                render.row_name(step),
                "" if step.op == "same" else step.op,
                render.info(step),
                step,
            )
            for branch, step in rows
        ]
        wide = max(len("Type"), *(len(cell[1]) for cell in cells))
        long = max(len("Name"), *(len(cell[2]) for cell in cells))
        self.say(f"     {'Type':<{wide}}  {'Name':<{long}}  {'Plan':<8} Info".rstrip(), "bold")
        for mark, type, name, plan, why, step in cells:
            self.say(
                f" {mark:<3} {type:<{wide}}  {name:<{long}}  {plan:<8} {why}".rstrip(), render.COLOR[step.op]
            )
            if self._diff and step.op not in ("same", "read") and not is_provider(step.resource.type):
                for line in render.detail(step):
                    self.say(f"         {line}")
        self.say()

    def summary(
        self,
        tally: Tally,
        before: Properties,
        seconds: float,
        *,
        show_outputs: bool = True,
        failed: bool = False,
    ) -> None:
        """Show outputs, sums and the time it took; after a failure only outputs that changed."""
        lines = render.outputs(self.after, before) if show_outputs and self.after is not None else []
        if self._preview or failed:
            lines = [line for line in lines if not line.startswith(" ")]
        if lines:
            self.say("Outputs:")
            for line in lines:
                self.say(f"  {line}")
            self.say()
        self.say("Resources:")
        for line in render.counts(tally, preview=self._preview):
            self.say(f"    {line}")
        if not self._preview:
            self.say()
            self.say(f"Duration: {_seconds(seconds)}")


def _is_stack(urn: str) -> bool:
    return "::pulumi:pulumi:Stack::" in urn


class LiveDisplay(Display):
    """The form for terminals: below what is done, one row for each resource under way."""

    def __init__(self, redact: Redactor, console: Console, *, preview: bool, diff: bool = False) -> None:
        super().__init__(redact, preview=preview, diff=diff)
        self._console = console
        self._running: dict[str, Step] = {}
        self._last: dict[str, str] = {}
        self._live: RichLive | None = None

    def __enter__(self) -> LiveDisplay:
        from rich.live import Live

        self._live = Live(
            console=self._console,
            get_renderable=self._rows,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
        )
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _rows(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        with self._lock:
            rows = []
            for urn, step in self._running.items():
                elapsed = _seconds(time.monotonic() - self._began.get(urn, time.monotonic()))
                head = f" {render.sign(step):<2} {self._label(step)} {render.doing(step)} {elapsed:>4}"
                row = Text(head, style=render.COLOR[step.op], no_wrap=True, overflow="ellipsis")
                if self._last.get(urn):
                    row.append(f"  {self._last[urn]}", style="dim")
                rows.append(row)
        return Group(*rows)

    def _print(self, text: str, color: str = "") -> None:
        self._console.print(text, style=color or None, markup=False, highlight=False, soft_wrap=True)

    def _started(self, step: Step) -> None:
        with self._lock:
            self._running[step.urn] = step

    def _ended(self, urn: str) -> None:
        with self._lock:
            self._running.pop(urn, None)
            self._last.pop(urn, None)

    def finished(self, step: Step) -> None:
        """Turn the row into a line above."""
        self._ended(step.urn)
        super().finished(step)

    def failed(self, step: Step, message: str) -> None:
        """Turn the row into an error above."""
        self._ended(step.urn)
        super().failed(step, message)

    def line(self, urn: str, line: str) -> None:
        """Show the last line in the resource's row."""
        with self._lock:
            if urn in self._running:
                self._last[urn] = self._redact(line.strip())
                return
        super().line(urn, line)


class Silent(Display):
    """Shows what goes wrong only, and remembers the rest: for JSON output and for looks ahead."""

    def __init__(self, redact: Redactor, *, preview: bool, out: TextIO | None = None) -> None:
        super().__init__(redact, preview=preview, out=out)
        self.steps: list[Step] = []
        self.diagnostics: list[dict[str, str]] = []

    def planned(self, step: Step) -> None:
        """Remember it."""
        super().planned(step)
        with self._lock:
            self.steps.append(step)

    def started(self, step: Step) -> None:
        """Not shown."""

    def finished(self, step: Step) -> None:
        """Not shown."""

    def failed(self, step: Step, message: str) -> None:
        """Remember and show it."""
        self._note("error", message, step.urn)
        super().failed(step, message)

    def line(self, urn: str, line: str) -> None:
        """Not shown."""

    def message(self, severity: Severity, text: str, urn: str = "") -> None:
        """Remember it; errors are shown."""
        self._note(severity, text, urn)
        if severity == "error":
            super().message(severity, text, urn)

    def _note(self, severity: Severity, text: str, urn: str) -> None:
        with self._lock:
            note = {"urn": urn} if urn else {}
            self.diagnostics.append({**note, "message": self._redact(text), "severity": severity})


def choose(redact: Redactor, *, preview: bool, diff: bool, json: bool, interactive: bool) -> Display:
    """Return the display that suits where the output goes."""
    if json:
        return Silent(redact, preview=preview, out=sys.stderr)
    if interactive and sys.stdout.isatty():
        from rich.console import Console

        # The file is named because programs' own output is redirected, to this very display.
        return LiveDisplay(redact, Console(file=sys.stdout), preview=preview, diff=diff)
    return Display(redact, preview=preview, diff=diff)


def step_names(steps: Iterable[Step]) -> list[str]:
    """The names of the resources of `steps`."""
    return [name_of(step.urn) for step in steps]
