"""Commands on this machine: `command:local:Command` and `command:local:run`."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from localengine.provider import Archive, Asset, ProviderError
from localengine.providers.command.running import Output, failure, previous_environment, shown_streams
from localengine.providers.schema import Field, Fields, one_of
from localengine.providers.waiting import Deadline

TERMINATE_AFTER, KILL_AFTER = 30.0, 5.0
"""Seconds a cancelled command has to end by itself, and then to end when told to."""

LOGGING = Field(wrong=one_of("stdout", "stderr", "stdoutAndStderr", "none"))
RUN_FIELDS: Fields = {
    "stdin": Field(),
    "logging": LOGGING,
    "interpreter": Field(kind="list", item=Field()),
    "dir": Field(),
    "environment": Field(kind="map", item=Field()),
    "assetPaths": Field(kind="list", item=Field()),
    "archivePaths": Field(kind="list", item=Field()),
    "addPreviousOutputInEnv": Field(kind="bool"),
}
FIELDS: Fields = {
    "create": Field(),
    "update": Field(),
    "delete": Field(),
    "triggers": Field(kind="list", replaces=True),
    **RUN_FIELDS,
}


def run(
    command: str,
    inputs: Mapping[str, Any],
    previous: Mapping[str, Any],
    deadline: Deadline,
    log: Callable[[str], None],
) -> dict[str, Any]:
    """Run `command` in `dir` (the project's folder) and return stdout, stderr, and the files asked for.

    `previous` are the outputs of the run before. Raises ProviderError where it fails or can't be started.
    """
    folder = Path(inputs.get("dir") or Path.cwd())
    output = Output(log, shown_streams(inputs))
    process = _start([*(inputs.get("interpreter") or ("/bin/sh", "-c")), command], folder, inputs, previous)
    threads = [
        threading.Thread(target=_feed, args=(process, str(inputs.get("stdin") or "")), daemon=True),
        threading.Thread(target=output.pump, args=("stdout", _reader(process.stdout)), daemon=True),
        threading.Thread(target=output.pump, args=("stderr", _reader(process.stderr)), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            threads[1].join(0.1)
            threads[2].join(0.1)
            deadline.check("the command was running")
        code = process.wait()
    except BaseException:
        _stop(process)
        raise
    if code:
        ended = f"ended with exit status {code}" if code > 0 else f"was ended by {signal.Signals(-code).name}"
        raise failure(f"the command {ended}", output)
    return {"stdout": output.text("stdout"), "stderr": output.text("stderr"), **_files(folder, inputs)}


def _start(
    arguments: list[str], folder: Path, inputs: Mapping[str, Any], previous: Mapping[str, Any]
) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        **(inputs.get("environment") or {}),
        **previous_environment(inputs, previous),
    }
    if not folder.is_dir():
        raise ProviderError(f"dir: there is no folder {folder}")
    try:
        # Its own session: ctrl-C in the terminal is the engine's to answer, which then ends it gently.
        return subprocess.Popen(
            arguments,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ProviderError(f"the command can't be started: {arguments[0]}: {error.strerror}") from None


def _reader(pipe: Any) -> Callable[[], bytes]:
    return lambda: bytes(pipe.read1(65536))


def _feed(process: subprocess.Popen[bytes], text: str) -> None:
    assert process.stdin is not None
    try:
        with process.stdin as pipe:
            pipe.write(text.encode())
    except OSError:
        # It ended, or closed its standard input, without reading all: that is its right.
        return


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End it and what it started as ctrl-C would, then harder."""
    for way, patience in (
        (signal.SIGINT, TERMINATE_AFTER),
        (signal.SIGTERM, KILL_AFTER),
        (signal.SIGKILL, None),
    ):
        if process.poll() is not None:
            return
        try:
            os.killpg(process.pid, way)
            process.wait(patience)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _files(folder: Path, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs `assets` and `archive`, where `assetPaths` or `archivePaths` ask for them."""
    found: dict[str, Any] = {}
    if inputs.get("assetPaths"):
        found["assets"] = {
            name: Asset("path", path) for name, path in _matching(folder, inputs["assetPaths"])
        }
    if inputs.get("archivePaths"):
        members = {name: Asset("path", path) for name, path in _matching(folder, inputs["archivePaths"])}
        found["archive"] = Archive("assets", members)
    return found


def _matching(folder: Path, patterns: list[str]) -> list[tuple[str, str]]:
    """Files below `folder` by glob pattern, in order; a pattern after `!` takes files out again."""
    chosen: dict[str, str] = {}
    for pattern in patterns:
        files = {
            path.relative_to(folder).as_posix(): str(path)
            for path in sorted(folder.glob(pattern.removeprefix("!")))
            if path.is_file()
        }
        if pattern.startswith("!"):
            chosen = {name: path for name, path in chosen.items() if name not in files}
        else:
            chosen |= files
    return list(chosen.items())
