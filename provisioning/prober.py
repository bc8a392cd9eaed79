"""Steady requests to the site while it changes under them: the measure of a release that nobody notices."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_SLOW_SECONDS = 10.0
_WORKERS = 16


@dataclass(frozen=True)
class Target:
    """Where requests go: the address of the machine, and the name and path they ask for."""

    address: str
    host: str
    path: str
    scheme: str = "http"

    @property
    def port(self) -> int:
        return 443 if self.scheme == "https" else 80


@dataclass(frozen=True)
class Sample:
    """One request: when it was due (monotonic seconds), how long it took from then, how it ended."""

    due: float
    seconds: float
    failed: bool
    why: str = ""


def summary(samples: list[Sample]) -> dict[str, Any]:
    """Requests, how many a second, failures, p50 and p99, the longest time without a good answer (ms)."""
    ordered = sorted(sample.seconds for sample in samples if not sample.failed)
    good = sorted(sample.due + sample.seconds for sample in samples if not sample.failed)
    gaps = [later - earlier for earlier, later in pairwise(good)]
    failures = [sample.why for sample in samples if sample.failed]
    began, ended = min((s.due for s in samples), default=0.0), max((s.due for s in samples), default=0.0)
    return {
        "requests": len(samples),
        "per_second": round((len(samples) - 1) / (ended - began), 1) if ended > began else None,
        "failed": len(failures),
        "p50_ms": _percentile(ordered, 0.50),
        "p99_ms": _percentile(ordered, 0.99),
        "longest_gap_ms": round(1000 * max(gaps, default=0.0)),
        **({"first_failure": failures[0]} if failures else {}),
    }


def _percentile(ordered: list[float], part: float) -> float | None:
    if not ordered:
        return None
    return round(1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))], 1)


class Prober:
    """Asks `rate` times a second, every other worker over a connection it keeps, until it is stopped.

    A request is due at its time whether or not the one before was answered: a stall counts for all whom it
    would have kept waiting. Failed is: no answer within 10 s, or an answer of 500 and above.
    """

    def __init__(self, target: Target, rate: int) -> None:
        self._target = target
        self._rate = rate
        self._samples: list[Sample] = []
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to ask."""
        workers = min(_WORKERS, self._rate)
        began = time.monotonic()
        self._threads = [
            threading.Thread(target=self._work, args=(began, number, workers), daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> dict[str, Any]:
        """Ask no more; what came out (see `summary`)."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=_SLOW_SECONDS + 5)
        with self._guard:
            return summary(self._samples)

    def _work(self, began: float, number: int, workers: int) -> None:
        keep = number % 2 == 1
        connection: http.client.HTTPConnection | None = None
        turn = number
        while True:
            due = began + turn / self._rate
            turn += workers
            if self._stop.wait(max(0.0, due - time.monotonic())):
                break
            connection, why = _ask(self._target, connection, keep)
            sample = Sample(due, time.monotonic() - due, bool(why), why)
            with self._guard:
                self._samples.append(sample)
        if connection:
            connection.close()


def usual_seconds(target: Target, times: int = 5) -> float:
    """How long the site usually takes to answer: the median of a few requests, one after the other."""
    taken = []
    for _ in range(times):
        began = time.monotonic()
        ask(target)
        taken.append(time.monotonic() - began)
    return sorted(taken)[times // 2]


def ask(target: Target) -> tuple[int, str]:
    """One request: the status with the page's beginning, or 0 with the reason."""
    connection = _connection(target)
    try:
        connection.request("GET", target.path, headers={"Host": target.host, "User-Agent": "seatrial-smoke"})
        answer = connection.getresponse()
        return answer.status, answer.read(4000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, f"{type(error).__name__}: {error}"
    finally:
        connection.close()


def _ask(
    target: Target, connection: http.client.HTTPConnection | None, keep: bool
) -> tuple[http.client.HTTPConnection | None, str]:
    reused = connection is not None
    connection = connection or _connection(target)
    headers = {"Host": target.host, "User-Agent": "seatrial-probe"}
    if not keep:
        headers["Connection"] = "close"
    why = ""
    try:
        connection.request("GET", target.path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 500:
            why = f"status {answer.status}"
    except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
        connection.close()
        if reused:
            # A server may close a connection that it kept; any browser asks again on a new one.
            return _ask(target, None, keep)
        return None, f"{type(error).__name__}: {error}"
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return None, f"{type(error).__name__}: {error}"
    if not keep:
        connection.close()
        return None, why
    return connection, why


def _connection(target: Target) -> http.client.HTTPConnection:
    if target.scheme == "http":
        return http.client.HTTPConnection(target.address, target.port, timeout=_SLOW_SECONDS)
    return _NamedConnection(target)


class _NamedConnection(http.client.HTTPSConnection):
    """TLS to an address, with the site's name asked for and checked."""

    def __init__(self, target: Target) -> None:
        self._tls = ssl.create_default_context()
        super().__init__(target.address, target.port, timeout=_SLOW_SECONDS, context=self._tls)
        self._name = target.host.partition(":")[0]

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)
