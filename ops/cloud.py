"""The local cloud, as far as an operator's command needs it: started for a stack, described, removed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ops.stack import Stack

DEFAULT_NAME = "seatrial"


class CloudError(Exception):
    """The local cloud did not come up; it has said why on the terminal."""


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """A running local cloud, as `python -m localcloud status --json` describes it."""

    api_url: str
    token: str
    gateway: str
    front_port: int
    dns: str


def name(environment: Mapping[str, str]) -> str:
    """Which local cloud is meant: LOCALCLOUD, or the one everybody starts with."""
    return environment.get("LOCALCLOUD") or DEFAULT_NAME


def start(stack: Stack, environment: Mapping[str, str]) -> Cloud:
    """Start the local cloud unless it runs, and describe it. Raises CloudError when it does not come up."""
    words = ["start", "--name", name(environment)]
    if name(environment) == DEFAULT_NAME:
        words += ["--port", str(urlsplit(stack.api_url).port or 80)]
        words += ["--front-port", environment.get("FRONT_PORT") or "80"]
    else:
        words += ["--port=0", "--https-port=0", "--dns-port=0", "--front-tls-port=0"]
        words += ["--front-port", environment.get("FRONT_PORT") or "0"]
    if run(stack.project, environment, *words) != 0:
        raise CloudError("the local cloud did not start; the lines above say why")
    return _described(status(stack.project, environment))


def status(project: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """What the local cloud says of itself. Raises CloudError when it says nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "localcloud", "status", "--name", name(environment), "--json"],
        cwd=project,
        env=dict(environment),
        check=False,
        capture_output=True,
        text=True,
    )
    try:
        described: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise CloudError(done.stderr.strip() or "the local cloud does not say how it is") from None
    return described


def run(project: Path, environment: Mapping[str, str], *words: str) -> int:
    """Run one of the local cloud's own commands in the operator's terminal; returns its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "localcloud", *words], cwd=project, env=dict(environment), check=False
    ).returncode


def settings(stack: Stack, cloud: Cloud) -> dict[str, Any]:
    """What the stack's settings must say here: where the API is, who may log in, the URL's port."""
    own = f"{cloud.gateway}/32"
    allowed = list(stack.config.get("seatrial:ssh_allowed") or [])
    changes: dict[str, Any] = {
        "digitalocean:apiEndpoint": cloud.api_url,
        "digitalocean:token": cloud.token,
        "seatrial:ssh_allowed": allowed if own in allowed else [own],
    }
    if cloud.front_port != 80:
        changes["seatrial:url_port"] = cloud.front_port
    return changes


def _described(status: Mapping[str, Any]) -> Cloud:
    return Cloud(
        api_url=status["api_url"],
        token=status["token"],
        gateway=status["gateway"],
        front_port=status["front_http_port"],
        dns=status["dns"],
    )
