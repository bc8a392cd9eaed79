"""What an operator reads at the end: what serves now, where, and the one next command."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table
from rich.text import Text


def facts(outputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The summary's lines, as (label, text) pairs, out of a stack's outputs."""
    release = outputs.get("release") or {}
    previous = outputs.get("previous_release") or {}
    rollout = outputs.get("rollout") or {}
    probe = rollout.get("probe") or {}
    lines = [("site", str(outputs.get("site_url", "")))]
    if release:
        lines.append(("release", f"{release.get('id', '')}  commit {str(release.get('revision', ''))[:12]}"))
    if previous:
        lines.append(("previous", f"{previous.get('id', '')}"))
    for name, host in sorted((outputs.get("hosts") or {}).items(), key=lambda named: by_number(named[0])):
        lines.append(("host", f"{name}  {host.get('public_address')}  {' '.join(host.get('roles', []))}"))
    if probe:
        failed = f"{probe.get('failed')} of {probe.get('requests')} requests failed"
        lines.append(("last rollout", f"{failed}, p99 {probe.get('p99_ms')} ms"))
    return lines


def by_number(host: str) -> tuple[str, int]:
    """What sorts hosts by their names: `app-10` after `app-9`."""
    group, _, number = host.rpartition("-")
    return (group, int(number)) if number.isdigit() else (host, 0)


def show(outputs: Mapping[str, Any], *, next_command: str, opens: str) -> None:
    """Print the summary: a table on a terminal, plain lines elsewhere.

    `opens` says what a request to the URL from this machine gave.
    """
    console = Console(highlight=False, soft_wrap=True)
    table = Table.grid(padding=(0, 2))
    for label, text in [*facts(outputs), ("answers", opens), ("next", next_command)]:
        table.add_row(Text(label, style="dim"), Text(text, style="bold" if label == "site" else ""))
    console.print()
    console.print(table)


def ask(url: str, *, through: str = "") -> tuple[bool, str]:
    """GET a URL; whether it was answered below 400, and how, in a few words.

    `through` is the address to connect to where this machine's own resolver does not know the name (names
    under `.localhost`, which browsers and curl take to loopback themselves).
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    port = parts.port or (443 if secure else 80)
    connection = connect(through or parts.hostname or "", port, timeout=10)
    try:
        connection.request("GET", parts.path or "/", headers={"Host": parts.netloc})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return False, f"no answer from {url}: {error}"
    finally:
        connection.close()
    return answer.status < 400, f"{answer.status} {answer.reason}"


def wait(url: str, *, through: str = "", patience: float = 20) -> tuple[bool, str]:
    """Ask until the answer is good, or is the site's own, for at most `patience` seconds; the last answer."""
    deadline = time.monotonic() + patience
    while True:
        good, opens = ask(url, through=through)
        passing = opens.startswith(("no answer", "502", "503", "504"))
        if good or not passing or time.monotonic() > deadline:
            return good, opens
        time.sleep(0.5)
