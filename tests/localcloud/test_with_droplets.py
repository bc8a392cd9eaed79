"""The whole cloud with a real droplet in it: started, used over HTTP and removed as a user would."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import docker
import httpx
import pytest

from tests.localcloud.client import Client
from tests.support.cloud import localcloud, running_cloud

NAME = "t-droplets"
HOST = "todo.seatrial.localhost"
USER_DATA = """#cloud-config
write_files:
  - path: /etc/systemd/system/hello.service
    content: |
      [Service]
      ExecStartPre=/bin/sh -c 'mkdir -p /srv/www && hostname > /srv/www/index.html'
      ExecStart=python3 -m http.server -d /srv/www 80
      [Install]
      WantedBy=multi-user.target
runcmd:
  - systemctl enable --now hello.service
"""
ASK = """
import http.client, socket, sys
interface, host, port, token, method, path = sys.argv[1:]
connection = http.client.HTTPConnection(host, int(port))
connection.sock = socket.socket()
connection.sock.settimeout(5)
connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
try:
    connection.sock.connect((host, int(port)))
except OSError:
    sys.exit(print("no connection"))
connection.request(method, path, headers={"Authorization": "Bearer " + token})
print(connection.getresponse().status)
"""
EVERYWHERE = {"addresses": ["0.0.0.0/0", "::/0"]}


@pytest.fixture(scope="module")
def cloud() -> Iterator[dict[str, Any]]:
    with running_cloud(NAME) as status:
        yield status


@pytest.fixture(scope="module")
def api(cloud: dict[str, Any]) -> Iterator[Client]:
    headers = {"Authorization": f"Bearer {cloud['token']}"}
    with httpx.Client(base_url=cloud["api_url"], headers=headers, timeout=60) as http:
        yield Client(http)


@pytest.fixture(scope="module")
def droplet(api: Client) -> dict[str, Any]:
    asked = {
        "name": "web-1",
        "region": "fra1",
        "size": "s-1vcpu-1gb",
        "image": "debian-13-x64",
        "tags": ["web"],
    }
    made = api.post("/v2/droplets", asked | {"user_data": USER_DATA}, expect=202)
    action = made["links"]["actions"][0]["id"]
    wait_for(lambda: api.get(f"/v2/actions/{action}")["action"]["status"] != "in-progress", 180)
    found: dict[str, Any] = api.get(f"/v2/droplets/{made['droplet']['id']}")["droplet"]
    assert found["status"] == "active"
    public = next(net["ip_address"] for net in found["networks"]["v4"] if net["type"] == "public")
    api.post("/v2/domains", {"name": "seatrial.localhost"})
    api.post("/v2/domains/seatrial.localhost/records", {"type": "A", "name": "todo", "data": public})
    return found


@pytest.fixture(scope="module")
def site(cloud: dict[str, Any], droplet: dict[str, Any]) -> Callable[[], str]:
    """Asks for the site as a browser would; its answer, or "" for none."""
    assert droplet["name"] == "web-1"

    def ask() -> str:
        url = f"http://127.0.0.1:{cloud['front_http_port']}/"
        answer = httpx.get(url, headers={"Host": HOST}, timeout=20)
        return answer.text.strip() if answer.status_code == 200 else ""

    wait_for(lambda: ask() == "web-1", 60)
    return ask


def wait_for(what: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.2)


def test_user_data_runs_and_the_site_opens_under_its_name(site: Callable[[], str]) -> None:
    assert site() == "web-1"


def test_a_firewall_closes_and_opens_the_site_at_once(
    api: Client, droplet: dict[str, Any], site: Callable[[], str]
) -> None:
    ssh = {"protocol": "tcp", "ports": "22", "sources": EVERYWHERE}
    web = {"protocol": "tcp", "ports": "80", "sources": EVERYWHERE}
    wall = api.post("/v2/firewalls", {"name": "wall", "inbound_rules": [ssh], "tags": ["web"]}, expect=202)
    path = f"/v2/firewalls/{wall['firewall']['id']}"
    assert site() == ""
    api.send("POST", f"{path}/rules", {"inbound_rules": [web]}, 204)
    assert site() == "web-1"
    api.delete(f"{path}/rules", {"inbound_rules": [web]})
    assert site() == ""
    tagged = {"resources": [{"resource_id": str(droplet["id"]), "resource_type": "droplet"}]}
    api.delete("/v2/tags/web/resources", tagged)
    assert site() == "web-1"
    api.delete(path)


def test_a_reserved_address_leads_to_its_droplet(
    api: Client, droplet: dict[str, Any], site: Callable[[], str]
) -> None:
    assert site()
    made = api.post("/v2/reserved_ips", {"droplet_id": droplet["id"]}, expect=202)
    action = made["links"]["actions"][0]["id"]
    wait_for(lambda: api.get(f"/v2/actions/{action}")["action"]["status"] == "completed")
    address = made["reserved_ip"]["ip"]
    assert httpx.get(f"http://{address}/", timeout=10).text.strip() == "web-1"
    api.delete(f"/v2/reserved_ips/{address}")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://{address}/", timeout=2)


def test_the_site_is_there_again_after_a_stop_and_a_start(site: Callable[[], str]) -> None:
    assert site()
    assert localcloud("stop", "--name", NAME).returncode == 0
    with pytest.raises(httpx.TransportError):
        site()
    assert localcloud("start", "--name", NAME).returncode == 0
    wait_for(lambda: site() == "web-1", 60)


def test_a_droplet_reaches_the_api_with_the_token_and_only_through_its_public_network(
    cloud: dict[str, Any], droplet: dict[str, Any], site: Callable[[], str]
) -> None:
    assert site()
    host, _, port = cloud["droplet_api_url"].removeprefix("http://").partition(":")

    def ask(interface: str, token: str, method: str = "GET", path: str = "/v2/reserved_ips") -> str:
        return inside(
            cloud, droplet["id"], ["python3", "-c", ASK, interface, host, port, token, method, path]
        )

    assert ask("eth0", cloud["token"]) == "200"
    assert ask("eth0", "another") == "401"
    assert ask("eth0", cloud["token"], "GET", "/v2/droplets") == "403", "it is not to manage the cloud"
    assert ask("eth0", cloud["token"], "DELETE", "/v2/reserved_ips/198.18.0.9") == "403"
    assert ask("eth1", cloud["token"]) == "no connection"


def test_a_droplet_that_is_off_is_shown_so(
    api: Client, droplet: dict[str, Any], site: Callable[[], str]
) -> None:
    path = f"/v2/droplets/{droplet['id']}"
    off = api.post(f"{path}/actions", {"type": "shutdown"})["action"]["id"]
    wait_for(lambda: api.get(f"/v2/actions/{off}")["action"]["status"] == "completed", 60)
    assert api.get(path)["droplet"]["status"] == "off"
    assert site() == ""
    on = api.post(f"{path}/actions", {"type": "power_on"})["action"]["id"]
    wait_for(lambda: api.get(f"/v2/actions/{on}")["action"]["status"] == "completed", 60)
    wait_for(lambda: site() == "web-1", 60)


def test_a_private_network_goes_once_its_last_droplet_is_gone(api: Client, cloud: dict[str, Any]) -> None:
    vpc = api.post("/v2/vpcs", {"name": "inner", "region": "fra1"})["vpc"]
    asked = {"name": "db", "region": "fra1", "size": "s-1vcpu-512mb-10gb", "image": "debian-13-x64"}
    made = api.post("/v2/droplets", asked | {"vpc_uuid": vpc["id"]}, expect=202)
    action = made["links"]["actions"][0]["id"]
    wait_for(lambda: api.get(f"/v2/actions/{action}")["action"]["status"] == "completed", 60)
    networks = len(ours(cloud, "networks"))
    api.delete(f"/v2/droplets/{made['droplet']['id']}")
    api.delete(f"/v2/vpcs/{vpc['id']}")
    assert len(ours(cloud, "networks")) == networks - 1


def test_reset_leaves_no_container_and_no_network() -> None:
    with running_cloud(f"{NAME}-2") as status:
        headers = {"Authorization": f"Bearer {status['token']}"}
        with httpx.Client(base_url=status["api_url"], headers=headers, timeout=60) as http:
            asked = {"name": "a", "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-13-x64"}
            made = Client(http).post("/v2/droplets", asked, expect=202)
            wait_for(lambda: bool(ours(status, "containers")), 60)
            shown = json.loads(localcloud("status", "--name", f"{NAME}-2", "--json").stdout)
            assert [each["id"] for each in shown["droplets"]] == [made["droplet"]["id"]]
        # In the midst of a droplet's making, even.
        assert localcloud("reset", "--name", f"{NAME}-2").returncode == 0
        # The engine may have ended too, where nothing else was left on it.
        with suppress(docker.errors.DockerException):
            assert ours(status, "containers") == ours(status, "networks") == []
        assert localcloud("status", "--name", f"{NAME}-2").returncode == 3


def inside(status: dict[str, Any], droplet: int, command: list[str]) -> str:
    """What a command prints in a droplet."""
    client = docker.DockerClient(base_url=status["docker_host"])
    try:
        ended = client.containers.get(f"{status['name']}-droplet-{droplet}").exec_run(command)
        assert isinstance(ended.output, bytes)
        assert ended.exit_code == 0, ended.output
        return ended.output.decode().strip()
    finally:
        client.close()


def ours(status: dict[str, Any], kind: str) -> list[str]:
    """The containers or networks of an instance that Docker has."""
    client = docker.DockerClient(base_url=status["docker_host"])
    try:
        label = {"label": f"seatrial.cloud={status['name']}"}
        if kind == "networks":
            return [str(network["Id"]) for network in client.api.networks(filters=label)]
        return [str(container["Id"]) for container in client.api.containers(all=True, filters=label)]
    finally:
        client.close()
