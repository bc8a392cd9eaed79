"""The commands: each is a few lines over the engine and, for a rehearsal, the local cloud."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops import arguments, cloud, engine, functional_tests, releases, rollback, site, stack, summary
from ops.errors import OpsError

if TYPE_CHECKING:
    from ops.deployed import Deployed

INTERRUPTED = 130
"""The exit code of what ctrl-C ended, and that has said what comes next."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. A user's mistake is one line on stderr."""
    options = arguments.parser().parse_args(words)
    try:
        return _COMMANDS[options.command](options)
    except OpsError as error:
        # Nothing is left to say where the local cloud has told it itself.
        if str(error):
            print(f"seatrial: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("seatrial: stopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED


def up(options: argparse.Namespace) -> int:
    """Bring the stack up, then show what serves."""
    return _bring_up(options, {}, ["--diff"] if options.diff else [])


def back(options: argparse.Namespace) -> int:
    """Bring an older release live again; the settings file stays as it is."""
    chosen = _ready(options)
    serving = _serving(chosen)
    revision = rollback.target(serving, options.to)
    code = _bring_up(options, rollback.settings(chosen.stack.config, serving, revision), [])
    if code == 0:
        print(
            f"seatrial: this stays until the next `up`, which takes seatrial:revision of "
            f"Pulumi.{options.stack}.yaml again; to keep it: seatrial:revision: {revision}"
        )
    return code


def _bring_up(options: argparse.Namespace, wishes: Mapping[str, str], flags: Sequence[str]) -> int:
    with ThreadPoolExecutor(max_workers=1) as pool:
        # Both take their time, and neither needs the other.
        there = pool.submit(_site_there, options)
        chosen = _ready(options, wishes)
    _warn_of_another_site(chosen, there.result())
    local = chosen.stack.on_this_machine
    code = chosen.run(*engine.asks(["up", *flags], sure=options.yes or local))
    if code == INTERRUPTED:
        return code
    which = "" if options.stack == "local" else f" STACK={options.stack}"
    if code != 0:
        again = f"make up{which}" + (f" SITE={options.site}" if options.site else "")
        why = "mend what is named above, then" if code > 0 else "its engine was killed; go on from there with"
        print(f"seatrial: the stack '{options.stack}' is not up; {why}: {again}", flush=True)
        _tell_what_serves(chosen)
        return code
    outputs = chosen.outputs()
    # A droplet that has just been turned on takes its time to serve.
    good, opens = summary.wait(outputs.get("site_url", ""), through="127.0.0.1" if local else "")
    following = f"make ft{which}" if good else f"make refresh{which}, then make up{which}"
    summary.show(outputs, next_command=following, opens=opens)
    if not good:
        print(
            "seatrial: the stack is as its settings say, but its site does not answer well: was a droplet "
            f"removed or changed behind the stack's back? Find out and mend it: {following}",
            file=sys.stderr,
        )
    return 0 if good else 1


def _tell_what_serves(chosen: engine.Engine) -> None:
    """After a failure the outputs are those of the last good run: say so where something else serves."""
    try:
        known = (chosen.outputs().get("release") or {}).get("id", "none")
        serving = _serving(chosen)["release"]
    except OpsError:
        return  # nothing can be told, and the failure has been
    if serving and serving["id"] != known:
        print(
            f"seatrial: {serving['id']} serves ({serving['subject']}); the outputs are those of the last run "
            f"that went well, with {known}",
            flush=True,
        )


def _site_there(options: argparse.Namespace) -> str:
    """The name of the stack's site as it was left last; empty where there is none."""
    try:
        return str(_engine(options).outputs().get("site_name", ""))
    except OpsError:
        return ""


def _warn_of_another_site(chosen: engine.Engine, there: str) -> None:
    """Say what a change of the site's name means: it is another site, with hosts and data of its own."""
    wanted = chosen.stack.config.get("seatrial:site_name")
    if there and wanted and there != wanted:
        print(
            f"seatrial: '{wanted}' takes the place of '{there}' on the stack '{chosen.stack.name}', "
            f"whose droplets and data go once it is live",
            file=sys.stderr,
        )


def preview(options: argparse.Namespace) -> int:
    """Show what would change."""
    return _ready(options).run("preview", *(["--diff"] if options.diff else []))


def refresh(options: argparse.Namespace) -> int:
    """Bring the state in line with what is there."""
    return _ready(options).run("refresh", "--yes", "--skip-preview")


def output(options: argparse.Namespace) -> int:
    """Print the outputs."""
    outputs = _engine(options).outputs(show_secrets=options.show_secrets)
    print(json.dumps(outputs, indent=2, sort_keys=True))
    return 0


def history(options: argparse.Namespace) -> int:
    """Show the record of releases."""
    runs = releases.of(_deployed(_engine(options)).statuses())
    if options.json:
        print(json.dumps(runs, indent=2))
    else:
        releases.show(runs)
    return 0


def test_command(options: argparse.Namespace) -> int:
    """Run a management command on the first app host, which refuses it where it is not allowed."""
    return _deployed(_engine(options)).run(options.words)


def ft(options: argparse.Namespace) -> int:
    """Run the functional tests."""
    outputs = _engine(options).outputs(show_secrets=True)
    if not outputs.get("site_url"):
        raise engine.EngineError(
            f"the stack '{options.stack}' is not up yet; first: make up STACK={options.stack}"
        )
    return functional_tests.run(Path.cwd(), outputs, options.run)


def down(options: argparse.Namespace) -> int:
    """Destroy the stack; a local cloud is started for it, and stopped when no other stack has droplets."""
    chosen = _ready(options)
    code = chosen.run(*engine.asks(["destroy"], sure=options.yes or chosen.stack.on_this_machine))
    if code == 0 and chosen.stack.on_this_machine and not cloud.status(Path.cwd(), os.environ)["droplets"]:
        return cloud.run(Path.cwd(), os.environ, "stop", "--name", cloud.name(os.environ))
    return code


def reset(options: argparse.Namespace) -> int:
    """Remove the local cloud whole, with the state of the stacks that lived on it."""
    project = Path.cwd()
    api_url = cloud.status(project, os.environ).get("api_url") or ""
    code = cloud.run(project, os.environ, "reset", "--name", cloud.name(os.environ))
    if code == 0:
        for state in stack.states(project):
            is_the_one = state.stem == options.stack and stack.is_here(project, state.stem)
            if is_the_one or (api_url and api_url in state.read_text()):
                state.unlink()
    return code


def _ready(options: argparse.Namespace, wishes: Mapping[str, str] | None = None) -> engine.Engine:
    """The stack's engine with its cloud answering and its settings fitted to this machine and run."""
    wanted = stack.load(Path.cwd(), options.stack)
    changes = site.settings(options.site, wanted.project) if getattr(options, "site", "") else {}
    changes |= wishes or {}
    if wanted.on_this_machine:
        changes |= cloud.settings(wanted, cloud.start(wanted, os.environ))
    chosen = engine.choose(stack.with_changes(wanted, changes), os.environ)
    chosen.prepare()
    return chosen


def _engine(options: argparse.Namespace) -> engine.Engine:
    return engine.choose(stack.load(Path.cwd(), options.stack), os.environ)


def _deployed(chosen: engine.Engine) -> Deployed:
    from ops import deployed  # SSH takes longer to load than most commands take, and few need it

    return deployed.of_state(chosen.resources(), str(chosen.stack.config.get("seatrial:site_name", "")))


def _serving(chosen: engine.Engine) -> dict[str, Any]:
    """`release` and `previous_release` as the hosts tell them."""
    from ops import deployed

    return deployed.releases(_deployed(chosen).statuses())


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "up": up,
    "preview": preview,
    "rollback": back,
    "refresh": refresh,
    "output": output,
    "releases": history,
    "test-command": test_command,
    "ft": ft,
    "down": down,
    "reset": reset,
}
