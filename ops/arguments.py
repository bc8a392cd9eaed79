"""The command line of `python -m ops`: its commands, their options, and the words of --help."""

from __future__ import annotations

import argparse

_EXAMPLES = """examples:
  make up                                the example site, on a droplet on this machine
  make up SITE=https://host/me/shop.git  another Django site, the same way
  make preview STACK=staging             what an `up` would change
  make rollback STACK=staging            the release before goes live again, with no build
  make releases STACK=staging            what was released, when, by whom, and how it went
  make output STACK=local                URL, hosts, release, ... as JSON
  make ft STACK=local                    the site's functional tests against that stack
  make down                              remove everything the stack made
"""

_COMMANDS = {
    "up": "create what is missing, put the release on, show where it is",
    "preview": "show what `up` would change",
    "rollback": "bring the release before live again, with the gates of `up` and no build",
    "refresh": "compare what was made with what is there",
    "output": "print the stack's outputs as JSON",
    "releases": "show the last releases: what, when, by whom, how it went",
    "test-command": "run a management command for functional tests, where allowed",
    "ft": "run the site's functional tests against the stack",
    "down": "remove everything the stack made",
    "reset": "remove the local cloud with all its droplets, and the stacks' state",
}


def parser() -> argparse.ArgumentParser:
    """The parser; `command` is the name of the command that was given."""
    whole = argparse.ArgumentParser(
        prog="python -m ops",
        description="Launch a Django site on a stack's cloud, and look after it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = whole.add_subparsers(required=True, metavar="command")
    for name, about in _COMMANDS.items():
        command = commands.add_parser(name, help=about, description=about)
        command.set_defaults(command=name)
        command.add_argument("-s", "--stack", default="local", help="the stack's name (default: local)")
        if name in {"up", "preview", "rollback"}:
            command.add_argument("--site", default="", help="a git URL or a path: that site, for this run")
        if name in {"up", "preview"}:
            command.add_argument("--diff", action="store_true", help="show what changes inside each resource")
        if name == "rollback":
            command.add_argument(
                "--to", default="", help="a commit or tag; one that is gone from the hosts is built"
            )
        if name in {"up", "down", "rollback"}:
            command.add_argument("-y", "--yes", action="store_true", help="do it without asking")
        if name == "test-command":
            command.add_argument("words", nargs="+", metavar="word", help="a command of the site's manage.py")
        if name == "releases":
            command.add_argument("--json", action="store_true", help="print JSON")
        if name == "output":
            command.add_argument("--show-secrets", action="store_true", help="print secrets in the clear")
        if name == "ft":
            command.add_argument(
                "--run",
                default="pytest example/functional_tests",
                help="the tests' command (default: %(default)s)",
            )
    return whole
