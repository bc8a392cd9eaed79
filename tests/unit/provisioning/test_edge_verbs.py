from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioning.onhost import edge
from provisioning.onhost.edge import Edge
from provisioning.onhost.wire import Failure

HEADER = "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_check_health srv_port"


class FakeHaproxy:
    """Answers on an admin socket. `servers`: name to status and open requests, of which one ends a look."""

    def __init__(self, root: Path) -> None:
        self.servers: dict[str, tuple[str, int]] = {"app-1": ("UP", 0), "app-2": ("UP", 0)}
        self.up = "UP"
        self.worker = ""
        self.workers = iter(["7"])
        self.told: list[str] = []
        path = root / "run/haproxy/admin.sock"
        path.parent.mkdir(parents=True)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.sendall(self._answer(connection.recv(4096).decode().strip()).encode() + b"\n")

    def _answer(self, command: str) -> str:
        words = command.split()
        if words[:2] == ["show", "stat"]:
            rows = [
                f"site,{name},0,{open_},{state},L7OK,200," for name, (state, open_) in self.servers.items()
            ]
            self.servers = {name: (state, max(0, n - 1)) for name, (state, n) in self.servers.items()}
            return "\n".join(["# pxname,svname,qcur,scur,status,check_status,check_code,last_chk", *rows])
        if words[:2] == ["show", "servers"]:
            told = {name: 8 if state == "DRAIN" else 0 for name, (state, _) in self.servers.items()}
            rows = [f"3 site {n} app-{n} 10.0.0.{n} 2 {told[f'app-{n}']} 3 80" for n in (1, 2)]
            return "\n".join(["1", HEADER, *rows, ""])
        if words == ["show", "info"]:
            self.worker = next(self.workers, self.worker)
            return f"Name: HAProxy\nPid: {self.worker}\n"
        self.told.append(command)
        name, state = words[2].split("/")[1], words[-1]
        self.servers[name] = ("DRAIN" if state == "drain" else self.up, self.servers[name][1])
        return ""


@pytest.fixture
def haproxy(tmp_path: Path) -> Iterator[FakeHaproxy]:
    fake = FakeHaproxy(tmp_path)
    yield fake
    fake.close()


def ask(root: Path, name: str, **request: object) -> dict[str, object]:
    return edge.VERBS[f"edge-{name}"](Edge(root), request)


def test_draining_waits_until_the_last_open_request_is_answered(haproxy: FakeHaproxy, tmp_path: Path) -> None:
    haproxy.servers["app-1"] = ("UP", 4)
    assert ask(tmp_path, "drain", server="app-1", timeout_seconds=20) == {
        "server": "app-1",
        "state": "DRAIN",
        "sessions": 0,
        "drained": True,
    }
    assert haproxy.told == ["set server site/app-1 state drain"]


def test_draining_says_how_many_requests_are_left_when_the_time_is_up(
    haproxy: FakeHaproxy, tmp_path: Path
) -> None:
    haproxy.servers["app-1"] = ("UP", 1000)
    left = ask(tmp_path, "drain", server="app-1", timeout_seconds=0)["sessions"]
    assert isinstance(left, int)
    assert 990 < left < 1000


def test_the_only_host_that_serves_stays_in(haproxy: FakeHaproxy, tmp_path: Path) -> None:
    haproxy.servers["app-2"] = ("DOWN", 0)
    assert ask(tmp_path, "drain", server="app-1", timeout_seconds=5)["drained"] is False
    assert haproxy.told == []


def test_a_host_that_is_down_already_is_drained_all_the_same(haproxy: FakeHaproxy, tmp_path: Path) -> None:
    haproxy.servers["app-2"] = ("DOWN", 0)
    assert ask(tmp_path, "drain", server="app-2", timeout_seconds=5)["drained"] is True


def test_hosts_that_are_to_go_are_drained_and_no_other(haproxy: FakeHaproxy, tmp_path: Path) -> None:
    ask(tmp_path, "retire", kept="app-2 app-3", timeout_seconds=5)
    assert haproxy.told == ["set server site/app-1 state drain"]


def test_an_edge_without_haproxy_says_what_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"HAProxy does not answer on .*admin\.sock: No such file") as raised:
        ask(tmp_path, "status")
    assert raised.value.next_step == "see on the edge: systemctl status haproxy"


def test_a_host_whose_last_check_failed_is_not_ready_though_it_still_counts_as_up(
    haproxy: FakeHaproxy, tmp_path: Path
) -> None:
    haproxy.up = "UP 1/2"
    with pytest.raises(Failure, match="app-1 is UP 1/2 for the edge: its health check says L7OK 200"):
        ask(tmp_path, "ready", server="app-1", timeout_seconds=0)
    haproxy.up = "UP"
    assert ask(tmp_path, "ready", server="app-1", timeout_seconds=0)["state"] == "UP"


def test_a_reload_is_done_once_only_the_new_process_answers(
    haproxy: FakeHaproxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc/haproxy").mkdir(parents=True)
    (tmp_path / "etc/haproxy/haproxy.cfg").write_text("    server app-1 10.0.0.1:80 check\n")
    signalled: list[tuple[int, int]] = []
    monkeypatch.setattr("os.kill", lambda pid, number: signalled.append((pid, number)))
    haproxy.workers = iter(["7", "7", "8", "7", "8"])
    edge.reload(Edge(tmp_path), 6)
    assert signalled == [(6, signal.SIGUSR2)]
    assert next(haproxy.workers, None) is None  # the old one's last word was waited for


def test_a_reload_finds_known_hosts_as_they_were_and_new_ones_down(
    haproxy: FakeHaproxy, tmp_path: Path
) -> None:
    haproxy.servers["app-1"] = ("DRAIN", 0)
    configuration = tmp_path / "etc/haproxy/haproxy.cfg"
    configuration.parent.mkdir(parents=True)
    # app-2 was replaced: its name is known, its address is not.
    configuration.write_text(
        "backend site\n"
        "    default-server inter 1s\n"
        "    server app-1 10.0.0.1:80 check\n"
        "    server app-2 10.0.0.7:80 check\n"
        "    server app-3 10.0.0.8:80 check\n"
    )
    edge.keep(Edge(tmp_path))
    assert (tmp_path / "run/haproxy/servers.state").read_text().splitlines() == [
        "1",
        HEADER,
        "3 site 1 app-1 10.0.0.1 2 8 3 80",
        "3 site 2 app-2 10.0.0.7 0 0 0 80",
        "3 site 3 app-3 10.0.0.8 0 0 0 80",
    ]
