"""The sockets of an instance, bound before its daemon starts, so that a taken port is told at once."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

from localcloud.instance import InstanceError, Ports, PortsTaken

LOOPBACK = "127.0.0.1"
BACKLOG = 128
OPTIONS = {"api": "--port", "https": "--https-port", "dns": "--dns-port"} | {
    "front": "--front-port",
    "front_tls": "--front-tls-port",
}
PURPOSES = {
    "api": "the API",
    "https": "the API over https",
    "dns": "DNS",
    "front": "http to the droplets' sites",
    "front_tls": "https to the droplets' sites",
}


def bind(ports: Ports) -> tuple[dict[str, socket.socket], Ports]:
    """Bind every socket; returns them by name ("dns_udp" is DNS's second), and the ports they have.

    Raises PortsTaken, with a line for each port that cannot be had.
    """
    bound: dict[str, socket.socket] = {}
    problems = []
    for name, port in ports.model_dump().items():
        try:
            bound |= _bind_both(port) if name == "dns" else {name: _bind(port)}
        except OSError as error:
            problems.append(_explain(name, port, error))
    if problems:
        for sock in bound.values():
            sock.close()
        raise PortsTaken("\n".join(problems))
    chosen = Ports(**{name: bound[name].getsockname()[1] for name in ports.model_dump()})
    return bound, chosen


def bind_for_droplets(gateway: str, port: int, interface: str) -> socket.socket:
    """Where droplets reach the API: on their gateway's address, from their own network alone.

    Raises InstanceError.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        sock.bind((gateway, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        why = error.strerror or error
        raise InstanceError(f"droplets cannot be given the API at {gateway}:{port}: {why}") from error
    return sock


def _bind(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    sock = socket.socket(socket.AF_INET, kind)
    try:
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((LOOPBACK, port))
        if kind == socket.SOCK_STREAM:
            sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _bind_both(port: int) -> dict[str, socket.socket]:
    """DNS listens on the same port for UDP and TCP."""
    for attempt in range(20):
        udp = _bind(port, socket.SOCK_DGRAM)
        try:
            return {"dns": _bind(udp.getsockname()[1]), "dns_udp": udp}
        except OSError:
            udp.close()
            if port or attempt == 19:
                raise
    raise OSError("no port is free for both UDP and TCP")


def _explain(name: str, port: int, error: OSError) -> str:
    advice = f"free it, or choose another with {OPTIONS[name]} (0: any free one)"
    if isinstance(error, PermissionError):
        advice = f"run as root, or choose another with {OPTIONS[name]}"
        return f"port {port} ({PURPOSES[name]}) is not open to this user: {advice}"
    holder = owner(port)
    by = f" by {holder}" if holder else ""
    return f"port {port} ({PURPOSES[name]}) is taken{by}: {advice}"


def owner(port: int) -> str:
    """Which process has a port, such as "nginx (pid 12)"; "" where that cannot be seen."""
    inodes = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        with suppress(OSError):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                listening = fields[3] == "0A" or table.startswith("udp")
                if listening and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        with suppress(OSError):
            for handle in (process / "fd").iterdir():
                with suppress(OSError):
                    if str(handle.readlink()) in inodes:
                        return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return ""
