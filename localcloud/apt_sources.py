"""This machine's Debian archives, for a droplet of another Debian release."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CODENAMES = ("buster", "bullseye", "bookworm", "trixie", "forky", "sid", "stable", "testing", "unstable")
_POCKETS = ("", "-updates", "-security")


@dataclass(frozen=True)
class Source:
    """One archive with one suite, as apt reads it."""

    uri: str
    suite: str
    components: tuple[str, ...]


def read_sources(etc_apt: Path = Path("/etc/apt")) -> list[Source]:
    """Every active binary source of this machine, in the order apt reads them."""
    directory = etc_apt / "sources.list.d"
    found: list[Source] = []
    for path in [etc_apt / "sources.list", *sorted(directory.glob("*"))]:
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        found += parse_deb822(text) if path.suffix == ".sources" else []
        found += parse_list(text) if path.suffix == ".list" else []
    return found


def parse_list(text: str) -> Iterator[Source]:
    """The sources of a `sources.list`: one a line."""
    for line in text.splitlines():
        match = re.match(r"^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)((?:\s+[^\s#]+)*)", line)
        if match:
            yield Source(match[1], match[2], tuple(match[3].split()))


def parse_deb822(text: str) -> Iterator[Source]:
    """The sources of a `.sources` file: stanzas of fields, whose values may go on in the next line."""
    without_comments = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", without_comments):
        fields: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if line[:1] in (" ", "\t"):
                fields[key] = f"{fields.get(key, '')} {line.strip()}"
            else:
                key, _, value = line.partition(":")
                key = key.strip().lower()
                fields[key] = value.strip()
        if fields.get("enabled", "yes").lower() == "no" or "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, tuple(fields.get("components", "").split()))


def for_release(
    sources: Iterable[Source], codename: str, serves: Callable[[str, str], bool]
) -> tuple[str, ...]:
    """`deb` lines for the Debian release `codename` from the archives that `serves(uri, suite)` says have it.

    Only main is taken, and only a Debian archive's own pockets. Empty where the release itself is not
    to be had from them: then the tools' defaults are the better choice.
    """
    lines: list[str] = []
    main = False
    for source in sources:
        base, pocket = split_suite(source.suite)
        if base is None or "main" not in source.components:
            continue
        suite = f"{codename}{pocket}"
        line = f"deb {source.uri} {suite} main"
        if line in lines or not serves(source.uri, suite):
            continue
        lines.append(line)
        main = main or pocket == ""
    return tuple(lines) if main else ()


def split_suite(suite: str) -> tuple[str | None, str]:
    """A Debian suite's release and pocket, as ("bookworm", "-updates"); (None, "") for any other suite."""
    for pocket in sorted(_POCKETS, key=len, reverse=True):
        base = suite.removesuffix(pocket) if pocket else suite
        if suite.endswith(pocket) and base in CODENAMES:
            return base, pocket
    return None, ""


def serves(uri: str, suite: str) -> bool:
    """Whether the archive at `uri` has the suite. Anything but http and https is left to apt: no."""
    if not uri.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/dists/{suite}/InRelease", timeout=15) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
