"""Which app hosts HAProxy sends requests to. Everything is said over its admin socket."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .wire import Failure, detail

BACKEND = "site"
_PAUSE = 0.05
_RELOAD_SECONDS = 30.0
_SURE = 4
_DRAINED = 0x08
"""The bit of srv_admin_state that says so."""
_IN_CONFIGURATION = re.compile(r"^\s*server (\S+) (\S+):\d+ ", re.MULTILINE)


@dataclass(frozen=True)
class Server:
    """An app host as HAProxy sees it. `status` is HAProxy's own word; `sessions`: requests now on it."""

    name: str
    status: str
    is_drained: bool
    sessions: int
    check: str

    @property
    def state(self) -> str:
        """DRAIN whenever it is drained, be it up or down; else UP, DOWN or MAINT."""
        return "DRAIN" if self.is_drained else self.status.split()[0]

    @property
    def is_serving(self) -> bool:
        """Whether new requests are sent to it."""
        return self.state == "UP"

    @property
    def is_healthy(self) -> bool:
        """Whether it serves and its last check was good; `UP 1/2` is one that is about to go down."""
        return self.is_serving and self.status == "UP"


@dataclass(frozen=True)
class Edge:
    """HAProxy on this host. `root` is / except in tests."""

    root: Path = Path("/")

    @property
    def socket(self) -> Path:
        return self.root / "run" / "haproxy" / "admin.sock"

    @property
    def saved(self) -> Path:
        """What the process that a reload starts reads of the servers."""
        return self.root / "run" / "haproxy" / "servers.state"

    @property
    def configuration(self) -> Path:
        return self.root / "etc" / "haproxy" / "haproxy.cfg"

    def ask(self, command: str) -> str:
        """What HAProxy answers. Raises Failure where it doesn't."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(10)
                connection.connect(str(self.socket))
                connection.sendall(command.encode() + b"\n")
                return b"".join(iter(lambda: connection.recv(65536), b"")).decode().strip()
        except OSError as error:
            raise Failure(
                f"HAProxy does not answer on {self.socket}: {error.strerror or error}",
                next_step="see on the edge: systemctl status haproxy",
            ) from None

    def servers(self) -> dict[str, Server]:
        """All app hosts, by name."""
        told = {row["srv_name"]: int(row["srv_admin_state"]) for row in self.states()[1]}
        table = csv.DictReader(io.StringIO(self.ask(f"show stat {BACKEND} 4 -1").removeprefix("# ")))
        return {row["svname"]: _server(row, told.get(row["svname"], 0)) for row in table}

    def worker(self) -> str:
        """The number of the process that answers; empty where it ended meanwhile."""
        info = dict(line.partition(": ")[::2] for line in self.ask("show info").splitlines())
        return info.get("Pid", "")

    def states(self) -> tuple[list[str], list[dict[str, str]]]:
        """What a reload is told of the servers: the two lines at the top, and a row for each."""
        version, header, *rows = self.ask(f"show servers state {BACKEND}").splitlines()
        columns = header.removeprefix("# ").split()
        return [version, header], [dict(zip(columns, row.split(), strict=False)) for row in rows]

    def server(self, name: str) -> Server:
        """One app host. Raises Failure where there is none of that name."""
        servers = self.servers()
        if name not in servers:
            raise Failure(
                f"this edge knows no app host '{name}'; it knows {', '.join(servers)}",
                next_step="run `make up` again, which provisions the edge",
            )
        return servers[name]

    def set_state(self, name: str, state: str) -> None:
        """`drain`, `ready` or `maint`. Raises Failure where HAProxy refuses."""
        complaint = self.ask(f"set server {BACKEND}/{name} state {state}")
        if complaint:
            raise Failure(f"HAProxy did not set {name} to {state}: {complaint}")

    def wait(self, name: str, patience: float, until: Callable[[Server], bool]) -> Server:
        """The server as soon as `until` holds for it, or after `patience` seconds."""
        deadline = time.monotonic() + patience
        while not until(found := self.server(name)) and time.monotonic() < deadline:
            time.sleep(_PAUSE)
        return found


def drain(edge: Edge, request: dict[str, Any]) -> dict[str, Any]:
    """Send a host no new requests, and wait until those on it are answered; says how many are left.

    The last host that serves stays in, or visitors would get the maintenance page: `drained` is false then.
    """
    name = str(request["server"])
    found = edge.server(name)
    others = [server for server in edge.servers().values() if server.name != name and server.is_serving]
    if found.is_serving and not others:
        detail(f"{name} is the only app host that serves: it stays in")
        return {**_facts(found), "drained": False}
    edge.set_state(name, "drain")
    left = edge.wait(name, float(request["timeout_seconds"]), lambda server: server.sessions == 0)
    return {**_facts(left), "drained": True}


def ready(edge: Edge, request: dict[str, Any]) -> dict[str, Any]:
    """Send a host requests again. Raises Failure where its health check does not find it up in time."""
    name = str(request["server"])
    edge.server(name)
    edge.set_state(name, "ready")
    found = edge.wait(name, float(request["timeout_seconds"]), lambda server: server.is_healthy)
    if not found.is_healthy:
        raise Failure(
            f"{name} is {found.status} for the edge: its health check says {found.check}",
            next_step="see on the app host: journalctl -t nginx, journalctl -u 'gunicorn@*'",
        )
    return _facts(found)


def status(edge: Edge, _: dict[str, Any]) -> dict[str, Any]:
    """All app hosts."""
    return {"servers": [{**_facts(server), "check": server.check} for server in edge.servers().values()]}


def retire(edge: Edge, request: dict[str, Any]) -> dict[str, Any]:
    """Drain every host that is not among `kept` (names with spaces between), before it is taken out."""
    kept = str(request["kept"]).split()
    gone = [name for name in edge.servers() if name not in kept]
    return {
        "retired": [
            drain(edge, {"server": name, "timeout_seconds": request["timeout_seconds"]}) for name in gone
        ]
    }


VERBS: dict[str, Callable[[Edge, dict[str, Any]], dict[str, Any]]] = {
    "edge-drain": drain,
    "edge-ready": ready,
    "edge-status": status,
    "edge-retire": retire,
}


def reload(edge: Edge, master: int) -> None:
    """Have HAProxy's `master` process start over with its configuration, and wait until that is what serves.

    Raises Failure where it isn't after 30 seconds.
    """
    keep(edge)
    before = edge.worker()
    os.kill(master, signal.SIGUSR2)
    deadline = time.monotonic() + _RELOAD_SECONDS
    new = 0  # answers in a row; while the ports are handed over, either process may give one
    while new < _SURE:
        if time.monotonic() > deadline:
            raise Failure("HAProxy still has its old configuration", next_step="journalctl -u haproxy")
        time.sleep(_PAUSE)
        with contextlib.suppress(Failure):
            new = new + 1 if edge.worker() not in ("", before) else 0


def keep(edge: Edge) -> None:
    """Write down the servers' states for a reload; one that is new is down until its check finds it up.

    HAProxy itself would take a new one for up, and send it requests before its first check.
    """
    top, known = edge.states()
    wanted = dict(_IN_CONFIGURATION.findall(edge.configuration.read_text()))
    lines = []
    for number, (name, address) in enumerate(wanted.items(), start=1):
        for row in known:
            if row["srv_name"] == name and row["srv_addr"] == address:
                break
        else:
            new = {"srv_id": str(number), "srv_name": name, "srv_addr": address}
            row = {**known[0], **_NEVER_CHECKED, **new}
        lines.append(" ".join(row[column] for column in known[0]))
    written = edge.saved.with_suffix(".new")
    written.write_text("\n".join([*top, *lines]) + "\n")
    written.replace(edge.saved)


_NEVER_CHECKED = {
    "srv_op_state": "0",
    "srv_admin_state": "0",
    "srv_time_since_last_change": "0",
    "srv_check_status": "1",
    "srv_check_result": "0",
    "srv_check_health": "0",
    "srv_check_state": "6",
}


def _server(row: dict[str, str], told: int) -> Server:
    said = " ".join(filter(None, (row.get("check_status"), row.get("check_code"), row.get("last_chk"))))
    return Server(
        name=row["svname"],
        status=row["status"],
        is_drained=bool(told & _DRAINED),
        sessions=int(row["scur"] or 0) + int(row["qcur"] or 0),
        check=said or "nothing yet",
    )


def _facts(server: Server) -> dict[str, Any]:
    return {"server": server.name, "state": server.state, "sessions": server.sessions}
