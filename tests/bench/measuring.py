"""The course that every contestant runs, with visitors at the edge all along."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from provisioning.prober import Prober, ask
from tests.bench.contestant import Contestant
from tests.bench.fleet import serving
from tests.bench.site import Site
from tests.bench.table import CODE, FIRST, GROWN, UNCHANGED, Result

RATE = 50
"""Requests a second of the visitors, half of them over connections that they keep."""
_ASKED = 24
"""How often the edge is asked, over new connections, whether every host serves the new code."""
_AROUND_SECONDS = 1.0
_SETTLE_SECONDS = 30.0


class NotDone(Exception):
    """A contestant's command went well, but what it was to do was not done."""


@dataclass
class Timed:
    """One work as it was measured; filled in when its block ends."""

    seconds: float = 0.0
    requests: int = 0
    lost: int = 0
    first_loss: str = ""


def run(contestant: Contestant, site: Site, rounds: int, say: Callable[[str], None]) -> Iterator[Result]:
    """All works, one after the other; each as it is done.

    Raises CommandFailed, and NotDone where the site is not as the contestant says.
    """

    def measured(work: str, times: list[Timed]) -> Result:
        result = Result(
            contestant=contestant.name,
            work=work,
            seconds=tuple(timed.seconds for timed in times),
            requests=sum(timed.requests for timed in times),
            lost=sum(timed.lost for timed in times),
            first_loss=next((timed.first_loss for timed in times if timed.lost), ""),
        )
        say(str(result))
        return result

    before = time.monotonic()
    contestant.prepare()
    say(f"{contestant.name}: hosts are ready after {time.monotonic() - before:.1f} s")

    began = time.monotonic()
    contestant.provision()
    first = Timed(time.monotonic() - began)
    _all_serve(contestant, 3, "")
    yield measured(FIRST, [first])

    times = []
    for _ in range(rounds):
        with _visited(contestant) as timed:
            said = contestant.again()
        if not contestant.is_unchanged(said):
            raise NotDone("a second run changed something")
        times.append(timed)
    yield measured(UNCHANGED, times)

    for way in contestant.releases():
        times = []
        for number in range(rounds):
            mark = site.edit(f"edition {number} {way}".strip())
            with _visited(contestant) as timed:
                contestant.release(way)
            _all_serve(contestant, 3, mark)
            times.append(timed)
        yield measured(f"{CODE}, {way}" if way else CODE, times)

    with _visited(contestant) as timed:
        contestant.grow()
    _all_serve(contestant, 4, mark)
    yield measured(GROWN, [timed])


@contextmanager
def _visited(contestant: Contestant) -> Iterator[Timed]:
    """Time the block, with visitors from before it to after it."""
    prober, timed = Prober(contestant.target, RATE), Timed()
    prober.start()
    try:
        time.sleep(_AROUND_SECONDS)
        began = time.monotonic()
        yield timed
        timed.seconds = time.monotonic() - began
        time.sleep(_AROUND_SECONDS)
    finally:
        found = prober.stop()
    timed.requests, timed.lost = found["requests"], found["failed"]
    timed.first_loss = found.get("first_failure", "")


def _all_serve(contestant: Contestant, hosts: int, mark: str) -> None:
    """That so many app hosts serve, and every page has `mark` in it."""
    target, deadline = contestant.target, time.monotonic() + _SETTLE_SECONDS
    while (found := serving(contestant.cloud, target.address)) != hosts:
        if time.monotonic() > deadline:
            raise NotDone(f"{found} app hosts serve where {hosts} should")
        time.sleep(0.5)
    for _ in range(_ASKED):
        status, page = ask(target)
        if status != 200 or mark not in page:
            raise NotDone(f"the site answers {status}" + (f", without {mark}" if mark else ""))
