"""What Docker's engine leaves in the machine's packet filter when it ends, and how it goes away."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

_TOOLS = ("iptables", "ip6tables")
_TABLES = ("filter", "nat", "raw")
_FORWARDING = {
    "net.ipv4.ip_forward": Path("/proc/sys/net/ipv4/ip_forward"),
    "net.ipv6.conf.all.forwarding": Path("/proc/sys/net/ipv6/conf/all/forwarding"),
}


class Snapshot(TypedDict):
    """The machine's state before the engine started: chains Docker had already, forwarding, policies."""

    docker_chains: bool
    forwarding: dict[str, str]
    policies: dict[str, str]


def docker_leftovers(listing: str) -> tuple[list[str], list[str]]:
    """From `iptables -S` text: the rules that jump into Docker's chains or serve its bridges as
    arguments that delete them, and the names of its chains."""
    chains: list[str] = []
    rules: list[str] = []
    for line in listing.splitlines():
        words = shlex.split(line)
        if len(words) >= 2 and words[0] == "-N" and words[1].startswith("DOCKER"):
            chains.append(words[1])
        elif len(words) > 2 and words[0] == "-A" and not words[1].startswith("DOCKER"):
            target = words[words.index("-j") + 1] if "-j" in words else ""
            if target.startswith("DOCKER"):
                rules.append(" ".join(["-D", *(shlex.quote(word) for word in words[1:])]))
    return rules, chains


def snapshot(as_root: Callable[..., list[str]]) -> Snapshot:
    """What to come back to. What cannot be read counts as absent."""
    return {
        "docker_chains": "-N DOCKER" in _list("iptables", "filter", as_root),
        "forwarding": {key: path.read_text().strip() for key, path in _FORWARDING.items() if path.exists()},
        "policies": {
            tool: policy for tool in _TOOLS if (policy := forward_policy(_list(tool, "filter", as_root)))
        },
    }


def forward_policy(listing: str) -> str:
    """The FORWARD chain's policy in `iptables -S` text; empty where it has none."""
    for line in listing.splitlines():
        if line.startswith("-P FORWARD "):
            return line.split()[2]
    return ""


def restore(before: Snapshot, as_root: Callable[..., list[str]]) -> None:
    """Takes away Docker's chains and rules, and puts forwarding back as it was.

    Does nothing to the chains where Docker's were there before: they are another engine's.
    """
    if not before["docker_chains"]:
        for tool in _TOOLS:
            for table in _TABLES:
                _clear(tool, table, as_root)
    for tool, policy in before["policies"].items():
        if forward_policy(_list(tool, "filter", as_root)) not in ("", policy):
            _run(as_root(tool, "-w", "-P", "FORWARD", policy))
    for key, value in before["forwarding"].items():
        if _FORWARDING[key].read_text().strip() != value:
            _run(as_root("sysctl", "-q", "-w", f"{key}={value}"))


def _clear(tool: str, table: str, as_root: Callable[..., list[str]]) -> None:
    rules, chains = docker_leftovers(_list(tool, table, as_root))
    for rule in rules:
        _run(as_root(tool, "-w", "-t", table, *shlex.split(rule)))
    for flag in ("-F", "-X"):  # all are empty before the first goes: they name each other
        for chain in chains:
            _run(as_root(tool, "-w", "-t", table, flag, chain))


def _list(tool: str, table: str, as_root: Callable[..., list[str]]) -> str:
    if shutil.which(tool, path="/usr/sbin:/sbin:/usr/bin:/bin") is None:
        return ""
    result = subprocess.run(
        as_root(tool, "-w", "-t", table, "-S"), capture_output=True, text=True, check=False
    )
    return result.stdout if result.returncode == 0 else ""


def _run(command: list[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
