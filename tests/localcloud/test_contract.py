"""Every answer of a broad scenario is as DigitalOcean's API description says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from localcloud.app import create_app
from localcloud.cloud import Cloud
from tests.localcloud.client import Client
from tests.localcloud.conftest import TOKEN
from tests.localcloud.contract import DESCRIPTION, Contract
from tests.localcloud.keys import public_key

pytestmark = pytest.mark.skipif(
    not DESCRIPTION.exists(),
    reason="DigitalOcean's API description is not there: ../shared/data/digitalocean-openapi.json",
)
DROPLET = {"region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-13-x64"}


@pytest.fixture
def watched(cloud: Cloud) -> Iterator[tuple[Client, Contract]]:
    contract = Contract()
    problems: list[str] = []
    http = TestClient(create_app(cloud, TOKEN), headers={"Authorization": f"Bearer {TOKEN}"})

    def check(answer: httpx.Response) -> None:
        answer.read()
        problems.extend(contract.problems(answer))

    http.event_hooks = {"response": [check]}
    yield Client(http), contract
    assert not problems, "\n".join(sorted(set(problems)))


def test_answers_are_as_the_api_description_says(watched: tuple[Client, Contract]) -> None:
    api, contract = watched
    visit_account(api)
    vpc = visit_vpcs(api)
    droplet = visit_droplets(api, vpc)
    visit_tags(api, droplet)
    visit_firewalls(api, droplet)
    visit_domains(api)
    visit_reserved_ips(api, droplet)
    visit_projects(api, droplet)
    visit_ends(api, droplet, vpc)
    assert len(contract.checked) > 75


def visit_account(api: Client) -> None:
    api.get("/v2/account")
    key = api.post("/v2/account/keys", {"name": "laptop", "public_key": public_key()})["ssh_key"]
    api.get("/v2/account/keys")
    api.get(f"/v2/account/keys/{key['id']}")
    api.get(f"/v2/account/keys/{key['fingerprint']}")
    api.put(f"/v2/account/keys/{key['id']}", {"name": "desktop"})
    api.post("/v2/account/keys", {"name": "again", "public_key": public_key()}, expect=422)
    api.delete(f"/v2/account/keys/{key['id']}")
    api.get(f"/v2/account/keys/{key['id']}", expect=404)
    api.http.get("/v2/account", headers={"Authorization": "Bearer wrong"})
    for kind in ("regions", "sizes", "images"):
        assert api.get(f"/v2/{kind}")[kind]
    api.get("/v2/images?type=distribution")
    api.get("/v2/images/debian-13-x64")
    api.get("/v2/images/none", expect=404)


def visit_vpcs(api: Client) -> dict[str, Any]:
    vpc: dict[str, Any] = api.post("/v2/vpcs", {"name": "private", "region": "fra1"})["vpc"]
    api.get("/v2/vpcs")
    api.get(f"/v2/vpcs/{vpc['id']}")
    api.put(f"/v2/vpcs/{vpc['id']}", {"name": "renamed", "description": "the inner net"})
    api.patch(f"/v2/vpcs/{vpc['id']}", {"name": "private"})
    api.get(f"/v2/vpcs/{vpc['id']}/peerings")
    api.post("/v2/vpcs", {"name": "private", "region": "fra1"}, expect=422)
    api.get("/v2/vpcs/none", expect=404)
    return vpc


def visit_droplets(api: Client, vpc: dict[str, Any]) -> dict[str, Any]:
    asked = DROPLET | {"name": "web", "vpc_uuid": vpc["id"], "tags": ["web"], "monitoring": True}
    made = api.post("/v2/droplets", asked, expect=202)
    api.until_done(made["links"]["actions"][0]["id"])
    several = api.post("/v2/droplets", DROPLET | {"names": ["a", "b"]}, expect=202)
    for link in several["links"]["actions"]:
        api.until_done(link["id"])
    id = made["droplet"]["id"]
    api.get("/v2/droplets")
    api.get("/v2/droplets?tag_name=web&per_page=1")
    api.get("/v2/droplets?per_page=1&page=2")
    api.get(f"/v2/vpcs/{vpc['id']}/members")
    for folder in ("actions", "backups", "snapshots", "firewalls", "destroy_with_associated_resources"):
        api.get(f"/v2/droplets/{id}/{folder}")
    for action in (
        {"type": "power_off"},
        {"type": "resize", "size": "s-2vcpu-2gb", "disk": True},
        {"type": "power_on"},
        {"type": "rename", "name": "web-1"},
        {"type": "reboot"},
    ):
        done = api.act(f"/v2/droplets/{id}/actions", **action)
        api.get(f"/v2/droplets/{id}/actions/{done['id']}")
    for done in api.post("/v2/droplets/actions?tag_name=web", {"type": "power_cycle"})["actions"]:
        api.until_done(done["id"])
    api.get("/v2/actions")
    api.post("/v2/droplets", DROPLET | {"name": "under_score"}, expect=422)
    api.get("/v2/droplets/1", expect=404)
    api.get("/v2/actions/1", expect=404)
    droplet: dict[str, Any] = api.get(f"/v2/droplets/{id}")["droplet"]
    return droplet


def visit_tags(api: Client, droplet: dict[str, Any]) -> None:
    api.post("/v2/tags", {"name": "blue"})
    resources = {"resources": [{"resource_id": str(droplet["id"]), "resource_type": "droplet"}]}
    api.send("POST", "/v2/tags/blue/resources", resources, 204)
    api.get("/v2/tags")
    api.get("/v2/tags/blue")
    api.delete("/v2/tags/blue/resources", resources)
    api.delete("/v2/tags/blue")
    api.get("/v2/tags/blue", expect=404)


def visit_firewalls(api: Client, droplet: dict[str, Any]) -> None:
    inbound = [{"protocol": "tcp", "ports": "22", "sources": {"addresses": ["0.0.0.0/0", "::/0"]}}]
    outbound = [
        {"protocol": "icmp", "destinations": {"addresses": ["0.0.0.0/0"]}},
        {"protocol": "udp", "ports": "all", "destinations": {"tags": ["web"]}},
    ]
    body = {"name": "wall", "inbound_rules": inbound, "outbound_rules": outbound}
    made = api.post("/v2/firewalls", body | {"droplet_ids": [droplet["id"]]}, expect=202)["firewall"]
    path = f"/v2/firewalls/{made['id']}"
    api.get("/v2/firewalls")
    api.get(path)
    api.put(path, body | {"tags": ["web"]})
    api.get(f"/v2/droplets/{droplet['id']}/firewalls")
    more = {"inbound_rules": [inbound[0] | {"ports": "80"}]}
    for folder, change in (
        ("droplets", {"droplet_ids": [droplet["id"]]}),
        ("tags", {"tags": ["web"]}),
        ("rules", more),
    ):
        api.send("POST", f"{path}/{folder}", change, 204)
        api.delete(f"{path}/{folder}", change)
    api.post("/v2/firewalls", body, expect=409)
    api.delete(path)
    api.get(path, expect=404)


def visit_domains(api: Client) -> None:
    api.post("/v2/domains", {"name": "example.com", "ip_address": "198.18.0.9"})
    api.get("/v2/domains")
    api.get("/v2/domains/example.com")
    records = "/v2/domains/example.com/records"
    for record in (
        {"type": "A", "name": "www", "data": "198.18.0.9", "ttl": 60},
        {"type": "AAAA", "name": "www", "data": "2001:db8::1"},
        {"type": "CNAME", "name": "blog", "data": "www.example.com."},
        {"type": "MX", "name": "@", "data": "mail.example.com.", "priority": 10},
        {"type": "TXT", "name": "@", "data": "v=spf1 -all"},
        {
            "type": "SRV",
            "name": "_sip._tcp",
            "data": "www.example.com.",
            "priority": 1,
            "weight": 2,
            "port": 5060,
        },
        {"type": "CAA", "name": "@", "data": "letsencrypt.org.", "flags": 0, "tag": "issue"},
        {"type": "NS", "name": "sub", "data": "ns1.example.com."},
    ):
        made = api.post(records, record)["domain_record"]
        api.get(f"{records}/{made['id']}")
    api.get(records)
    api.get(f"{records}?type=A&name=www.example.com")
    api.put(f"{records}/{made['id']}", {"name": "sub", "data": "ns2.example.com.", "ttl": 300})
    api.patch(f"{records}/{made['id']}", {"type": "NS", "data": "ns2.example.com.", "ttl": 600})
    api.delete(f"{records}/{made['id']}")
    api.get(f"{records}/{made['id']}", expect=404)
    api.delete("/v2/domains/example.com")
    api.get("/v2/domains/example.com", expect=404)


def visit_reserved_ips(api: Client, droplet: dict[str, Any]) -> None:
    made = api.post("/v2/reserved_ips", {"region": "fra1"}, expect=202)["reserved_ip"]
    path = f"/v2/reserved_ips/{made['ip']}"
    done = api.act(f"{path}/actions", type="assign", droplet_id=droplet["id"])
    api.get("/v2/reserved_ips")
    api.get(path)
    api.get(f"{path}/actions")
    api.get(f"{path}/actions/{done['id']}")
    api.get(f"/v2/droplets/{droplet['id']}/destroy_with_associated_resources")
    api.act(f"{path}/actions", type="unassign")
    api.delete(path)
    api.get(path, expect=404)
    direct = api.post("/v2/reserved_ips", {"droplet_id": droplet["id"]}, expect=202)
    api.until_done(direct["links"]["actions"][0]["id"])


def visit_projects(api: Client, droplet: dict[str, Any]) -> None:
    api.get("/v2/projects")
    body = {"name": "shop", "purpose": "Web Application", "environment": "staging", "description": "a shop"}
    path = f"/v2/projects/{api.post('/v2/projects', body)['project']['id']}"
    api.get(path)
    api.put(path, body | {"name": "store", "is_default": False})
    api.patch(path, {"name": "shop"})
    resources = {"resources": [f"do:droplet:{droplet['id']}"]}
    api.post(f"{path}/resources", resources, expect=200)
    api.get(f"{path}/resources")
    api.delete(path, expect=412)
    api.get("/v2/projects/default")
    api.patch("/v2/projects/default", {"description": "where things go"})
    api.post("/v2/projects/default/resources", resources, expect=200)
    api.get("/v2/projects/default/resources")
    api.delete(path)
    api.get(path, expect=404)


def visit_ends(api: Client, droplet: dict[str, Any], vpc: dict[str, Any]) -> None:
    path = f"/v2/droplets/{droplet['id']}"
    answer = api.http.delete(
        f"{path}/destroy_with_associated_resources/dangerous", headers={"X-Dangerous": "true"}
    )
    assert answer.status_code == 202
    api.get(f"{path}/destroy_with_associated_resources/status")
    api.get(path, expect=404)
    api.delete(f"/v2/vpcs/{vpc['id']}")
    for left in api.get("/v2/droplets")["droplets"]:
        api.delete(f"/v2/droplets/{left['id']}")
