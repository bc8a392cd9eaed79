"""Requests to an edge the way visitors send them, and what became of them."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.roles.content import NAME


@dataclass(frozen=True)
class Answer:
    """`server` is the app host that answered; empty where it was the edge itself."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def server(self) -> str:
        return str(json.loads(self.body)["server"]) if self.body.startswith("{") else ""

    @property
    def received(self) -> dict[str, str]:
        """The headers that reached the app host, their names in lower case."""
        return {name.lower(): value for name, value in json.loads(self.body)["headers"].items()}


def ask(
    address: str,
    path: str = "/",
    *,
    method: str = "GET",
    host: str = NAME,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request over a connection of its own. Raises OSError or HTTPException where there is no answer."""
    connection = http.client.HTTPConnection(address, 80, timeout=30)
    try:
        body = b"x=1" if method == "POST" else None
        connection.request(method, path, body=body, headers={"Host": host, **(headers or {})})
        response = connection.getresponse()
        lower = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, lower, response.read().decode())
    finally:
        connection.close()


@dataclass
class Tally:
    """What visitors got: how many answers from each host, and everything that was no good answer."""

    servers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


@contextmanager
def visitors(address: str) -> Iterator[Tally]:
    """Visitors who ask without a pause while the block runs: GET and POST, each twice."""
    tally, over = Tally(), threading.Event()

    def visit(method: str) -> None:
        while not over.wait(0.01):
            try:
                answer = ask(address, method=method)
            except (OSError, http.client.HTTPException) as error:
                tally.failures.append(f"{method}: {error!r}")
                continue
            if answer.status == 200:
                tally.servers[answer.server] += 1
            else:
                tally.failures.append(f"{method}: {answer.status}")

    threads = [threading.Thread(target=visit, args=(method,)) for method in ("GET", "POST") * 2]
    for thread in threads:
        thread.start()
    try:
        yield tally
    finally:
        over.set()
        for thread in threads:
            thread.join()
