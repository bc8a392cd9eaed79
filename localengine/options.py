"""What a command was asked to do, and how."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from localengine.errors import EngineError
from localengine.registry import Load, load_packaged


@dataclass(frozen=True, kw_only=True)
class Options:
    """The flags of the operations."""

    stack: str | None = None
    cwd: Path = Path()
    config_file: Path | None = None
    yes: bool = False
    skip_preview: bool = False
    json: bool = False
    diff: bool = False
    interactive: bool = True
    expect_no_changes: bool = False
    refresh: bool = False
    show_secrets: bool = False
    clear_pending_creates: bool = False
    remove: bool = False
    suppress_outputs: bool = False
    load: Load = load_packaged
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def can_ask(self) -> bool:
        """Say whether there is someone to ask."""
        return self.interactive and not self.json and sys.stdin.isatty() and sys.stdout.isatty()

    def must_be_confirmed(self, command: str) -> None:
        """Raise EngineError where nobody can be asked and --yes is not given."""
        if not self.yes and not self.can_ask():
            raise EngineError(
                f"`{command}` asks before it changes anything; without a terminal it needs --yes"
            )


def confirmed(question: str) -> bool:
    """Ask; only a clear yes counts."""
    try:
        return input(f"{question} [yes/no] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
