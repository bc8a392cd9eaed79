"""`python -m localcloud start|stop|status|reset`: the local cloud from the command line."""

from __future__ import annotations

import argparse
import json
import sys

from localcloud import commands
from localcloud.instance import DEFAULT_NAME, Instance, InstanceError, PortsTaken
from localcloud.machine_types import MachineError
from localcloud.sockets import OPTIONS, PURPOSES
from localcloud.table import table

NOT_RUNNING, PORTS_TAKEN = 3, 4


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code.

    It is 0, 1 for what went wrong, 3 for a status of what is not up, 4 for ports that are taken.
    """
    options = _parser().parse_args(arguments)
    try:
        instance = Instance(options.name)
        return int(options.run(instance, options))
    except (InstanceError, MachineError) as error:
        for line in str(error).splitlines():
            print(f"localcloud: {line}", file=sys.stderr)
        return PORTS_TAKEN if isinstance(error, PortsTaken) else 1
    except KeyboardInterrupt:
        print("localcloud: stopped half-way; the same command goes on from here", file=sys.stderr)
        return 130


def _start(instance: Instance, options: argparse.Namespace) -> int:
    wanted = {name: getattr(options, name) for name in OPTIONS}
    started = commands.start(instance, wanted, options.token, options.api_only)
    described = commands.describe(instance)
    if options.json:
        print(json.dumps(described, indent=2))
    else:
        print(
            f"local cloud {instance.name} {'started' if started else 'runs already'}: {described['api_url']}"
        )
    return 0


def _stop(instance: Instance, options: argparse.Namespace) -> int:
    stopped = commands.stop(instance)
    _tell(options, f"local cloud {instance.name} {'stopped' if stopped else 'was not running'}")
    return 0


def _status(instance: Instance, options: argparse.Namespace) -> int:
    described = commands.describe(instance)
    print(json.dumps(described, indent=2) if options.json else table(described))
    return 0 if described["running"] else NOT_RUNNING


def _reset(instance: Instance, options: argparse.Namespace) -> int:
    removed = commands.reset(instance)
    _tell(
        options,
        f"local cloud {instance.name} {'removed' if removed else 'does not exist: nothing to remove'}",
    )
    return 0


def _tell(options: argparse.Namespace, line: str) -> None:
    print(json.dumps({"name": options.name, "running": False}) if options.json else line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m localcloud", description="DigitalOcean on this machine, on loopback only."
    )
    subparsers = parser.add_subparsers(required=True, metavar="command")
    for name, run, about in (
        ("start", _start, "start it, or leave it running; waits until it answers"),
        ("stop", _stop, "power the droplets off and end it; everything is kept"),
        ("status", _status, "show what it is and has"),
        ("reset", _reset, "end it and remove everything it has"),
    ):
        command = subparsers.add_parser(name, help=about, description=about)
        command.set_defaults(run=run)
        command.add_argument("--name", default=DEFAULT_NAME, help="which one (default: %(default)s)")
        command.add_argument("--json", action="store_true", help="answer as JSON")
        if name == "start":
            for field, option in OPTIONS.items():
                command.add_argument(
                    option,
                    dest=field,
                    type=_port,
                    metavar="PORT",
                    help=f"for {PURPOSES[field]}; 0: any free one; default: as the last time",
                )
            command.add_argument(
                "--token", help=f"what clients must send (default: {commands.DEFAULT_TOKEN})"
            )
            command.add_argument(
                "--api-only", action="store_true", help="without Docker, and so without droplets"
            )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
