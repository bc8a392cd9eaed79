"""Asks a site a real question, the way a visitor's request arrives: its own Host header and scheme."""

from __future__ import annotations

import re
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

_TIMEOUT = 5.0
_REDIRECTS = {301, 302, 303, 307, 308}
_BELIEVED_AFTER = 5.0
"""Seconds after which a site that answers 5xx is taken at its word: it is up, and broken."""


@dataclass(frozen=True)
class Answer:
    """What came back: `status` 0 with the reason in `text` where nothing did."""

    status: int
    text: str
    milliseconds: float
    loops: bool = False
    """Whether it is a redirect to the very page that was asked for."""

    @property
    def is_healthy(self) -> bool:
        return 200 <= self.status < 400 and not self.loops


def ask(
    where: Path | tuple[str, int], *, host: str, scheme: str, path: str, timeout: float = _TIMEOUT
) -> Answer:
    """One GET, over a unix socket or to an address."""
    import http.client  # takes a third of what a host's program takes to start, and most verbs ask nothing

    began = time.monotonic()
    address, port = ("localhost", 80) if isinstance(where, Path) else where
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    headers = {
        "Host": host,
        "X-Forwarded-Proto": scheme,
        "User-Agent": "seatrial-health",
        "Connection": "close",
    }
    try:
        if isinstance(where, Path):
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(timeout)
            connection.sock.connect(str(where))
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read(4000).decode("utf-8", "replace")
        spent = (time.monotonic() - began) * 1000
        asked = f"{scheme}://{host}{path}"
        loops = response.status in _REDIRECTS and urljoin(asked, response.headers["Location"] or "") == asked
        return Answer(response.status, body, spent, loops)
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, f"{type(error).__name__}: {error}", (time.monotonic() - began) * 1000)
    finally:
        connection.close()


def wait(
    where: Path | tuple[str, int],
    *,
    host: str,
    scheme: str,
    path: str,
    patience: float = 30.0,
    pause: float = 0.25,
) -> Answer:
    """Ask until the answer is healthy, for at most `patience` seconds; returns the last answer.

    Answers that are not healthy are the site's own: a 4xx is believed the third time, a 5xx after 5 s.
    """
    began = time.monotonic()
    answered = 0
    while True:
        answer = ask(where, host=host, scheme=scheme, path=path)
        answered += answer.status >= 400 or answer.loops
        believed = answered >= 3 and (answer.status < 500 or time.monotonic() - began > _BELIEVED_AFTER)
        if answer.is_healthy or believed or time.monotonic() - began > patience:
            return answer
        time.sleep(pause)


def warm_up(where: Path, *, host: str, scheme: str, path: str, requests: int = 8) -> None:
    """Ask a few times at once, so that no visitor gets a worker's first and slowest answer."""
    question = {"host": host, "scheme": scheme, "path": path}
    asking = [threading.Thread(target=ask, args=[where], kwargs=question) for _ in range(requests)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()


def explain(answer: Answer, path: str, host: str) -> tuple[str, str]:
    """What is wrong with an unhealthy answer, and what helps."""
    if answer.status == 0:
        if "timed out" in answer.text:
            return (
                f"GET {path} with Host {host} had no answer after {_TIMEOUT:.0f} s",
                "correct it in the site's repository, or set seatrial:health_path to a page that is quick",
            )
        return f"GET {path} got no answer ({answer.text})", "see the log lines above"
    if answer.loops:
        return (
            f"GET {path} with Host {host} redirects to itself ({answer.status})",
            "correct the redirect in the site's repository, or set seatrial:health_path to another page",
        )
    title = re.search(r"<title>\s*(.*?)\s*</title>", answer.text, re.DOTALL | re.IGNORECASE)
    words = title.group(1) if title else answer.text.strip().splitlines()[0] if answer.text.strip() else ""
    cause = f"GET {path} with Host {host} answered {answer.status}" + (f" ({words[:80]})" if words else "")
    if answer.status == 404:
        return cause, "set seatrial:health_path to a page that the site has"
    if answer.status == 400:
        return (
            cause,
            f"the site refuses this Host: a middleware of its own may know other names than {host}",
        )
    if answer.status in {401, 403}:
        return cause, "set seatrial:health_path to a page that needs no login"
    return cause, "correct it in the site's repository, or seatrial:revision, and run `make up` again"
