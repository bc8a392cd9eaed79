"""Finds the cause in what a failed command printed: one line a person can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_EXCEPTION = re.compile(
    r"^(?:[a-zA-Z_][\w.]*\.)?([A-Z]\w*(?:Error|Exception|Exit|Configured|Missing\w*|DoesNotExist|NotFound|NotReady|Interrupt|Warning))(?::\s*(.*))?$"
)
_OWN = re.compile(r".*/releases/[^/]+/code/")
_BETWEEN = (
    "Traceback (most recent call last):",
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
_FRAME = re.compile(r'^\s*File "(?P<path>[^"]+)", line (?P<line>\d+)')


@dataclass(frozen=True)
class Diagnosis:
    """`cause` in one line, `next_step` where one is known."""

    cause: str
    next_step: str = ""


def relevant(lines: Sequence[str]) -> list[str]:
    """Lines of output, each told once, and of tracebacks the site's own frames and the exceptions only.

    A frame of the site's own code is `shop/settings.py:12: KEY = os.environ["STRIPE_KEY"]`.
    """
    return [*dict.fromkeys(_relevant(lines))]


def _relevant(lines: Sequence[str]) -> Iterator[str]:
    place, in_frame = "", False
    for line in lines:
        frame = _FRAME.match(line)
        if frame:
            in_frame = True
            own = _OWN.match(frame["path"])
            place = f"{frame['path'][own.end() :]}:{frame['line']}" if own else ""
        elif in_frame and line.startswith("    "):
            # The first line below a frame is its code; the others only underline it.
            if place:
                yield f"{place}: {line.strip()}"
            place = ""
        elif line.strip() in _BETWEEN or line.startswith("  [Previous line repeated"):
            continue
        else:
            in_frame = False
            if line.strip():
                yield line


def of_site(lines: Sequence[str], code: str) -> Diagnosis | None:
    """The exception that ended a Python program, and the last line below `code` that it came from."""
    where, cause, at = "", "", -1
    for number, line in enumerate(lines):
        frame = _FRAME.match(line)
        if frame and frame["path"].startswith(code):
            where = f"{frame['path'].removeprefix(code).lstrip('/')}:{frame['line']}"
        found = _EXCEPTION.match(line.strip())
        if found and not line.startswith(" " * 4):
            cause = f"{found.group(1)}: {found.group(2)}" if found.group(2) else found.group(1)
            at = number
            origin = where
    if at < 0:
        return None
    text = f"{cause} ({origin})" if origin else cause
    return Diagnosis(text[:300], _next_for(cause))


def of_install(lines: Sequence[str]) -> Diagnosis:
    """Why uv could not install a site's packages."""
    text = " ".join(line.strip(" ×╰─▶│├") for line in lines)
    if disk_is_full(lines):
        return Diagnosis("the disk is full", "free space on the host, or give it a larger droplet_size")
    missing = re.search(
        r"(?:Because |)([\w.\-\[\]]+) was not found in the (?:package registry|cache|provided)", text
    )
    if missing:
        return Diagnosis(
            f"the package '{missing.group(1)}' does not exist", "correct the site's requirements"
        )
    version = re.search(
        r"there (?:is|are) no versions? of ([\w.\-\[\]]+?(?:[=<>!~]=?\S+)?)(?: and|,| \W|$)", text
    )
    if version:
        return Diagnosis(
            f"there is no version of {version.group(1).rstrip(',.')}", "correct the site's requirements"
        )
    if re.search(r"Failed to (?:build|download and build)|build backend returned an error", text):
        name = re.search(r"Failed to (?:build|download and build) `?([\w.\-=@]+)", text)
        return Diagnosis(
            f"{name.group(1) if name else 'a package'} has no wheel for this Python and could not be built",
            "choose a version with wheels, or another python_version",
        )
    if re.search(r"dns error|Connect|timed out|Could not connect|error sending request", text):
        return Diagnosis(
            "the package index could not be reached", "check the host's way out, then run `make up` again"
        )
    because = re.search(r"Because (.{10,240}?)(?:,? we can conclude|\.\s|\.?$)", text)
    if because:
        return Diagnosis(
            f"the requirements cannot be met: {because.group(1)}", "correct the site's requirements"
        )
    last = next((line.strip(" ×╰─▶│├") for line in reversed(lines) if line.strip()), "no output")
    return Diagnosis(last[:240], "correct the site's requirements")


def python_needed(lines: Sequence[str]) -> str | None:
    """The Python (`>=3.12`) that a package needs, where uv says that the chosen one is none; else None."""
    text = " ".join(lines)
    if "does not satisfy Python" not in text and "Requires-Python" not in text:
        return None
    found = re.search(
        r"depends on Python\s*([<>=!~]=?\s*3[\d.]*(?:,\s*[<>=!~]+\s*3[\d.]*)*)", text
    ) or re.search(r"does not satisfy Python\s*([<>=!~]=?\s*3[\d.]*(?:,\s*[<>=!~]+\s*3[\d.]*)*)", text)
    return found.group(1).replace(" ", "") if found else None


def disk_is_full(lines: Sequence[str]) -> bool:
    return any("No space left on device" in line or "Disk quota exceeded" in line for line in lines)


def _next_for(cause: str) -> str:
    if cause.startswith("KeyError") or "environment variable" in cause.lower():
        return (
            "if it is an environment variable, set it in seatrial:environment or seatrial:environment_names"
        )
    module = re.search(r"No module named '([^']+)'", cause)
    if module:
        return f"add what provides '{module.group(1).split('.')[0]}' to the site's requirements"
    if cause.startswith("PermissionError") or "Read-only file system" in cause:
        return "a running site may write only below its shared folder: uploads, and what is set to go there"
    if "OperationalError" in cause and "connect" in cause:
        return "see whether the database runs: systemctl status postgresql"
    return "correct it in the site's repository, or seatrial:revision, and run `make up` again"
