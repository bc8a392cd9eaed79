"""`SITE=`: another Django site than the stack's own, for this run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def settings(site: str, project: Path) -> dict[str, Any]:
    """The settings that put another site on a stack: its repository and a name made from it.

    A path is taken from where the command was typed and made relative to the project, so that the settings
    read the same in another clone's place.
    """
    is_path = Path(site).expanduser().exists()
    repository = str(Path(site).expanduser().resolve()) if is_path else site
    if is_path and Path(repository).is_relative_to(project):
        repository = str(Path(repository).relative_to(project)) or "."
    return {"seatrial:repository": repository, "seatrial:subdirectory": "", "seatrial:site_name": slug(site)}


def slug(site: str) -> str:
    """A site's name out of its repository: `https://host/ana/My_Shop.git` gives `my-shop`."""
    last = site.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].removesuffix(".git")
    words = re.sub(r"[^a-z0-9]+", "-", last.lower()).strip("-")
    if not words or not words[0].isalpha():
        words = f"site-{words}".strip("-")
    return words[:24].rstrip("-")
