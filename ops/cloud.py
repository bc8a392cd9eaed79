"""The local cloud, as far as an operator's command needs it: started for a stack, described, removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ops import foreground
from ops.errors import OpsError
from ops.stack import Stack

DEFAULT_NAME = "seatrial"


PORTS_TAKEN = 4
"""The local cloud's exit code where a port that it needs is taken."""

_PORT_OPTIONS = {
    "API_PORT": "--port",
    "API_TLS_PORT": "--https-port",
    "DNS_PORT": "--dns-port",
    "FRONT_PORT": "--front-port",
    "FRONT_TLS_PORT": "--front-tls-port",
}


_HIGHER = 8000
_HIGH_PORTS = {"--front-port": 80 + _HIGHER, "--front-tls-port": 443 + _HIGHER}
"""Where the sites are for a user who may not open ports 80 and 443."""


class CloudError(OpsError):
    """Why the local cloud is not up, in one line; empty where it has said so on the terminal."""


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """A running local cloud, as `python -m localcloud status --json` describes it."""

    api_url: str
    droplet_api_url: str
    token: str
    gateway: str
    front_port: int
    dns: str


def name(environment: Mapping[str, str]) -> str:
    """Which local cloud is meant: LOCALCLOUD, or the one everybody starts with."""
    return environment.get("LOCALCLOUD") or DEFAULT_NAME


def start(stack: Stack, environment: Mapping[str, str]) -> Cloud:
    """Start the local cloud unless it runs, and describe it. Raises CloudError when it does not come up."""
    wanted = {key: environment[key] for key in _PORT_OPTIONS if environment.get(key)}
    wrong = [f"{key}={port}" for key, port in wanted.items() if not _is_port(port)]
    if wrong:
        raise CloudError(f"{', '.join(wrong)}: a port is a number from 0 (any free one) to 65535")
    known = status(stack.project, environment)
    if not known["running"]:
        first = "api_url" not in known
        words = start_words(stack, name(environment), wanted, first=first, lowest=_lowest_port())
        code = run(stack.project, environment, *words)
        if code == PORTS_TAKEN:
            choices = ", ".join(f"{key}= ({option})" for key, option in _PORT_OPTIONS.items())
            raise CloudError(f"other ports are chosen with {choices}; for example: make up FRONT_PORT=8081")
        if code == 130:
            raise KeyboardInterrupt
        if code != 0:
            raise CloudError("")
        known = status(stack.project, environment)
    cloud = _described(known)
    front = wanted.get("FRONT_PORT", "0")
    if int(front) not in (0, cloud.front_port):
        raise CloudError(
            f"FRONT_PORT={front}, but the local cloud runs with {cloud.front_port}; to change it, first: "
            f".venv/bin/python -m localcloud stop --name {name(environment)}"
        )
    return cloud


def start_words(
    stack: Stack, cloud: str, wanted: Mapping[str, str], *, first: bool, lowest: int = 0
) -> list[str]:
    """The command that starts the local cloud named `cloud`, on the `wanted` ports.

    What is not wanted otherwise stays as it was the last time. The first time, the cloud that everybody
    starts with takes its usual ports and any other takes free ones. Below `lowest` this user may open none.
    """
    ports = {_PORT_OPTIONS[key]: port for key, port in wanted.items()}
    if first and cloud == DEFAULT_NAME:
        instead = {option: str(port) for option, port in _HIGH_PORTS.items() if lowest > port - _HIGHER}
        ports = {"--port": str(urlsplit(stack.api_url).port or 80)} | instead | ports
    elif first:
        ports = dict.fromkeys(_PORT_OPTIONS.values(), "0") | ports
    return ["start", "--name", cloud, *(f"{option}={port}" for option, port in ports.items())]


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
    return foreground.run([sys.executable, "-m", "localcloud", *words], project, environment)


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
    if str(stack.config.get("seatrial:edges", "1")) != "1":
        changes |= {"seatrial:edge_api": cloud.droplet_api_url, "seatrial:edge_token": cloud.token}
    return changes


def _described(status: Mapping[str, Any]) -> Cloud:
    return Cloud(
        api_url=status["api_url"],
        droplet_api_url=status["droplet_api_url"],
        token=status["token"],
        gateway=status["gateway"],
        front_port=status["front_http_port"],
        dns=status["dns"],
    )


def _lowest_port() -> int:
    """The lowest port that this user may open."""
    if os.geteuid() == 0:
        return 0
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    except (OSError, ValueError):
        return 1024


def _is_port(text: str) -> bool:
    return text.isdecimal() and int(text) <= 65535
