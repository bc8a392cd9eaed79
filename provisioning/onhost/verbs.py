"""`seatrial-host serve`: reads JSON lines on stdin, each with a verb, does them in turn, writes JSON lines.

`seatrial-host <verb>` does one, whose line on stdin needs to name none. Serving ends with the first one
that fails.
Exit status: 0 done, 1 failed, 2 wrongly called, 3 the lock is somebody else's.
"""

from __future__ import annotations

import json
import os
import select
import sys
import syslog
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

from . import build, edge, lock, migrate, preflight, receive, records, releases, siteconfig, slots
from .commands import CommandFailed, Runner
from .layout import Layout
from .wire import Failure, emit, emit_failure

Request = dict[str, Any]
Verb = Callable[[Layout, Runner, Request], dict[str, Any]]


def _preflight(layout: Layout, _: Runner, request: Request) -> dict[str, Any]:
    return preflight.preflight(layout, int(request["keep"]))


def _status(layout: Layout, _: Runner, __: Request) -> dict[str, Any]:
    return preflight.status(layout)


def _lock(layout: Layout, _: Runner, request: Request) -> dict[str, Any]:
    stale = lock.take(
        layout,
        request["token"],
        request["owner"],
        process=request.get("process", ""),
        gone=request.get("gone", ""),
        run=request.get("run"),
    )
    if stale:
        records.add(layout, records.of_holder(stale))
    return {"taken_over_from": stale and stale["owner"]}


def _unlock(layout: Layout, _: Runner, request: Request) -> dict[str, Any]:
    if request.get("record"):
        records.add(layout, request["record"])
    return {"released": lock.release(layout, request["token"])}


def _start(layout: Layout, runner: Runner, request: Request) -> dict[str, Any]:
    return slots.start(layout, runner, request["release"], request["configuration"], request["health_path"])


def _switch(layout: Layout, runner: Runner, request: Request) -> dict[str, Any]:
    return slots.switch(layout, runner, request["release"], request["configuration"], request["health_path"])


def _restore(layout: Layout, runner: Runner, request: Request) -> dict[str, Any]:
    return slots.restore(layout, runner, request["slot"], request["previous"], request.get("earlier"))


def _settle(layout: Layout, runner: Runner, request: Request) -> dict[str, Any]:
    return slots.settle(layout, runner, float(request["drain_seconds"]))


def _verify(layout: Layout, runner: Runner, request: Request) -> dict[str, Any]:
    return slots.verify(layout, runner, request["health_path"])


def _announce(layout: Layout, _: Runner, request: Request) -> dict[str, Any]:
    # From now on nginx serves the new release's static files too, wherever its pages come from.
    slots.set_link(layout.base / "next", Path("releases") / request["release"])
    before, link = request.get("previous"), layout.base / "previous"
    if before and releases.live(layout) is None and releases.facts(layout, before):
        # On a new host those of the release before too, as if it had been there.
        slots.set_link(link, Path("releases") / before)
        releases.mark_as_served(layout, before)
    return {}


def _prune(layout: Layout, _: Runner, request: Request) -> dict[str, Any]:
    return {"removed": releases.prune(layout, int(request["keep"]))}


READING: dict[str, Verb] = {"status": _status, "preflight": _preflight, "verify": _verify}
LOCKING: dict[str, Verb] = {"lock": _lock, "unlock": _unlock}
CHANGING: dict[str, Verb] = {
    "receive": receive.receive,
    "build": build.build,
    "announce": _announce,
    "migrate": migrate.migrate,
    "start": _start,
    "switch": _switch,
    "restore": _restore,
    "settle": _settle,
    "prune": _prune,
}
VERBS = (*READING, *LOCKING, *CHANGING, *edge.VERBS)
# Ended when whoever asked is gone: nothing of the site has changed yet.
ABANDONED_WITH_CALLER = {"build"}


def main(arguments: list[str]) -> int:
    """Run one verb."""
    if arguments[:1] == ["manage"] and len(arguments) >= 2:
        return _manage(Layout(arguments[1]), arguments[2:])
    if arguments == ["test-command"]:
        return _test_command(json.loads(_first_line()))
    if arguments == ["edge-reload"]:
        return _edge_reload()
    if arguments[:1] == ["address-take"]:
        return _address_take(always=arguments[1:] == ["--always"])
    if len(arguments) != 1 or arguments[0] not in {"serve", *VERBS}:
        print("usage: seatrial-host <verb> with JSON on stdin", file=sys.stderr)
        print(f"       verbs: {', '.join(VERBS)}", file=sys.stderr)
        print("       seatrial-host serve, with a verb in each line of JSON on stdin", file=sys.stderr)
        print("       seatrial-host manage <site> <command of manage.py> ...", file=sys.stderr)
        return 2
    syslog.openlog("seatrial")
    if arguments != ["serve"]:
        return _answer({"verb": arguments[0], **json.loads(_first_line())})
    while line := _first_line():
        if status := _answer(json.loads(line)):
            return status
    return 0


def _answer(request: Request) -> int:
    """Do one verb, tell its result or failure; what its exit status is where it was the only one."""
    runner = Runner()
    try:
        emit("result", **_do(request["verb"], Layout(request["site"]), runner, request))
    except Failure as failure:
        emit_failure(failure)
        return 3 if failure.kind == "locked" else 1
    except CommandFailed as error:
        emit_failure(Failure(str(error), log=error.lines))
        return 1
    except OSError as error:
        full = "free space on the host, or give it a larger droplet_size" if error.errno == 28 else ""
        emit_failure(Failure(f"{error.strerror}: {error.filename}", next_step=full))
        return 1
    return 0


def _do(name: str, layout: Layout, runner: Runner, request: Request) -> dict[str, Any]:
    if name in edge.VERBS:
        return edge.VERBS[name](edge.Edge(), request)
    if name in READING:
        return READING[name](layout, runner, request)
    if name in LOCKING:
        return LOCKING[name](layout, runner, request)
    with lock.working(layout), _watching(runner) if name in ABANDONED_WITH_CALLER else nullcontext():
        # Checked when it is our turn: whoever had it before may have taken the lock over.
        lock.require(layout, request["token"])
        return CHANGING[name](layout, runner, request)


@contextmanager
def _watching(runner: Runner) -> Iterator[None]:
    """Meanwhile all that runs is ended when whoever asked is gone: when there is no other end of stdin."""
    watched = select.poll()
    watched.register(0, select.POLLRDHUP)
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if watched.poll(500):
                runner.abort()
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _edge_reload() -> int:
    """For HAProxy's unit: no site is named, and what is wrong is a line of the journal."""
    try:
        edge.reload(edge.Edge(), int(os.environ["MAINPID"]))
    except Failure as failure:
        print(failure.cause, file=sys.stderr)
        return 1
    return 0


def _address_take(*, always: bool) -> int:
    """For two edges: no site is named, and what is said is lines of the journal."""
    from . import address  # loads half of what a verb has to, and no verb needs it

    try:
        terms = address.Terms.read()
        api = address.Api(terms.api, terms.address, address.token())
        address.take(terms, api, lambda text: print(text, flush=True), always=always)
    except (Failure, OSError) as error:
        next_step = f"; next: {error.next_step}" if isinstance(error, Failure) and error.next_step else ""
        print(f"{error}{next_step}", file=sys.stderr)
        return 1
    return 0


def _first_line() -> bytes:
    # Byte by byte: what follows the first line belongs to the verb (the code of a release).
    line = bytearray()
    while (byte := os.read(0, 1)) not in (b"", b"\n"):
        line += byte
    return bytes(line)


def _test_command(request: Request) -> int:
    """`manage` for functional tests: `arguments` come on stdin, and only where the stack allows it."""
    layout = Layout(request["site"])
    try:
        allowed = siteconfig.load(layout).allows_test_commands
    except Failure as failure:
        print(failure.cause, file=sys.stderr)
        return 1
    if not allowed:
        print("test commands are not allowed here: seatrial:allow_test_commands is not set", file=sys.stderr)
        return 1
    return _manage(layout, request["arguments"])


def _manage(layout: Layout, arguments: list[str]) -> int:
    """Become a command of the live release's manage.py, on this terminal, as the user that runs the site."""
    live = releases.live(layout)
    if live is None:
        print(f"no release of '{layout.site}' is live on this host", file=sys.stderr)
        return 1
    folder = layout.release(live["id"])
    project = folder / "code" / live["project"]
    argv = [
        str(folder / "venv" / "bin" / "python"),
        str(folder / "seatrial" / "seatrial_manage.py"),
        *arguments,
    ]
    variables = [f"{name}={value}" for name, value in build.site_environment(folder, project).items()]
    user = ["runuser", "-u", layout.run_user, "--"] if layout.run_user else []
    os.chdir(project)
    return _become([*user, "env", "PYTHONDONTWRITEBYTECODE=1", *variables, *argv])


def _become(argv: list[str]) -> NoReturn:
    os.execvp(argv[0], argv)
