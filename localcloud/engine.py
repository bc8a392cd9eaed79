"""Docker's engine: the one that runs here, or one of our own where none does."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from localcloud import netfilter
from localcloud.machine_types import MachineError

Say = Callable[[str], None]

LABEL = "seatrial.cloud"
"""On every container and network of a local cloud; its value is the instance's name."""

_DEFAULT_SOCKET = Path("/var/run/docker.sock")
_NEED = Path(__file__).resolve().parent.parent / "tools" / "need.sh"
_START_SECONDS = 60


def say(line: str) -> None:
    """One line of progress, on stderr."""
    print(f"seatrial: {line}", file=sys.stderr, flush=True)


def cache_dir() -> Path:
    """Where images and the data of our own engine are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seatrial"


def run_dir() -> Path:
    """Socket, pid file and run-time state of our own engine: short, for a socket's name has a limit,
    and gone with the machine's next boot, as they should be."""
    return Path("/run") / f"seatrial-{hashlib.sha256(str(cache_dir()).encode()).hexdigest()[:8]}"


def own_host() -> str:
    """Where our own engine listens when it runs."""
    return f"unix://{run_dir() / 'docker.sock'}"


def connect(docker_host: str) -> docker.DockerClient:
    """A client of the engine at `docker_host`.

    Raises:
        MachineError: it does not answer.
    """
    try:
        client = docker.DockerClient(base_url=docker_host, version="auto", timeout=120, max_pool_size=32)
    except DockerException as error:
        raise MachineError(f"Docker's engine does not answer on {docker_host}: {_cause(error)}") from error
    return client


def answers(client: docker.DockerClient) -> bool:
    """Whether the client's engine is still there."""
    try:
        return bool(client.ping())
    except (DockerException, RequestException):
        return False


def find_docker() -> str | None:
    """The engine that answers now: DOCKER_HOST's, our own, or the default socket's; None where none does.

    Raises:
        MachineError: DOCKER_HOST names one that does not answer, or we may not talk to the one there is.
    """
    named = os.environ.get("DOCKER_HOST")
    if named:
        if _answers(named):
            return named
        raise MachineError(
            f"DOCKER_HOST is {named}, but no engine answers there; start it, or unset DOCKER_HOST"
        )
    for socket in (run_dir() / "docker.sock", _DEFAULT_SOCKET):
        if not socket.exists():
            continue
        if not os.access(socket, os.R_OK | os.W_OK):
            raise MachineError(
                f"Docker's socket {socket} is closed to this user; join its group "
                f"(sudo usermod -aG docker $USER, then log in again), or run this with sudo"
            )
        if _answers(f"unix://{socket}"):
            return f"unix://{socket}"
    return None


def may_hold_containers() -> bool:
    """Whether there is anything to ask for containers: an engine that answers, or data of our own."""
    return (cache_dir() / "docker").is_dir() or find_docker() is not None


def ensure_docker(tell: Say = say) -> str:
    """The URL of an engine that answers; one of our own is installed and started where none does.

    May ask for sudo's password, so call it once from a terminal before anything goes to the background.

    Raises:
        MachineError: there is none and it could not be installed or started.
    """
    found = find_docker()
    if found:
        return found
    with locked("engine"):
        found = find_docker()
        if found:
            return found
        if not sys.platform.startswith("linux"):
            raise MachineError("no Docker engine answers; the local cloud needs one on Linux")
        as_root("true")  # refused now rather than half-way
        _install()
        _start(tell)
    return own_host()


def stop_if_unused(tell: Say = say) -> bool:
    """Ends the engine that we started once no container and no local cloud's network is left on it.

    What it put on the machine's network goes with it. True where an engine was ended.
    """
    with locked("engine"):
        if not _answers(own_host()):
            return False
        client = connect(own_host())
        try:
            if client.api.containers(all=True) or client.api.networks(filters={"label": LABEL}):
                return False
        finally:
            client.close()
        tell("ending the Docker engine that was started for the local cloud")
        _stop()
        return True


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Holds the lock `name` of this user's cache against other processes."""
    directory = cache_dir()
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def as_root(*command: str) -> list[str]:
    """The command as root would run it.

    Raises:
        MachineError: we are not root and there is no sudo.
    """
    if os.geteuid() == 0:
        return list(command)
    if shutil.which("sudo") is None:
        raise MachineError(
            "no Docker engine answers, and starting one needs root: run this as root, install sudo, "
            "or start Docker yourself"
        )
    return ["sudo", *command]


def _answers(docker_host: str) -> bool:
    try:
        client = docker.DockerClient(base_url=docker_host, version="auto", timeout=10)
    except (DockerException, ValueError):
        return False
    client.close()
    return True


def _install() -> None:
    result = subprocess.run(
        [str(_NEED), "dockerd=docker.io", "nft=nftables", "iptables=iptables"],
        stdin=None,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    notes = [line for line in result.stderr.splitlines() if line.strip()]
    for line in notes if result.returncode == 0 else notes[:-1]:
        print(line, file=sys.stderr)
    if result.returncode != 0:
        last = notes[-1] if notes else "no reason given"
        raise MachineError(f"the local cloud needs Docker's engine: {last.removeprefix('seatrial: ')}")


def _start(tell: Say) -> None:
    run, data, log = run_dir(), cache_dir() / "docker", cache_dir() / "docker.log"
    tell(f"starting a Docker engine of our own (data {data}, log {log})")
    arguments = [
        "dockerd",
        f"--data-root={data}",
        f"--exec-root={run / 'exec'}",
        f"--host=unix://{run / 'docker.sock'}",
        f"--group={os.getegid()}",
        f"--pidfile={run / 'dockerd.pid'}",
        "--bridge=none",  # every droplet is on a network of its own instance
        "--log-level=warn",
    ]
    before = json.dumps(netfilter.snapshot(as_root))
    kept = shlex.quote(str(run / "before.json"))
    script = (
        f"PATH=$PATH:/usr/sbin:/sbin; mkdir -p {shlex.quote(str(run))}; chmod 755 {shlex.quote(str(run))}; "
        # An engine of ours that died left its own rules: what counts is how it was before that one.
        f"[ -e {kept} ] || printf %s {shlex.quote(before)} > {kept}; "
        f"setsid {shlex.join(arguments)} >{shlex.quote(str(log))} 2>&1 </dev/null &"
    )
    if subprocess.run(as_root("sh", "-c", script), check=False).returncode != 0:
        raise MachineError("starting a Docker engine needs root, and sudo refused: start Docker yourself")
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if _answers(own_host()):
            return
        if time.monotonic() > deadline - _START_SECONDS + 3 and not _own_pid():
            break
        time.sleep(0.2)
    last = (
        [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-1:]
        if log.exists()
        else []
    )
    raise MachineError(f"Docker's engine did not start; its log {log} ends: {''.join(last) or '(nothing)'}")


def _own_pid() -> int | None:
    """The process id of our own engine, while it lives."""
    try:
        pid = int((run_dir() / "dockerd.pid").read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except (OSError, ValueError):
        return None
    return pid if name == "dockerd" else None


def _stop() -> None:
    run = run_dir()
    pid = _own_pid()
    if pid is not None:
        subprocess.run(as_root("kill", "-TERM", str(pid)), check=False)
        deadline = time.monotonic() + 30
        while _own_pid() == pid:
            if time.monotonic() > deadline:
                raise MachineError(f"our Docker engine, process {pid}, does not end; log in {cache_dir()}")
            time.sleep(0.1)
    # One that was killed leaves mounts, and with them folders that nobody can remove.
    for point in reversed(_mounts_below(str(run), str(cache_dir() / "docker"))):
        subprocess.run(as_root("umount", "--lazy", point), check=False)
    try:
        before = json.loads((run / "before.json").read_text())
    except (OSError, ValueError):
        before = None
    if before is not None:
        netfilter.restore(before, as_root)
    subprocess.run(as_root("rm", "-rf", str(run)), check=False)


def _mounts_below(*folders: str) -> list[str]:
    """The mount points that are one of the folders or in one, in the order they were mounted."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    points = [line.split()[1].replace("\\040", " ") for line in mounts]
    return [point for point in points if any(f"{point}/".startswith(f"{folder}/") for folder in folders)]


def _cause(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
