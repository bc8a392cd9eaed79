"""The commands, on a cloud of their own without Docker: start, status, stop, reset; and its listeners."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from dnslib import DNSRecord  # type: ignore[import-untyped]
from pydo import Client as Pydo

from localcloud.__main__ import PORTS_TAKEN
from tests.localcloud.keys import public_key
from tests.support.cloud import FREE_PORTS, localcloud, running_cloud

NAME = "t-commands"
DEFAULT_TOKEN, GIVEN_TOKEN = "local", "secret-token"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "seatrial"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        with running_cloud("t-listeners", api_only=True, token=GIVEN_TOKEN) as status:
            yield status


def http(status: dict[str, Any]) -> httpx.Client:
    return httpx.Client(
        base_url=status["api_url"], headers={"Authorization": f"Bearer {status['token']}"}, timeout=30
    )


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_start_is_done_once_and_everything_outlives_a_stop(home: Path) -> None:
    with running_cloud(NAME, api_only=True) as status:
        assert status["running"] is True
        assert status["token"] == DEFAULT_TOKEN
        with http(status) as api:
            assert api.post("/v2/domains", json={"name": "example.com"}).status_code == 201
        again = localcloud("start", "--name", NAME, "--api-only")
        assert (again.returncode, "runs already" in again.stdout) == (0, True)
        assert "stopped" in localcloud("stop", "--name", NAME).stdout
        assert not lives(status["pid"])
        off = localcloud("status", "--name", NAME, "--json")
        assert (off.returncode, json.loads(off.stdout)["running"]) == (3, False)
        assert "was not running" in localcloud("stop", "--name", NAME).stdout
        started = localcloud("start", "--name", NAME, "--api-only", "--json")
        restarted = json.loads(started.stdout)
        assert restarted["api_url"] == status["api_url"]
        with http(restarted) as api:
            assert [each["name"] for each in api.get("/v2/domains").json()["domains"]] == ["example.com"]
    assert list(home.iterdir()) == []
    assert not lives(restarted["pid"])


def test_reset_of_what_is_not_there_does_nothing(home: Path) -> None:
    done = localcloud("reset", "--name", NAME)
    assert (done.returncode, "does not exist" in done.stdout) == (0, True)
    assert not home.exists()
    assert localcloud("status", "--name", NAME).returncode == 3


def test_taken_ports_are_named_all_together_with_who_has_them(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        taken = [server.getsockname()[1] for server in (first, second)]
        options = [f"--port={taken[0]}", f"--front-port={taken[1]}", *FREE_PORTS[1:3], FREE_PORTS[4]]
        done = localcloud("start", "--name", NAME, "--api-only", *options)
    lines = done.stderr.splitlines()
    assert done.returncode == PORTS_TAKEN
    assert len(lines) == 2
    for line, port, option in zip(lines, taken, ("--port", "--front-port"), strict=True):
        assert f"port {port} " in line
        assert f"(pid {os.getpid()})" in line
        assert f"choose another with {option} " in line
    assert localcloud("reset", "--name", NAME).returncode == 0
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--port", "99999"], "is no port: 0 to 65535"),
        (["--port", "http"], "is no port: 0 to 65535"),
        (["--name", "../x"], "a name has small letters"),
    ],
)
def test_a_wrong_option_is_one_clear_line(home: Path, words: list[str], message: str) -> None:
    done = localcloud("start", "--api-only", *words)
    assert done.returncode != 0
    assert message in done.stderr.splitlines()[-1]
    assert not home.exists()


def test_a_damaged_state_is_named_and_reset_helps(home: Path) -> None:
    with running_cloud(NAME, api_only=True):
        localcloud("stop", "--name", NAME)
        state = home / NAME / "state.json"
        state.write_text("{")
        done = localcloud("start", "--name", NAME, "--api-only")
        assert done.returncode == 1
        assert "state.json cannot be read" in done.stderr
        assert "python -m localcloud reset" in done.stderr
        assert "Traceback" not in done.stderr
        (home / NAME / "settings.json").write_text("{")
        assert "settings.json cannot be read" in localcloud("status", "--name", NAME).stderr
    assert list(home.iterdir()) == []


def test_everything_listens_on_loopback_alone_and_files_are_private(cloud: dict[str, Any]) -> None:
    ports = {int(cloud[name].rsplit(":", 1)[1]) for name in ("api_url", "api_https_url", "dns")}
    ports |= {cloud["front_http_port"], cloud["front_https_port"]}
    listening = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            address, port = line.split()[1].rsplit(":", 1)
            if int(port, 16) in ports and line.split()[3] in ("0A", "07"):
                listening.add((table, address, int(port, 16)))
    assert {port for _, _, port in listening} == ports
    assert {address for _, address, _ in listening} == {"0100007F"}
    directory = Path(cloud["state_directory"])
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for name in ("settings.json", "ca-key.pem", "server-key.pem"):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600, name


def test_the_token_is_the_one_that_was_given(cloud: dict[str, Any]) -> None:
    assert cloud["token"] == GIVEN_TOKEN
    with http(cloud) as api:
        assert api.get("/v2/account").status_code == 200
    assert httpx.get(f"{cloud['api_url']}/v2/account").status_code == 401


def test_pydo_works_unchanged_over_https_with_the_local_ca(cloud: dict[str, Any]) -> None:
    client = Pydo(cloud["token"], endpoint=cloud["api_https_url"], connection_verify=cloud["ca_file"])
    with client:
        use(client)


def use(client: Pydo) -> None:
    """A little of everything, as pydo's users write it."""
    assert client.account.get()["account"]["status"] == "active"
    key = client.ssh_keys.create({"name": "laptop", "public_key": public_key("pydo")})["ssh_key"]
    assert client.ssh_keys.get(key["id"])["ssh_key"] == key
    vpc = client.vpcs.create({"name": "pydo", "region": "fra1"})["vpc"]
    client.tags.create({"name": "pydo"})
    rule = {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["0.0.0.0/0"]}}
    wall = client.firewalls.create({"name": "pydo", "inbound_rules": [rule], "tags": ["pydo"]})["firewall"]
    assert client.firewalls.list()["firewalls"] == [wall]
    client.domains.create({"name": "pydo.example"})
    record = client.domains.create_record("pydo.example", {"type": "A", "name": "www", "data": "198.18.0.9"})
    path = record["domain_record"]["id"]
    client.domains.update_record("pydo.example", path, {"type": "A", "data": "198.18.0.8"})
    assert client.domains.get_record("pydo.example", path)["domain_record"]["data"] == "198.18.0.8"
    ip = client.reserved_ips.create({"region": "fra1"})["reserved_ip"]["ip"]
    project = client.projects.create(
        {"name": "pydo", "purpose": "x", "description": "", "environment": "Staging"}
    )
    client.projects.assign_resources(project["project"]["id"], {"resources": ["do:domain:pydo.example"]})
    client.domains.delete("pydo.example")
    client.projects.delete(project["project"]["id"])
    client.reserved_ips.delete(ip)
    client.firewalls.delete(wall["id"])
    client.tags.delete("pydo")
    client.vpcs.delete(vpc["id"])
    client.ssh_keys.delete(key["id"])
    assert client.vpcs.get(vpc["id"])["id"] == "not_found"


def test_a_droplet_cannot_be_made_without_docker_and_status_says_why(cloud: dict[str, Any]) -> None:
    asked = {"name": "web", "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-13-x64"}
    with http(cloud) as api:
        made = api.post("/v2/droplets", json=asked).json()
        action = made["links"]["actions"][0]["href"]
        while api.get(action).json()["action"]["status"] == "in-progress":
            pass
        assert api.get(action).json()["action"]["status"] == "errored"
        assert api.get(f"/v2/droplets/{made['droplet']['id']}").status_code == 404
    shown = localcloud("status", "--name", cloud["name"]).stdout
    assert "started with --api-only, so droplets cannot be made in it" in shown


def test_what_is_made_at_the_same_time_does_not_collide(cloud: dict[str, Any]) -> None:
    def make(number: int) -> dict[str, Any]:
        with http(cloud) as api:
            answer = api.post("/v2/vpcs", json={"name": f"net-{number}", "region": "fra1"})
            assert answer.status_code == 201, answer.text
            return dict(answer.json()["vpc"])

    with ThreadPoolExecutor(12) as pool:
        vpcs = list(pool.map(make, range(12)))
    ranges = [ip_network(vpc["ip_range"]) for vpc in vpcs]
    assert not any(a.overlaps(b) for a in ranges for b in ranges if a is not b)
    with http(cloud) as api:
        listed = api.get("/v2/vpcs").json()["vpcs"]
    assert [vpc["name"] for vpc in listed if vpc["default"] and vpc["region"] == "fra1"] == ["default-fra1"]


def test_names_are_served_over_udp_and_tcp(cloud: dict[str, Any]) -> None:
    host, port = cloud["dns"].split(":")
    with http(cloud) as api:
        api.post("/v2/domains", json={"name": "dns.example", "ip_address": "198.18.0.9"})
    for tcp in (False, True):
        answer = DNSRecord.parse(DNSRecord.question("dns.example").send(host, int(port), tcp=tcp, timeout=10))
        assert [str(record.rdata) for record in answer.rr] == ["198.18.0.9"]


def test_the_front_door_is_open(cloud: dict[str, Any]) -> None:
    answer = httpx.get(f"http://127.0.0.1:{cloud['front_http_port']}/", headers={"Host": "none.example"})
    assert answer.status_code == 502
    assert "No record in the local cloud gives an address for none.example" in answer.text
