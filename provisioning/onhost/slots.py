"""Two slots of gunicorn: a release starts in the idle one, proves itself, and takes over with one rename."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from . import diagnosis, health, releases, siteconfig
from .commands import CommandFailed, Runner
from .layout import SLOTS, Layout
from .wire import Failure, detail

_SETTLE_SECONDS = 0.1
"""Longer than nginx takes between reading the link and connecting through it; from the last switch on."""


def unit(slot: str) -> str:
    """The systemd unit of a slot."""
    return f"gunicorn@{slot}.service"


def listener(slot: str) -> str:
    """The systemd unit that holds a slot's socket; the slot's own brings it up."""
    return f"gunicorn@{slot}.socket"


def other(slot: str | None) -> str:
    """The slot that is not `slot`; the first one where nothing is live yet."""
    return SLOTS[1] if slot == SLOTS[0] else SLOTS[0]


def set_link(link: Path, target: str | Path) -> None:
    """Point a link somewhere, atomically."""
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


def start(
    layout: Layout, runner: Runner, release_id: str, configuration: str, health_path: str
) -> dict[str, Any]:
    """Start a release in the idle slot, and wait until it is healthy; visitors see nothing of it.

    Raises Failure, with the idle slot stopped again, where it does not start or is not healthy.
    """
    slot = other(releases.live_slot(layout))
    facts = releases.facts(layout, release_id)
    if facts is None:
        raise Failure(f"release {release_id} is not on this host", next_step="run `make up` again")
    site = siteconfig.load(layout)
    began = time.monotonic()
    # An idle slot that still runs is left of an interrupted rollout.
    _stop(runner, slot)
    _point(layout, slot, facts, configuration)
    try:
        _start(layout, runner, slot)
        started = time.monotonic()
        _check(layout, runner, slot, site, health_path)
        healthy = time.monotonic()
        health.warm_up(layout.socket(slot), host=site.host_header, scheme=site.scheme, path=health_path)
    except (Failure, CommandFailed):
        _stop(runner, slot)
        raise
    return {
        "slot": slot,
        "start_seconds": round(started - began, 2),
        "healthy_seconds": round(healthy - started, 2),
    }


def switch(
    layout: Layout, runner: Runner, release_id: str, configuration: str, health_path: str
) -> dict[str, Any]:
    """Make the release live that was started in the idle slot. The old slot keeps running.

    Raises Failure with the old slot live as before, where the new one is not, or no longer, healthy.
    """
    before = releases.live(layout)
    earlier = releases.linked(layout.base / "previous")
    slot = other(releases.live_slot(layout))
    site = siteconfig.load(layout)
    if releases.started(layout, slot) != {"release": release_id, "configuration": configuration}:
        raise Failure(f"release {release_id} was not started on this host", next_step="run `make up` again")
    try:
        _check(layout, runner, slot, site, health_path)
        # Both slots start at boot until `settle`: whatever happens in between, the live one is among them.
        _systemctl(runner, "enable", "--no-reload", "--quiet", unit(slot))
        _go_live(layout, slot, release_id, before["id"] if before else None)
        answer = health.wait(
            ("127.0.0.1", 80), host=site.host_header, scheme=site.scheme, path=health_path, patience=5
        )
        if not answer.is_healthy:
            cause, _ = health.explain(answer, health_path, site.host_header)
            raise Failure(
                f"healthy on its own socket, but not through nginx: {cause}",
                next_step="see `journalctl -u nginx` on the host",
                log=_journal(runner, "nginx.service", time.time() - 10),
            )
    except (Failure, CommandFailed) as error:
        live = before or {"slot": None, "id": None}
        restore(layout, runner, live["slot"], live["id"], earlier)
        if isinstance(error, CommandFailed):
            raise Failure(str(error), log=error.lines) from None
        raise
    return {
        "slot": slot,
        "previous_slot": before["slot"] if before else None,
        "previous_release": before["id"] if before else None,
    }


def restore(
    layout: Layout, runner: Runner, slot: str | None, release_id: str | None, earlier: str | None = None
) -> dict[str, Any]:
    """Go back to the slot that was live before, and stop the other; with no slot, nothing is live.

    `earlier` is the release that was live before that one.
    """
    if slot is None or release_id is None:
        for link in (layout.live_socket, layout.base / "current"):
            link.unlink(missing_ok=True)
        for each in SLOTS:
            _stop(runner, each)
            _systemctl(runner, "disable", "--no-reload", "--quiet", unit(each))
        return {"live": None}
    if releases.live_slot(layout) != slot or not _is_active(runner, slot):
        if not _is_active(runner, slot):
            _systemctl(runner, "start", unit(slot))
        set_link(layout.live_socket, layout.socket(slot))
    set_link(layout.base / "current", Path("releases") / release_id)
    if earlier and earlier != releases.linked(layout.base / "previous"):
        set_link(layout.base / "previous", Path("releases") / earlier)
    _systemctl(runner, "enable", "--no-reload", "--quiet", unit(slot))
    # `next` stays until all is over: other hosts may still give out pages of that release.
    idle = other(slot)
    if _is_active(runner, idle):
        _drain(layout, idle, patience=5)
    _stop(runner, idle)
    _systemctl(runner, "disable", "--no-reload", "--quiet", unit(idle))
    return {"live": release_id}


def settle(layout: Layout, runner: Runner, drain_seconds: float) -> dict[str, Any]:
    """End the slot that is no longer live: its open requests first, for at most `drain_seconds`.

    One without any is left to systemd to end. Whoever starts it next makes sure that it has.
    """
    slot = releases.live_slot(layout)
    if slot is None:
        raise Failure("no slot is live", next_step="run `make up` again")
    releases.mark_as_served(layout, releases.linked(layout.slots / f"{slot}.release") or "")
    idle = other(slot)
    began = time.monotonic()
    left = _drain(layout, idle, drain_seconds)
    if left:
        _stop(runner, idle)
    else:
        _systemctl(runner, "stop", "--no-block", unit(idle), listener(idle))
    _systemctl(runner, "disable", "--no-reload", "--quiet", unit(idle))
    (layout.base / "next").unlink(missing_ok=True)
    return {"drain_seconds": round(time.monotonic() - began, 2), "cut_off": left}


def verify(layout: Layout, runner: Runner, health_path: str) -> dict[str, Any]:
    """The live release answers, on its own socket and through nginx. Raises Failure where it does not."""
    current = releases.live(layout)
    if current is None:
        raise Failure("no release is live on this host", next_step="run `make up` again")
    site = siteconfig.load(layout)
    _check(layout, runner, current["slot"], site, health_path, patience=5)
    answer = health.wait(
        ("127.0.0.1", 80), host=site.host_header, scheme=site.scheme, path=health_path, patience=5
    )
    if not answer.is_healthy:
        cause, next_step = health.explain(answer, health_path, site.host_header)
        raise Failure(f"through nginx: {cause}", next_step=next_step)
    return {"release": current["id"], "milliseconds": round(answer.milliseconds, 1)}


def _point(layout: Layout, slot: str, facts: dict[str, Any], configuration: str) -> None:
    release = layout.release(facts["id"])
    set_link(layout.slots / f"{slot}.release", Path("..") / "releases" / facts["id"])
    set_link(layout.slots / slot, Path("..") / "releases" / facts["id"] / "code" / facts["project"])
    lines = [
        "DJANGO_SETTINGS_MODULE=seatrial_settings",
        f"PYTHONPATH={release / 'seatrial'}:{release / 'code' / facts['project']}",
        "PYTHONDONTWRITEBYTECODE=1",
        "PYTHONUNBUFFERED=1",
        f"SEATRIAL_RELEASE={facts['id']}",
    ]
    (layout.slots / f"{slot}.env").write_text("\n".join(lines) + "\n")
    started = {"release": facts["id"], "configuration": configuration}
    (layout.slots / f"{slot}.json").write_text(json.dumps(started))


def _start(layout: Layout, runner: Runner, slot: str) -> None:
    began = time.time()
    try:
        runner.run(["systemctl", "start", unit(slot)], timeout=180)
    except CommandFailed:
        _stop(runner, slot)
        lines = _journal(runner, unit(slot), began)
        found = diagnosis.of_site(lines, _code(layout, slot))
        raise Failure(
            "gunicorn did not start" + (f": {found.cause}" if found else ""),
            next_step=found.next_step if found else "see the log lines above",
            log=lines,
        ) from None


def _check(
    layout: Layout,
    runner: Runner,
    slot: str,
    site: siteconfig.SiteConfiguration,
    health_path: str,
    patience: float = 30.0,
) -> None:
    began = time.time()
    answer = health.wait(
        layout.socket(slot), host=site.host_header, scheme=site.scheme, path=health_path, patience=patience
    )
    if answer.is_healthy:
        return
    lines = _journal(runner, unit(slot), began)
    cause, next_step = health.explain(answer, health_path, site.host_header)
    found = diagnosis.of_site(lines, _code(layout, slot)) if answer.status >= 500 else None
    if found:
        cause, next_step = f"{cause}: {found.cause}", found.next_step
    raise Failure(f"the health check failed: {cause}", next_step=next_step, log=lines)


def _go_live(layout: Layout, slot: str, release_id: str, previous: str | None) -> None:
    if previous and previous != release_id:
        set_link(layout.base / "previous", Path("releases") / previous)
    # Static files first: a page of the new release must find its own.
    set_link(layout.base / "current", Path("releases") / release_id)
    set_link(layout.live_socket, layout.socket(slot))


def _drain(layout: Layout, slot: str, patience: float) -> int:
    """Wait until a slot has no open requests; how many it still has after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        open_requests = connections(layout.socket(slot))
        settled = abs(time.time() - layout.live_socket.lstat().st_mtime) >= _SETTLE_SECONDS
        if (settled and open_requests == 0) or time.monotonic() >= deadline:
            return open_requests
        time.sleep(0.05)


def connections(path: Path, table: Path = Path("/proc/net/unix")) -> int:
    """How many connections a unix socket has, waiting ones included."""
    count = 0
    for line in table.read_text().splitlines()[1:]:
        fields = line.split(None, 7)
        # State 01 is the listening socket itself.
        if len(fields) == 8 and fields[7] == str(path) and fields[5] in {"02", "03"}:
            count += 1
    return count


def _stop(runner: Runner, slot: str) -> None:
    if _is_gone(runner, slot):
        return
    _systemctl(runner, "stop", unit(slot), listener(slot))
    # Workers whose master was killed may still be there.
    _systemctl(runner, "kill", "--signal=KILL", unit(slot))
    _systemctl(runner, "reset-failed", unit(slot), listener(slot))


def _is_gone(runner: Runner, slot: str) -> bool:
    """Whether nothing of a slot is left that would have to be ended: one question instead of three orders."""
    asked = ["--property=ActiveState,TasksCurrent", "--value", unit(slot), listener(slot)]
    try:
        said = runner.run(["systemctl", "show", *asked], told=False)
    except CommandFailed:
        return False
    return {*filter(None, said)} <= {"inactive", "[not set]", "0"}


def _is_active(runner: Runner, slot: str) -> bool:
    try:
        runner.run(["systemctl", "is-active", "--quiet", unit(slot)])
    except CommandFailed:
        return False
    return True


def _systemctl(runner: Runner, *arguments: str) -> None:
    try:
        runner.run(["systemctl", *arguments], timeout=180)
    except CommandFailed as error:
        # `reset-failed` of a unit that is not loaded, `stop` of one that never ran, `kill` where nothing
        # is left: nothing to do then.
        if arguments[0] in {"start", "enable"}:
            raise Failure(f"systemctl {' '.join(arguments)}: {error}", log=error.lines) from None
        if arguments[0] not in {"kill", "reset-failed"}:
            detail(f"systemctl {' '.join(arguments)}: {error}")


def _journal(runner: Runner, name: str, since: float) -> list[str]:
    try:
        runner.run(["journalctl", "--sync"], timeout=10)
        return runner.run(
            [
                "journalctl",
                "--unit",
                name,
                "--since",
                f"@{since:.0f}",
                "--lines",
                "60",
                "--output",
                "cat",
                "--no-pager",
            ],
            timeout=20,
            told=False,
        )
    except CommandFailed:
        return []


def _code(layout: Layout, slot: str) -> str:
    return str((layout.slots / f"{slot}.release").resolve() / "code")
