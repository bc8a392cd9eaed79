"""Seatrial beside other tools that do the same work; see tests/bench/README.md. Run as `make bench`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType

import httpx
from rich.console import Console

from provisioning.session import ConnectionFailed
from tests.bench import measuring, single, table
from tests.bench.contestant import CommandFailed, Contestant
from tests.bench.others import Ansible, Fabric, Other, Pyinfra
from tests.bench.seatrial import Seatrial
from tests.bench.site import ROOT, Site

_OTHERS: dict[str, type[Other]] = {kind.name: kind for kind in (Ansible, Pyinfra, Fabric)}
_NAMES = (Seatrial.name, *_OTHERS)
_TROUBLE = (
    CommandFailed,
    ConnectionFailed,
    measuring.NotDone,
    httpx.HTTPError,
    OSError,
    subprocess.CalledProcessError,
)
_KEPT = ROOT / ".seatrial" / "bench"


def main() -> int:
    """Run what is asked for; 1 where a contestant did not come through, whatever the others did."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    # A host that still boots is no news.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    if options.single:
        return single.main(cold=options.cold)
    try:
        return _compare(options)
    except KeyboardInterrupt:
        print("bench: stopped, and everything removed", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", type=_names, default=_NAMES, metavar="NAME,...", help=f"of {', '.join(_NAMES)}"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=3,
        help="how often nothing to do and a release are measured (default: 3)",
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--single", action="store_true", help="only `make up` of the stack local, alone")
    parser.add_argument("--cold", action="store_true", help="with --single: start with an empty cache")
    return parser


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in _NAMES]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(_NAMES)}")
    return names


def _compare(options: argparse.Namespace) -> int:
    tools = _tools() if set(options.only) & set(_OTHERS) else Path()
    logs = _KEPT / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    results: list[table.Result] = []
    failed = False
    for name in options.only:
        try:
            _measure(name, tools, logs, options.rounds, results.append)
        except _TROUBLE as error:
            print(f"bench: {name} did not come through: {error}", file=sys.stderr, flush=True)
            failed = True
    if results:
        _show(results, options.markdown, options.json)
    return int(failed)


def _measure(name: str, tools: Path, logs: Path, rounds: int, keep: Callable[[table.Result], None]) -> None:
    log = logs / f"{name}.log"
    log.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"seatrial-bench-{name}-") as temporary:
        folder = Path(temporary)
        site = Site.made_in(folder / "todo")
        contestant = _contestant(name, site, folder, log, tools)
        try:
            for result in measuring.run(contestant, site, rounds, lambda line: print(line, flush=True)):
                keep(result)
        finally:
            contestant.remove()


def _contestant(name: str, site: Site, folder: Path, log: Path, tools: Path) -> Contestant:
    cloud = f"bench-{os.getpid()}-{name}"
    if name == Seatrial.name:
        return Seatrial(cloud, site, folder, log)
    return _OTHERS[name](cloud, site, folder, log, tools)


def _tools() -> Path:
    """The folder with the other tools' commands, in a virtual environment of their own."""
    environment = _KEPT / "venv"
    uv, python = str(ROOT / ".venv/bin/uv"), str(environment / "bin/python")
    if not Path(python).exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
    wanted = str(Path(__file__).with_name("requirements.txt"))
    words = ["pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes", "--python", python, wanted]
    subprocess.run([uv, *words], check=True)
    return environment / "bin"


def _show(results: Sequence[table.Result], markdown: Path | None, figures: Path | None) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)  # nobody's screen limits it
    console.print(table.terminal(results))
    for verdict in table.verdicts(results):
        console.print(verdict)
    if markdown:
        markdown.write_text(table.markdown(results))
    if figures:
        figures.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
