"""Running the user's Pulumi program in this process, with the SDK talking to the engine's own objects."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import io
import logging
import os
import runpy
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from localengine.config import Setting
from localengine.project import Project

PARALLEL = 16


class ProgramError(Exception):
    """The program ended with an error: what to tell the user, already without frames of the engine's."""


class _Lines(io.TextIOBase):
    """Hands on what a program prints, line by line."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._rest = ""

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Show every line that is complete."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._show(line)
        return len(text)

    def close(self) -> None:
        """Show what is left."""
        if self._rest:
            self._show(self._rest)
            self._rest = ""
        super().close()


@contextlib.contextmanager
def _place(project: Project) -> Iterator[None]:
    """Work in the program's folder, import from it, and forget its modules afterwards.

    A second run in the same process (the update after its preview) then starts from the same point.
    """
    folder = project.program if project.program.is_dir() else project.program.parent
    before, argv, path, cwd = set(sys.modules), sys.argv, list(sys.path), Path.cwd()
    sys.argv = [str(project.program)]
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(cwd)
        sys.argv, sys.path[:] = argv, path
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None) or ""
            own = file.startswith(f"{folder}{os.sep}") and "site-packages" not in file
            if own and name.partition(".")[0] != "localengine":
                del sys.modules[name]


def execute(
    project: Project,
    stack: str,
    settings: Mapping[str, Setting],
    *,
    monitor: Any,
    engine: Any,
    dry_run: bool,
    show: Callable[[str], None],
    drain: Callable[[], None],
) -> None:
    """Run the program to its end. `show` gets each line it prints.

    `drain` is called when the program is over, before what it still has under way is waited for.
    Raises ProgramError where it fails.
    """
    output = _Lines(show)
    with _place(project), contextlib.redirect_stdout(output), contextlib.closing(output):
        context = contextvars.copy_context()
        context.run(_execute, project, stack, settings, monitor, engine, dry_run, drain)


def _execute(
    project: Project,
    stack: str,
    settings: Mapping[str, Setting],
    monitor: Any,
    engine: Any,
    dry_run: bool,
    drain: Callable[[], None],
) -> None:
    from pulumi import runtime

    runtime.set_all_config(
        {key: setting.value for key, setting in settings.items()},
        [key for key, setting in settings.items() if setting.secret],
    )
    runtime.configure(
        runtime.Settings(
            project=project.name,
            stack=stack,
            organization="organization",
            monitor=monitor,
            engine=engine,
            parallel=PARALLEL,
            dry_run=dry_run,
            root_directory=str(project.folder),
        )
    )
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    # One thread waits out the shutdown call; the others are resources under way.
    loop.set_default_executor(ThreadPoolExecutor(max_workers=4 * PARALLEL))
    asyncio.set_event_loop(loop)

    def program() -> None:
        runpy.run_path(str(project.program), run_name="__main__")

    try:
        loop.run_until_complete(runtime.run_in_stack(program))
    except (Exception, SystemExit) as error:
        drain()
        message = _explain(error, project)
        if message is not None:
            raise ProgramError(message) from None
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


def _explain(error: BaseException, project: Project) -> str | None:
    """Say why the program ended; None where it ended well. No traceback for what the program says itself."""
    from pulumi import RunError

    if isinstance(error, SystemExit):
        if error.code in (None, 0):
            return None
        return error.code if isinstance(error.code, str) else f"the program exited with code {error.code}"
    if isinstance(error, RunError) or (type(error) is Exception and str(error).startswith("invoke of ")):
        return str(error)
    if isinstance(error, SyntaxError):
        return "".join(traceback.format_exception_only(error)).rstrip()
    folder = str(project.folder) + os.sep
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(folder)
        and "site-packages" not in frame.filename
        and f"{os.sep}localengine{os.sep}" not in frame.filename
    ]
    lines = [f"{type(error).__name__}: {error}"]
    for frame in reversed(frames[-5:]):
        lines.append(f"  at {Path(frame.filename).relative_to(folder)}:{frame.lineno} in {frame.name}")
    return "\n".join(lines)
