"""The command line: `python -m localengine up -s dev`, with the flags the pulumi CLI has."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from localengine import configuring, stacks
from localengine.errors import EngineError
from localengine.interrupt import EXIT_CODE
from localengine.options import Options
from localengine.provider import ProviderError
from localengine.registry import Load, load_packaged

_FLAGS: dict[str, tuple[tuple[str, ...], str]] = {
    "yes": (("-y", "--yes"), "change things without asking"),
    "skip_preview": (("-f", "--skip-preview"), "do not preview first"),
    "json": (("-j", "--json"), "write JSON"),
    "diff": (("--diff",), "show the values that change"),
    "expect_no_changes": (("--expect-no-changes",), "fail where anything changes"),
    "refresh": (("-r", "--refresh"), "compare the state with what exists first"),
    "show_secrets": (("--show-secrets",), "show secrets in plain"),
    "clear_pending_creates": (("--clear-pending-creates",), "forget interrupted creations"),
    "remove": (("--remove",), "remove the stack as well, once it is empty"),
    "suppress_outputs": (("--suppress-outputs",), "do not show the stack's outputs"),
}


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("-s", "--stack", help="the stack's name")
    common.add_argument("-C", "--cwd", type=Path, help="work as if started in this folder")
    common.add_argument("--config-file", type=Path, help="use this file, not Pulumi.<stack>.yaml")
    common.add_argument("--non-interactive", action="store_true", help="never ask, show plain lines")
    return common


def _parser() -> argparse.ArgumentParser:
    common = _common()
    parser = argparse.ArgumentParser(
        prog="localengine",
        description="Runs Pulumi programs where the pulumi CLI is not installed.",
        parents=[common],
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        under: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help: str, *flags: str
    ) -> argparse.ArgumentParser:
        made = under.add_parser(name, help=help, description=f"{help}.", parents=[common], allow_abbrev=False)
        for flag in flags:
            names, text = _FLAGS[flag]
            made.add_argument(*names, dest=flag, action="store_true", default=argparse.SUPPRESS, help=text)
        return made

    look = ("json", "diff", "expect_no_changes", "suppress_outputs", "show_secrets")
    preview = command(commands, "preview", "Show what `up` would do", *look)
    up = command(
        commands, "up", "Create or change what the program asks for", *look, "yes", "skip_preview", "refresh"
    )
    for with_preview in (preview, up):
        with_preview.add_argument("-m", "--message", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    command(
        commands, "destroy", "Delete everything in the stack",
        "yes", "skip_preview", "json", "diff", "remove",
    )  # fmt: skip
    command(
        commands, "refresh", "Bring the state to what really exists",
        "yes", "skip_preview", "json", "diff", "expect_no_changes", "clear_pending_creates",
    )  # fmt: skip
    command(commands, "cancel", "Remove the locks an ended run left on the stack", "yes")

    stack = commands.add_parser("stack", help="Look at stacks", allow_abbrev=False)
    under = stack.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    output = command(under, "output", "Print the stack's outputs", "json", "show_secrets")
    output.add_argument("name", nargs="?", help="one output only")
    command(under, "ls", "List the project's stacks", "json")
    command(under, "export", "Print the stack's state", "show_secrets")
    command(under, "rm", "Forget a stack that is empty", "yes")

    config = command(commands, "config", "Print and change settings", "json", "show_secrets")
    under = config.add_subparsers(dest="subcommand", metavar="COMMAND")
    get = command(under, "get", "Print one setting", "json")
    get.add_argument("key")
    get.add_argument("--path", action="store_true", help="KEY is a path into a list or mapping")
    rm = command(under, "rm", "Remove one setting")
    rm.add_argument("key")
    rm.add_argument("--path", action="store_true", help="KEY is a path into a list or mapping")
    put = command(under, "set", "Change one setting")
    put.add_argument("key")
    put.add_argument("value", nargs="?", help="read from standard input where missing")
    put.add_argument("--secret", action="store_true", help="encrypt the value")
    put.add_argument("--plaintext", action="store_true", help="store the value as it is")
    put.add_argument("--path", action="store_true", help="KEY is a path into a list or mapping")
    return parser


def _dispatch(arguments: argparse.Namespace, options: Options) -> int:
    match arguments.command, getattr(arguments, "subcommand", None):
        case ("preview" | "up" | "destroy" | "refresh") as operation, _:
            # Half of what there is to load, and no other command needs it.
            from localengine import operations

            return int(getattr(operations, operation)(options))
        case "cancel", _:
            return stacks.cancel(options)
        case "stack", "output":
            return stacks.output(options, arguments.name)
        case "stack", "ls":
            return stacks.ls(options)
        case "stack", "export":
            return stacks.export(options)
        case "stack", _:
            return stacks.remove(options)
        case "config", "get":
            return configuring.get(options, arguments.key, path=arguments.path)
        case "config", "rm":
            return configuring.remove(options, arguments.key, path=arguments.path)
        case "config", "set":
            return configuring.put(
                options, arguments.key, arguments.value, secret=arguments.secret, path=arguments.path
            )
        case _:
            return configuring.show(options)


def main(argv: Sequence[str] | None = None, *, load: Load = load_packaged) -> int:
    """Run one command; returns the exit code. `load` gives the providers."""
    arguments = _parser().parse_args(argv)
    given = vars(arguments)
    flags = {name: given[name] for name in _FLAGS if name in given}
    options = Options(
        stack=given.get("stack"),
        cwd=given.get("cwd", Path()),
        config_file=given.get("config_file"),
        interactive=not given.get("non_interactive", False),
        load=load,
        **flags,
    )
    try:
        return _dispatch(arguments, options)
    except (EngineError, ProviderError) as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: nothing was changed", file=sys.stderr)
        return EXIT_CODE
    except BrokenPipeError:
        return 1
