"""The results as people and programs read them. Pure, but for the terminal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

FIRST, UNCHANGED = "first provisioning", "nothing to do"
CODE, GROWN = "code-only release", "a fourth app host"
WORKS = (FIRST, UNCHANGED, CODE, GROWN)

US, YARDSTICK = "seatrial", "ansible"
GOALS = {FIRST: 0.5, CODE: 0.25}
"""The part of the yardstick's time that is held to."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One work of one contestant: seconds of each round, and visitors' requests over all of them."""

    contestant: str
    work: str
    seconds: tuple[float, ...]
    requests: int = 0
    lost: int = 0
    first_loss: str = ""

    @property
    def median(self) -> float:
        """Seconds of the round in the middle."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        rounds = f" (of {', '.join(f'{s:.1f}' for s in self.seconds)})" if len(self.seconds) > 1 else ""
        loss = f", the first: {self.first_loss}" if self.lost else ""
        visitors = f"; {self.lost} of {self.requests} requests lost{loss}" if self.requests else ""
        return f"{self.contestant}: {self.work}: {self.median:.1f} s{rounds}{visitors}"


def ratio(results: Sequence[Result], contestant: str, work: str) -> float | None:
    """A contestant's time as a part of the yardstick's usual one; None where either is missing."""
    ours, theirs = _found(results, contestant, work), _found(results, YARDSTICK, _usual(work))
    return ours.median / theirs.median if ours and theirs and theirs.median else None


def rows(results: Sequence[Result]) -> list[list[str]]:
    """The table with its heading: for each work seconds with their ratio, and requests lost."""
    names = list(dict.fromkeys(result.contestant for result in results))
    works = sorted({result.work for result in results}, key=lambda work: (WORKS.index(_usual(work)), work))
    table = [["", *names]]
    for work in works:
        table.append([work, *(_time(results, name, work) for name in names)])
        if any(result.requests for result in results if result.work == work):
            table.append(["  requests lost", *(_loss(_found(results, name, work)) for name in names)])
    return table


def verdicts(results: Sequence[Result]) -> list[str]:
    """What was held to, and how it came out; nothing of what was not measured."""
    lines = []
    for work, goal in GOALS.items():
        found = ratio(results, US, work)
        if found is not None:
            held = "held" if found <= goal else "missed"
            lines.append(f"{work}: {found:.2f} of {YARDSTICK}'s time, to hold: {goal} - {held}")
    ours = [result for result in results if result.contestant == US and result.requests]
    if ours:
        lost = sum(result.lost for result in ours)
        asked = sum(result.requests for result in ours)
        lines.append(f"requests lost: {lost} of {asked}, to hold: 0 - {'missed' if lost else 'held'}")
    return lines


def terminal(results: Sequence[Result]) -> Table:
    """The table for a terminal."""
    heading, *lines = rows(results)
    table = Table(title=f"seconds (and their ratio to {YARDSTICK}'s)", title_justify="left")
    for number, name in enumerate(heading):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    for line in lines:
        table.add_row(*line)
    return table


def markdown(results: Sequence[Result]) -> str:
    """The table, and the verdicts below it."""
    heading, *lines = rows(results)
    text = [_line(heading), _line(["---", *["---:"] * (len(heading) - 1)]), *map(_line, lines), ""]
    return "\n".join([*text, *(f"- {verdict}" for verdict in verdicts(results)), ""])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.strip() for cell in cells)} |"


def _usual(work: str) -> str:
    return work.partition(",")[0]


def _found(results: Sequence[Result], contestant: str, work: str) -> Result | None:
    return next((r for r in results if r.contestant == contestant and r.work == work), None)


def _time(results: Sequence[Result], contestant: str, work: str) -> str:
    result, part = _found(results, contestant, work), ratio(results, contestant, work)
    if result is None:
        return "-"
    return f"{result.median:.1f}" + (f" ({part:.2f})" if part is not None else "")


def _loss(result: Result | None) -> str:
    return f"{result.lost} of {result.requests}" if result else "-"
