from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest

from localengine.provider import UNKNOWN, CheckFailures, Diff, PartialFailure, Provider, ProviderError
from tests.localengine.providers.api_server import ApiServer
from tests.localengine.providers.lifecycle import Made, make

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3sFWvTcRVWCfmWyXIXAFWDI9OP6jBdGZ9KfBGRnbBy someone@somewhere"


def token(name: str) -> str:
    return f"digitalocean:index/{name[0].lower()}{name[1:]}:{name}"


def assert_settled(made: Made) -> None:
    """A second `up` changes nothing, before and after a refresh."""
    assert made.diff().changed == ()
    again = made.refresh()
    assert again is not None
    assert again.inputs == made.inputs
    assert again.diff().changed == ()
    assert {name: value for name, value in again.outputs.items() if name != "status"} == {
        name: value for name, value in made.outputs.items() if name != "status"
    }


def droplet(provider: Provider, **inputs: Any) -> Made:
    asked: dict[str, Any] = {"region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-13-x64", "name": "web"}
    return make(provider, token("Droplet"), **(asked | inputs))


def test_an_ssh_key_is_made_renamed_and_removed(digitalocean: Provider, plain: httpx.Client) -> None:
    made = make(digitalocean, token("SshKey"), name="deploy", publicKey=KEY + "\n")
    named = make(digitalocean, token("SshKey"), publicKey=_other_key(), name="first")
    assert made.id.isdigit() and made.outputs["fingerprint"].count(":") == 15
    assert_settled(made)

    assert named.diff(name="second").replaces == ()
    renamed = named.update(name="second")
    assert plain.get(f"/v2/account/keys/{named.id}").json()["ssh_key"]["name"] == "second"
    assert_settled(renamed)
    assert made.diff(publicKey=_other_key()).replaces == ("publicKey",)

    made.delete()
    assert plain.get(f"/v2/account/keys/{made.id}").status_code == 404
    assert made.refresh() is None
    made.delete()


def _other_key() -> str:
    return KEY.replace("IJ3s", "IJ4s")


def test_a_name_that_is_not_given_is_made_up_once(digitalocean: Provider) -> None:
    made = make(digitalocean, token("SshKey"), called="deploy", publicKey=KEY)
    assert made.outputs["name"].startswith("deploy-") and len(made.outputs["name"]) == len("deploy-1234567")
    again = made.wanted(name=None)
    assert again["name"] == made.inputs["name"]
    assert made.diff(name=None).changed == ()
    assert not made.diff(name=None, publicKey=_other_key()).delete_before_replace


def test_a_droplet_with_its_network_firewall_record_and_address_comes_and_goes(
    digitalocean: Provider, api: ApiServer, plain: httpx.Client
) -> None:
    vpc = make(digitalocean, token("Vpc"), name="net", region="fra1", ipRange="10.20.0.0/24")
    tag = make(digitalocean, token("Tag"), name="Web")
    key = make(digitalocean, token("SshKey"), publicKey=KEY)
    web = droplet(
        digitalocean,
        vpcUuid=vpc.id,
        tags=[tag.id],
        sshKeys=[key.id],
        userData="#cloud-config\n{}",
        monitoring=True,
    )
    wall = make(
        digitalocean,
        token("Firewall"),
        name="web-wall",
        dropletIds=[web.id],
        inboundRules=[
            {"protocol": "tcp", "portRange": "80", "sourceAddresses": ["0.0.0.0/0", "::/0"]},
            {"protocol": "tcp", "portRange": "22", "sourceAddresses": ["198.18.0.1/32"]},
            {"protocol": "icmp", "sourceTags": ["Web"]},
        ],
        outboundRules=[
            {"protocol": "udp", "portRange": "all", "destinationAddresses": ["0.0.0.0/0"]},
            {"protocol": "tcp", "portRange": "1-65535", "destinationAddresses": ["0.0.0.0/0"]},
        ],
    )
    zone = make(digitalocean, token("Domain"), name="example.test")
    address = make(digitalocean, token("ReservedIp"), region="fra1", dropletId=int(web.id))
    record = make(
        digitalocean,
        token("DnsRecord"),
        domain=zone.id,
        type="A",
        name="todo",
        value=address.id,
        ttl=60,
    )
    alias = make(
        digitalocean,
        token("DnsRecord"),
        domain=zone.id,
        type="CNAME",
        name="www",
        value="todo.example.test.",
    )
    everything = [vpc, tag, key, web, wall, zone, address, record, alias]
    for made in everything:
        if made is not tag:
            assert_settled(made)

    assert web.outputs["ipv4Address"].startswith("198.18.")
    assert web.outputs["ipv4AddressPrivate"].startswith("10.20.0.")
    assert web.outputs["dropletUrn"] == f"do:droplet:{web.id}"
    assert web.outputs["userData"] == hashlib.sha1(b"#cloud-config\n{}").hexdigest()
    assert (web.outputs["memory"], web.outputs["vcpus"], web.outputs["status"]) == (1024, 1, "active")
    assert isinstance(web.outputs["priceMonthly"], float) and web.outputs["priceMonthly"] > 0
    assert api.fleet.specs[int(web.id)].user_data == "#cloud-config\n{}"
    assert wall.outputs["dropletIds"] == [int(web.id)]
    assert wall.outputs["inboundRules"] == wall.inputs["inboundRules"]
    assert wall.outputs["outboundRules"] == wall.inputs["outboundRules"]
    assert zone.outputs == {
        "id": "example.test",
        "name": "example.test",
        "domainUrn": "do:domain:example.test",
    } | {"ttl": zone.outputs["ttl"]}
    assert record.outputs["fqdn"] == "todo.example.test"
    assert alias.outputs["value"] == "todo.example.test."
    assert address.outputs["dropletId"] == int(web.id)
    assert api.fleet.extra[int(web.id)] == [address.id]
    tagged = tag.refresh()
    assert tagged is not None and tagged.outputs["dropletsCount"] == 1

    for made in reversed(everything):
        made.delete(timeout=20)
        assert made.refresh() is None
    for path in ("droplets", "firewalls", "domains", "reserved_ips", "tags", "account/keys"):
        assert plain.get(f"/v2/{path}").json()["meta"]["total"] == 0
    assert api.fleet.specs == {}


def test_a_droplet_is_renamed_resized_and_tagged_in_place(
    digitalocean: Provider, api: ApiServer, plain: httpx.Client
) -> None:
    web = droplet(digitalocean, tags=["one", "two"])
    changes: dict[str, Any] = {"name": "web2", "size": "s-2vcpu-2gb", "tags": ["two", "three"]}
    diff = web.diff(**changes)
    assert set(diff.changed) == {"name", "size", "tags"} and diff.replaces == ()

    preview = web.preview(**changes)
    assert preview["name"] == "web2" and preview["ipv4Address"] == web.outputs["ipv4Address"]
    assert preview["memory"] is UNKNOWN and preview["priceMonthly"] is UNKNOWN

    after = web.update(**changes)
    assert after.outputs["memory"] == 2048 and after.outputs["ipv4Address"] == web.outputs["ipv4Address"]
    assert api.fleet.sizes[int(web.id)] == (2048, 2) and api.fleet.power[int(web.id)] == "active"
    now = plain.get(f"/v2/droplets/{web.id}").json()["droplet"]
    assert now["name"] == "web2" and sorted(now["tags"]) == ["three", "two"]
    assert_settled(after)


def test_a_resize_that_was_interrupted_is_finished_and_the_droplet_turned_on(
    digitalocean: Provider, api: ApiServer, plain: httpx.Client
) -> None:
    web = droplet(digitalocean)
    for action in ({"type": "power_off"}, {"type": "resize", "size": "s-2vcpu-2gb", "disk": True}):
        plain.post(f"/v2/droplets/{web.id}/actions", json=action).raise_for_status()
        while plain.get(f"/v2/droplets/{web.id}/actions").json()["actions"][0]["status"] != "completed":
            time.sleep(0.02)
    after = web.update(timeout=10, size="s-2vcpu-2gb")
    assert after.outputs["status"] == "active" and api.fleet.power[int(web.id)] == "active"


def test_features_are_switched_in_place_and_a_shutdown_may_come_first(
    digitalocean: Provider, api: ApiServer
) -> None:
    web = droplet(digitalocean, gracefulShutdown=True)
    policy = {"plan": "weekly", "weekday": "SUN", "hour": 4}
    diff = web.diff(backups=True, backupPolicy=policy, ipv6=True)
    assert set(diff.changed) == {"backups", "backupPolicy", "ipv6"} and diff.replaces == ()
    assert web.preview(ipv6=True)["ipv6Address"] is UNKNOWN
    full = web.update(backups=True, backupPolicy=policy)
    assert full.outputs["backups"] is True
    assert_settled(full)
    with_ipv6 = replace(full, outputs=full.outputs | {"ipv6": True})
    assert with_ipv6.diff(ipv6=False).replaces == with_ipv6.diff(ipv6=None).replaces == ("ipv6",)
    bare = full.update(backups=None, backupPolicy=None)
    assert bare.outputs["backups"] is False
    assert_settled(bare)
    bare.delete(timeout=20)
    assert "shutdown" in api.fleet.calls and api.fleet.specs == {}


@pytest.mark.parametrize(
    "change",
    [
        {"image": "debian-12-x64"},
        {"region": "ams3"},
        {"sshKeys": ["1"]},
        {"userData": "other"},
        {"vpcUuid": "5a4981aa-9653-4bd1-bef5-d6bff52042e4"},
        {"monitoring": True},
        {"userData": UNKNOWN},
    ],
)
def test_what_a_droplet_is_made_of_replaces_it_and_the_old_one_goes_first(
    offline: Provider, change: dict[str, Any]
) -> None:
    web = Made(offline, token("Droplet"), "1", {"name": "web"} | _droplet_inputs(), _droplet_outputs())
    diff = web.diff(**change)
    assert diff.replaces == tuple(change)
    assert diff.delete_before_replace


def _droplet_inputs() -> dict[str, Any]:
    return {"size": "s-1vcpu-1gb", "image": "debian-13-x64", "region": "FRA1", "sshKeys": ["7"]}


def _droplet_outputs() -> dict[str, Any]:
    return _droplet_inputs() | {"name": "web", "region": "fra1", "monitoring": False, "vpcUuid": "an-id"}


def test_small_spellings_are_no_difference(offline: Provider) -> None:
    web = Made(offline, token("Droplet"), "1", {"name": "web"} | _droplet_inputs(), _droplet_outputs())
    assert web.diff(sshKeys=[7], backups=False, tags=[], size="S-1VCPU-1GB").changed == ()
    other = Made(
        offline,
        token("DnsRecord"),
        "1",
        {"domain": "a.test", "type": "A", "name": "www", "value": "1.2.3.4"},
        {"domain": "a.test", "type": "A", "name": "www", "value": "1.2.3.4", "ttl": 1800, "port": 0},
    )
    assert other.diff(name="www.a.test.").changed == ()
    assert other.diff(ttl=60).changed == ("ttl",)
    assert other.diff(type="TXT") == Diff(("type",), ("type",), delete_before_replace=True)


def test_a_change_made_by_hand_is_seen_and_put_right(digitalocean: Provider, plain: httpx.Client) -> None:
    zone = make(digitalocean, token("Domain"), name="example.test")
    record = make(
        digitalocean,
        token("DnsRecord"),
        domain=zone.id,
        type="A",
        name="@",
        value="192.0.2.1",
        ttl=60,
    )
    assert record.outputs["fqdn"] == "example.test"
    path = f"/v2/domains/example.test/records/{record.id}"
    plain.put(path, json={"name": "@", "data": "192.0.2.9", "ttl": 60}).raise_for_status()
    found = record.refresh()
    assert found is not None and found.inputs["value"] == "192.0.2.9"
    assert found.diff(value="192.0.2.1").changed == ("value",)
    right = found.update(value="192.0.2.1", ttl=120)
    assert plain.get(path).json()["domain_record"]["data"] == "192.0.2.1"
    assert right.outputs["ttl"] == 120


def test_a_reserved_ip_moves_between_droplets_in_place(digitalocean: Provider, api: ApiServer) -> None:
    one, two = droplet(digitalocean, name="one"), droplet(digitalocean, name="two")
    address = make(digitalocean, token("ReservedIp"), region="fra1", dropletId=int(one.id))
    assert address.diff(dropletId=int(two.id)).replaces == ()
    moved = address.update(dropletId=int(two.id))
    assert api.fleet.extra == {int(one.id): [], int(two.id): [address.id]}
    assert moved.id == address.id and moved.outputs["dropletId"] == int(two.id)
    freed = moved.update(dropletId=None)
    assert api.fleet.extra[int(two.id)] == [] and freed.outputs.get("dropletId") is None
    assert_settled(freed)

    link = make(digitalocean, token("ReservedIpAssignment"), ipAddress=address.id, dropletId=int(one.id))
    assert link.id.startswith(f"{one.id}-{address.id}-")
    assert_settled(link)
    assert_settled(freed)
    link.delete()
    assert api.fleet.extra[int(one.id)] == [] and link.refresh() is None
    link.delete()


def test_a_firewall_is_always_sent_whole(digitalocean: Provider, plain: httpx.Client) -> None:
    rule = {"protocol": "tcp", "portRange": "80", "sourceAddresses": ["0.0.0.0/0"]}
    make(digitalocean, token("Tag"), name="a")
    wall = make(digitalocean, token("Firewall"), name="wall", inboundRules=[rule], tags=["a"])
    ssh = {"protocol": "tcp", "portRange": "22", "sourceAddresses": ["198.18.0.1/32"]}
    assert wall.diff(inboundRules=[rule, ssh]).changed == ("inboundRules",)
    after = wall.update(inboundRules=[ssh, rule], tags=None)
    now = plain.get(f"/v2/firewalls/{wall.id}").json()["firewall"]
    assert {item["ports"] for item in now["inbound_rules"]} == {"22", "80"} and not now["tags"]
    assert after.diff(inboundRules=[rule, ssh]).changed == ()
    assert_settled(after)


def test_a_vpc_waits_for_its_last_members(digitalocean: Provider, plain: httpx.Client) -> None:
    vpc = make(digitalocean, token("Vpc"), name="net", region="fra1", description="ours")
    assert_settled(vpc)
    renamed = vpc.update(name="net2", description=None)
    assert plain.get(f"/v2/vpcs/{vpc.id}").json()["vpc"]["name"] == "net2"
    assert renamed.outputs["ipRange"] == vpc.outputs["ipRange"]
    web = droplet(digitalocean, vpcUuid=vpc.id)
    plain.put("/control/knobs", json={"vpc_member_lag": 1.0}).raise_for_status()
    web.delete()
    vpc.delete(timeout=20)
    assert plain.get(f"/v2/vpcs/{vpc.id}").status_code == 404


def test_a_project_holds_what_it_is_given_and_hands_it_back(
    digitalocean: Provider, plain: httpx.Client
) -> None:
    zone = make(digitalocean, token("Domain"), name="example.test")
    project = make(
        digitalocean,
        token("Project"),
        name="sea",
        environment="staging",
        resources=[zone.outputs["domainUrn"]],
    )
    assert project.outputs["purpose"] == "Web Application"
    assert project.outputs["resources"] == ["do:domain:example.test"]
    assert_settled(project)
    emptied = project.update(resources=[], description="none")
    assert emptied.outputs["resources"] == [] and emptied.outputs["description"] == "none"
    full = emptied.update(resources=["do:domain:example.test"])
    full.delete(timeout=20)
    assert plain.get(f"/v2/projects/{project.id}").status_code == 404
    assert plain.get("/v2/domains/example.test").status_code == 200


def test_functions_look_things_up(digitalocean: Provider) -> None:
    make(digitalocean, token("Domain"), name="example.test")
    key = make(digitalocean, token("SshKey"), name="deploy", publicKey=KEY)

    def call(name: str, /, **args: Any) -> dict[str, Any]:
        return digitalocean.invoke(f"digitalocean:index/{name}:{name}", args)

    assert call("getDomain", name="example.test")["domainUrn"] == "do:domain:example.test"
    assert str(call("getSshKey", name="deploy")["id"]) == key.id
    assert "@" in call("getAccount")["email"]
    assert call("getImage", slug="debian-13-x64")["distribution"] == "Debian"
    sizes = call(
        "getSizes",
        filters=[{"key": "vcpus", "values": ["2"]}],
        sorts=[{"key": "price_monthly", "direction": "desc"}],
    )["sizes"]
    assert {size["vcpus"] for size in sizes} == {2}
    assert sizes == sorted(sizes, key=lambda size: -size["priceMonthly"]) and len(sizes) > 1
    assert "fra1" in {region["slug"] for region in call("getRegions")["regions"]}
    with pytest.raises(ProviderError, match=r"there is no domain other\.test"):
        call("getDomain", name="other.test")
    with pytest.raises(ProviderError, match="getVpc: the local engine has no such function"):
        call("getVpc", name="x")


def test_a_resource_is_found_by_its_id_alone(digitalocean: Provider) -> None:
    web = droplet(digitalocean)
    found = digitalocean.read(token("Droplet"), web.id, {}, {})
    assert found is not None
    inputs, outputs = found
    assert inputs["image"] == "debian-13-x64" and inputs["name"] == "web" and "tags" not in inputs
    assert outputs["ipv4Address"] == web.outputs["ipv4Address"]
    assert digitalocean.read(token("Droplet"), "123456", {}, {}) is None
    zone = make(digitalocean, token("Domain"), name="example.test")
    record = make(digitalocean, token("DnsRecord"), domain=zone.id, type="TXT", name="a", value="b")
    by_id = digitalocean.read(token("DnsRecord"), f"example.test,{record.id}", {}, {})
    assert by_id is not None and by_id[0] == record.inputs | {"ttl": 1800}


def test_a_preview_makes_nothing_and_knows_what_is_known(offline: Provider) -> None:
    inputs = offline.check(
        token("Droplet"),
        {},
        {
            "size": "s-1vcpu-1gb",
            "image": "debian-13-x64",
            "vpcUuid": UNKNOWN,
            "sshKeys": [UNKNOWN],
            "name": "a",
        },
    )
    id, outputs = offline.create(token("Droplet"), inputs, preview=True, timeout=None)
    assert id == "" and outputs["vpcUuid"] is UNKNOWN and outputs["resizeDisk"] is True
    assert "ipv4Address" not in outputs
    rules = offline.check(
        token("Firewall"),
        {},
        {"name": "w", "dropletIds": [UNKNOWN], "inboundRules": UNKNOWN},
    )
    assert offline.create(token("Firewall"), rules, preview=True, timeout=None)[0] == ""


def test_wrong_inputs_are_told_together_by_name(offline: Provider) -> None:
    with pytest.raises(CheckFailures) as caught:
        offline.check(
            token("Droplet"), {}, {"image": "x", "backups": "perhaps", "tags": ["a b"], "imagine": 1}
        )
    told = {failure.property: failure.reason for failure in caught.value.failures}
    assert set(told) == {"size", "backups", "tags[0]", "imagine"}
    assert told["backups"] == "a str is not true or false" and "is required" in told["size"]
    with pytest.raises(CheckFailures, match="at least one rule"):
        offline.check(token("Firewall"), {}, {"name": "w"})
    with pytest.raises(CheckFailures, match=r"inboundRules\[0\]\.portRange: is required for tcp"):
        offline.check(token("Firewall"), {}, {"name": "w", "inboundRules": [{"protocol": "tcp"}]})
    with pytest.raises(CheckFailures, match="priority: is required for MX records"):
        offline.check(
            token("DnsRecord"), {}, {"domain": "a.test", "type": "MX", "name": "@", "value": "m.a.test."}
        )
    with pytest.raises(CheckFailures, match="can only grow"):
        offline.check(token("Volume"), {"size": 20}, {"size": 10, "region": "fra1", "name": "v"})
    with pytest.raises(
        ProviderError, match="loadBalancer:LoadBalancer: the local engine has no such resource"
    ):
        offline.check(token("LoadBalancer"), {}, {})


def test_the_clouds_refusal_is_told_as_it_is(digitalocean: Provider, api: ApiServer) -> None:
    with pytest.raises(ProviderError) as caught:
        droplet(digitalocean, name="web_1")
    assert str(caught.value).startswith(f"POST {api.url}/v2/droplets: 422 Only valid hostname characters")


def test_a_busy_or_failing_cloud_is_asked_again_where_that_is_safe(
    digitalocean: Provider, plain: httpx.Client
) -> None:
    def fault(**what: Any) -> None:
        plain.post("/control/faults", json={"kind": "error"} | what).raise_for_status()

    fault(method="POST", path="/v2/tags", status=429, message="slow down", retry_after=0)
    tag = make(digitalocean, token("Tag"), name="a")
    fault(method="GET", path="/v2/tags/a", status=503, times=2)
    assert tag.refresh() is not None
    fault(method="POST", path="/v2/tags", status=500, message="oh no")
    with pytest.raises(ProviderError, match=r"POST .*/v2/tags: 500 oh no"):
        make(digitalocean, token("Tag"), name="b")
    fault(
        method="POST",
        path="/v2/droplets/*/actions",
        status=422,
        message="Droplet already has a pending event.",
    )
    web = droplet(digitalocean)
    assert web.update(name="other").outputs["name"] == "other"


def test_a_droplet_that_does_not_come_up_is_kept_and_can_be_finished(
    digitalocean: Provider, plain: httpx.Client
) -> None:
    plain.post("/control/faults", json={"kind": "stuck_action", "type": "create"}).raise_for_status()
    with pytest.raises(PartialFailure) as caught:
        droplet(digitalocean, timeout=0.5)
    assert caught.value.id.isdigit()
    assert caught.value.reasons[0].startswith("gave up after 0.5 s, waiting for droplet")
    plain.delete("/control/faults").raise_for_status()
    half = Made(
        digitalocean,
        token("Droplet"),
        caught.value.id,
        {"name": "web", "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-13-x64"},
        caught.value.outputs,
    )
    assert half.update(timeout=10).outputs["status"] == "active"


def test_a_cancelled_run_stops_waiting(
    digitalocean: Provider, plain: httpx.Client, cancel: threading.Event
) -> None:
    plain.post("/control/faults", json={"kind": "stuck_action", "type": "create"}).raise_for_status()
    threading.Timer(0.5, cancel.set).start()
    with pytest.raises(PartialFailure, match="cancelled while waiting for droplet"):
        droplet(digitalocean)


def test_without_a_token_or_a_cloud_one_line_says_so(
    providers: dict[str, Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DIGITALOCEAN_API_URL"):
        monkeypatch.delenv(name, raising=False)
    provider = providers["digitalocean"]
    provider.configure({})
    with pytest.raises(ProviderError, match="no token"):
        provider.invoke("digitalocean:index/getAccount:getAccount", {})
    provider.configure(
        {"apiEndpoint": "http://127.0.0.1:9", "token": "t", "httpRetryMax": "1", "httpRetryWaitMin": "0"}
    )
    with pytest.raises(ProviderError, match=r"GET http://127\.0\.0\.1:9/v2/account: no answer: .*refused"):
        provider.invoke("digitalocean:index/getAccount:getAccount", {})
    with pytest.raises(ProviderError, match="no setting colour in the local engine; there are apiEndpoint"):
        provider.configure({"colour": "blue"})
