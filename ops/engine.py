"""Which engine runs the program: the `pulumi` CLI, or the local engine where the CLI is not installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops import foreground
from ops.errors import OpsError
from ops.stack import WORK_FOLDER, Stack

PLUGINS = ("command", "digitalocean", "random", "tls")


class EngineError(OpsError):
    """Why no engine can run; one line for the operator."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How to call an engine on one stack."""

    name: str
    program: tuple[str, ...]
    stack: Stack
    environment: Mapping[str, str]

    def command(self, *words: str) -> list[str]:
        """The whole command line for `up`, `preview`, `destroy`, ... on the stack."""
        flags = ["--stack", self.stack.name]
        default = self.stack.project / f"Pulumi.{self.stack.name}.yaml"
        if self.stack.file != default and words[0] != "stack":
            flags += ["--config-file", str(self.stack.file.relative_to(self.stack.project))]
        return [*self.program, *words, *flags]

    def run(self, *words: str) -> int:
        """Run it in the operator's own terminal; returns its exit code."""
        return foreground.run(self.command(*words), self.stack.project, self.environment)

    def outputs(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The stack's outputs; empty when the stack has none yet. Raises EngineError when it cannot tell."""
        words = ["stack", "output", "--json", *(["--show-secrets"] if show_secrets else [])]
        outputs: dict[str, Any] = json.loads(self._asked(*words) or "{}")
        return outputs

    def _asked(self, *words: str) -> str:
        done = subprocess.run(
            self.command(*words),
            cwd=self.stack.project,
            env=dict(self.environment),
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise EngineError(done.stderr.strip() or f"{self.name} {' '.join(words[:2])} failed")
        return done.stdout

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the stack's state, secrets in the clear; also while an update is at work.

        Raises EngineError when it cannot tell.
        """
        state = json.loads(self._asked("stack", "export", "--show-secrets"))
        found: list[dict[str, Any]] = (state.get("deployment") or {}).get("resources") or []
        return found

    def prepare(self) -> None:
        """Make the stack known to the backend (the CLI wants it selected or created first).

        Raises EngineError with the CLI's own words when it will not.
        """
        if self.name != "pulumi":
            return
        for folder in self._backend_folders():
            folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [*self.program, "stack", "select", "--create", "--stack", self.stack.name, "--non-interactive"],
            cwd=self.stack.project,
            env=dict(self.environment),
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise EngineError(done.stderr.strip())

    def _backend_folders(self) -> list[Path]:
        url = self.environment.get("PULUMI_BACKEND_URL", "")
        return [Path(url.removeprefix("file://"))] if url.startswith("file://") else []


def choose(stack: Stack, environment: Mapping[str, str]) -> Engine:
    """Pick the engine: ENGINE=pulumi or ENGINE=local where set, else the CLI if it and its plugins are here.

    Raises EngineError when the wanted one is not here.
    """
    wanted = environment.get("ENGINE", "")
    if wanted not in {"", "pulumi", "local"}:
        raise EngineError(f"ENGINE={wanted}: it is 'pulumi' or 'local'")
    search = environment.get("PATH", "")
    cli = shutil.which("pulumi", path=search)
    if wanted == "pulumi" and not cli:
        raise EngineError("ENGINE=pulumi, but there is no pulumi command on the PATH")
    missing = [p for p in PLUGINS if not _plugin_is_here(p, environment)] if cli else []
    if cli and not wanted and missing:
        print(
            f"seatrial: pulumi is here, but not its plugins {', '.join(missing)}: using the local engine "
            "(ENGINE=pulumi lets the CLI fetch them)",
            file=sys.stderr,
        )
    use_cli = wanted == "pulumi" or (not wanted and bool(cli) and not missing)
    return Engine(
        name="pulumi" if use_cli else "local",
        program=(cli or "",) if use_cli else (sys.executable, "-m", "localengine"),
        stack=stack,
        environment=_environment(stack, environment),
    )


def _plugin_is_here(package: str, environment: Mapping[str, str]) -> bool:
    if shutil.which(f"pulumi-resource-{package}", path=environment.get("PATH", "")):
        return True
    home = Path(environment.get("PULUMI_HOME") or Path(environment.get("HOME", "/")) / ".pulumi")
    return any((home / "plugins").glob(f"resource-{package}-v*"))


def _environment(stack: Stack, environment: Mapping[str, str]) -> dict[str, str]:
    result = dict(environment)
    if stack.on_this_machine:
        # A rehearsal needs no account anywhere: its state lies beside the project.
        result.setdefault("PULUMI_BACKEND_URL", f"file://{stack.project / WORK_FOLDER / 'pulumi'}")
        if "PULUMI_CONFIG_PASSPHRASE_FILE" not in result:
            result.setdefault("PULUMI_CONFIG_PASSPHRASE", "")
    agent = result.get("SSH_AUTH_SOCK", "")
    if agent and not os.access(agent, os.W_OK):
        del result["SSH_AUTH_SOCK"]  # the command plugin fails on an agent that is gone
    return result


def asks(words: Sequence[str], *, sure: bool) -> list[str]:
    """The flags that make an engine go ahead without asking, where the operator is sure."""
    return [*words, "--yes", "--skip-preview"] if sure else list(words)
