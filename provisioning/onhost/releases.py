"""The releases on a host: which are there, which is live, which may go."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from .layout import SLOTS, Layout

_SCARCE_BYTES = 1_500_000_000
_SERVED = ".served"


def built(layout: Layout) -> list[dict[str, Any]]:
    """Every release that was built to its end, oldest first: id, commit, subject, build_key."""
    found = []
    for path in sorted(layout.releases.glob("*/built.json")):
        try:
            found.append(json.loads(path.read_text()))
        except json.JSONDecodeError:
            continue
    return found


def facts(layout: Layout, release_id: str) -> dict[str, Any] | None:
    """What is known of one built release; None where it is not here."""
    return next((known for known in built(layout) if known["id"] == release_id), None)


def linked(path: Path) -> str | None:
    """The name of the release that a link (`current`, `<slot>.release`) points to, or None."""
    try:
        return path.readlink().name
    except OSError:
        return None


def live_slot(layout: Layout) -> str | None:
    """The slot that nginx talks to; None before the first release."""
    try:
        target = layout.live_socket.readlink()
    except OSError:
        return None
    return next((slot for slot in SLOTS if target.parent.name == f"{layout.site}-{slot}"), None)


def live(layout: Layout) -> dict[str, Any] | None:
    """The slot that serves with its release, commit and configuration; None before the first release."""
    slot = live_slot(layout)
    release_id = linked(layout.slots / f"{slot}.release") if slot else None
    known = facts(layout, release_id) if release_id else None
    if slot is None or known is None:
        return None
    return {**known, "slot": slot, "configuration": started(layout, slot).get("configuration", "")}


def started(layout: Layout, slot: str) -> dict[str, str]:
    """The release that a slot was last started with, and its configuration."""
    try:
        found: dict[str, str] = json.loads((layout.slots / f"{slot}.json").read_text())
    except (OSError, json.JSONDecodeError):
        return {}
    return found


def protected(layout: Layout) -> set[str]:
    """Releases that something points to: never removed."""
    links = [
        layout.base / "current",
        layout.base / "previous",
        *(layout.slots / f"{slot}.release" for slot in SLOTS),
    ]
    return {name for name in map(linked, links) if name}


def superfluous(ids: Iterable[str], keep: int, guarded: Collection[str]) -> list[str]:
    """Which built releases go so that at most `keep` stay; `guarded` ones always stay."""
    ordered = sorted(ids)
    surplus = len(ordered) - keep
    return [release_id for release_id in ordered if release_id not in guarded][: max(0, surplus)]


def prunable(layout: Layout, keep: int) -> list[str]:
    """The half-built releases, the served ones beyond `keep`, and the never served ones but the last."""
    guarded = protected(layout)
    complete = [known["id"] for known in built(layout)]
    folders = [path for path in layout.releases.glob("*") if path.is_dir() and not path.name.startswith(".")]
    half_built = [path.name for path in folders if path.name not in complete and path.name not in guarded]
    # One that failed is kept for the next try alone, until another serves: it takes nobody's room.
    served = [name for name in complete if (layout.release(name) / _SERVED).exists()]
    unserved = [name for name in complete if name not in served]
    retry = 1 if max(unserved, default="") > max(served, default="") else 0
    return [*half_built, *superfluous(served, keep, guarded), *superfluous(unserved, retry, guarded)]


def mark_as_served(layout: Layout, release_id: str) -> None:
    """Remember that a release went live and stayed."""
    (layout.release(release_id) / _SERVED).touch()


def prune(layout: Layout, keep: int) -> list[str]:
    """Remove half-built releases, those beyond `keep`, and unused environments. Returns what went."""
    gone = prunable(layout, keep)
    for name in gone:
        remove(layout, name)
    (layout.base / "next").unlink(missing_ok=True)
    if shutil.disk_usage(layout.releases).free < _SCARCE_BYTES:
        # Downloads can be had again; environments that were made of them stay whole.
        shutil.rmtree(layout.build_cache, ignore_errors=True)
    used = {path.readlink().name for path in layout.releases.glob("*/venv") if path.is_symlink()}
    for venv in layout.venvs.glob("*"):
        if venv.name not in used:
            shutil.rmtree(venv, ignore_errors=True)
    return gone


def remove(layout: Layout, release_id: str) -> None:
    """Remove one release, its mark of completeness first: an interrupted removal leaves no broken one."""
    folder = layout.release(release_id)
    (folder / "built.json").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
