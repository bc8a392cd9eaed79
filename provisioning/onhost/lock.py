"""One rollout at a time on a host: a lock with an owner and a heartbeat, which goes stale by itself."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .layout import Layout
from .wire import Failure

STALE_AFTER = 120.0
"""Seconds without a heartbeat after which a lock may be taken over."""


def take(
    layout: Layout,
    token: str,
    owner: str,
    *,
    process: str = "",
    gone: str = "",
    run: dict[str, Any] | None = None,
    now: float | None = None,
) -> dict[str, Any] | None:
    """Take the lock, or renew it where `token` holds it. Returns the stale holder it was taken from.

    `process` names the owner's process for others on its machine, `gone` one that has ended for certain;
    `run` is what stays on record of the owner's run should it die.
    Raises Failure of kind `locked` where somebody else holds it.
    """
    beat = _now() if now is None else now
    with _guarded(layout.lock):
        held = _read(layout.lock)
        if held and held["token"] == token:
            _write(layout.lock, {**held, "beat": beat})
            return None
        ended = held and gone and held["process"] == gone
        if held and not ended and beat - held["beat"] < STALE_AFTER:
            raise Failure(
                f"another release runs here: started by {held['owner']} at {held['since']}, "
                f"last sign of life {max(0, round(beat - held['beat']))} s ago",
                next_step="wait for it and run `make up` again; the lock ends by itself "
                f"{round(STALE_AFTER)} s after the last sign of life",
                kind="locked",
            )
        since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        mine = {"token": token, "owner": owner, "process": process, "since": since, "beat": beat}
        _write(layout.lock, {**mine, "run": run or {}})
        return _told(held, beat, is_stale=True) if held else None


def require(layout: Layout, token: str) -> None:
    """Raises Failure of kind `locked` unless `token` holds the lock: who lost it must not go on."""
    held = _read(layout.lock)
    if not held or held["token"] != token:
        by = f"to {held['owner']} " if held else ""
        raise Failure(f"this rollout lost its lock {by}", next_step="run `make up` again", kind="locked")


def release(layout: Layout, token: str) -> bool:
    """Give the lock back; False where `token` did not hold it."""
    with _guarded(layout.lock):
        held = _read(layout.lock)
        if not held or held["token"] != token:
            return False
        layout.lock.unlink()
        return True


def holder(layout: Layout) -> dict[str, Any] | None:
    """Who holds the lock: owner, process, since, `seconds_ago` of the last heartbeat; None where nobody."""
    found = last_holder(layout)
    if not found or found["is_stale"]:
        return None
    return {key: found[key] for key in ("owner", "process", "since", "seconds_ago")}


def last_holder(layout: Layout) -> dict[str, Any] | None:
    """Whose lock lies here, also where it is stale: as `holder`, with `run` and `is_stale`."""
    found, now = _read(layout.lock), _now()
    return _told(found, now, is_stale=now - found["beat"] >= STALE_AFTER) if found else None


def _told(found: dict[str, Any], now: float, *, is_stale: bool) -> dict[str, Any]:
    facts = {key: found[key] for key in ("owner", "process", "since")}
    seconds_ago = max(0.0, round(now - found["beat"], 1))
    return {**facts, "run": found.get("run", {}), "seconds_ago": seconds_ago, "is_stale": is_stale}


@contextmanager
def working(layout: Layout, *, patience: float = 60.0) -> Iterator[None]:
    """No two verbs that change something at once, also when the rollout that began the first is gone.

    Raises Failure after `patience` seconds of waiting.
    """
    layout.busy.parent.mkdir(parents=True, exist_ok=True)
    with layout.busy.open("w") as handle:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Failure(
                        "a step of an earlier release still runs on this host",
                        next_step="wait for it to end, and run `make up` again",
                        kind="locked",
                    ) from None
                time.sleep(0.05)
        yield


def _now() -> float:
    # Not the wall clock: a step of it must make no lock stale.
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".guard").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> dict[str, Any] | None:
    try:
        held: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return held


def _write(path: Path, held: dict[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(held))
    temporary.replace(path)
