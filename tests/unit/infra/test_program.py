"""The whole program against Pulumi's mocks: what it asks for, with which options, and what it hands out.

`program()` returns when every registration has landed, so an assertion here always runs, and what is missing
is really missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from tests.unit.infra import recording as r
from tests.unit.infra.conftest import COMMIT
from tests.unit.infra.recording import PROJECT, RESULT, UNKNOWN, Graph, Secret, texts

Program = Callable[..., Graph]

COMPONENTS = {"Site", "Keys", "Network", "Firewall", "Host", "Dns", "Release"}


def options(resource: r.Registered) -> Any:
    return resource.request


def test_a_single_site_is_one_of_each_and_nothing_twice(program: Program) -> None:
    graph = program()
    for type_ in (r.DROPLET, r.FIREWALL, r.SSH_KEY, r.VPC, r.TAG, r.REMOTE, r.LOCAL, r.RECORD):
        assert len(graph.all(type_)) == 1, type_
    assert graph.all(r.DOMAIN) == []
    assert graph.all(r.RESERVED_IP) == []
    assert graph.duplicates() == []


def test_every_component_has_its_token_and_registers_its_outputs(program: Program) -> None:
    graph = program()
    components = {resource.type for resource in graph.resources if not resource.request.custom}
    assert components == {f"seatrial:{name.lower()}:{name}" for name in COMPONENTS}
    assert components <= set(graph.registered_outputs)


def test_every_resource_is_a_child_of_a_component_of_the_site(program: Program) -> None:
    for resource in program().resources:
        parent = resource.request.parent.rsplit("::", 1)[-1]
        if resource.type == "seatrial:site:Site":
            assert resource.request.parent.split("::")[2] == "pulumi:pulumi:Stack"
        elif resource.type not in {r.RECORD, r.DOMAIN}:
            assert resource.name.startswith(f"{parent}-"), resource.name


def test_every_name_in_the_account_is_explicit_and_carries_site_and_stack(program: Program) -> None:
    graph = program(stack="staging")
    for type_ in (r.DROPLET, r.FIREWALL, r.SSH_KEY, r.VPC, r.TAG):
        assert graph.one(type_).inputs["name"].startswith("shop-staging"), type_


def test_only_the_web_is_open_to_everyone_and_ssh_to_those_named(program: Program) -> None:
    rules = program({"ssh_allowed": ["203.0.113.7", "198.51.100.0/24"]}).one(r.FIREWALL).inputs
    everyone = {"0.0.0.0/0", "::/0"}
    inbound = {
        (rule["protocol"], rule.get("portRange")): set(rule["sourceAddresses"])
        for rule in rules["inboundRules"]
    }
    assert inbound == {
        ("tcp", "80"): everyone,
        ("tcp", "443"): everyone,
        ("tcp", "22"): {"203.0.113.7/32", "198.51.100.0/24"},
        ("icmp", None): everyone,
    }


def test_a_host_may_reach_everything(program: Program) -> None:
    rules = program().one(r.FIREWALL).inputs["outboundRules"]
    assert {(rule["protocol"], rule.get("portRange")) for rule in rules} == {
        ("tcp", "1-65535"),
        ("udp", "1-65535"),
        ("icmp", None),
    }
    assert all(set(rule["destinationAddresses"]) == {"0.0.0.0/0", "::/0"} for rule in rules)


def test_the_firewall_goes_by_the_tag_of_the_droplet_and_stands_before_it(program: Program) -> None:
    graph = program()
    firewall, droplet = graph.one(r.FIREWALL), graph.one(r.DROPLET)
    assert firewall.inputs["tags"] == droplet.inputs["tags"] == [graph.one(r.TAG).inputs["name"]]
    for guarded in (droplet, graph.one(r.REMOTE)):
        assert any("Firewall" in urn for urn in guarded.request.dependencies), guarded.name


def test_a_running_droplet_is_not_replaced_by_a_new_image_key_or_first_boot(program: Program) -> None:
    droplet = program().one(r.DROPLET)
    assert set(options(droplet).ignoreChanges) == {"image", "userData", "sshKeys"}
    assert droplet.inputs["gracefulShutdown"] is True
    assert options(droplet).customTimeouts.delete


def test_the_droplet_is_what_the_settings_say(program: Program) -> None:
    changes = {"region": "nyc3", "droplet_size": "s-2vcpu-4gb", "image": "debian-12-x64"}
    inputs = program(changes).one(r.DROPLET).inputs
    assert (inputs["region"], inputs["size"], inputs["image"]) == ("nyc3", "s-2vcpu-4gb", "debian-12-x64")
    assert inputs["sshKeys"] == ["aa:bb"]


def test_the_host_key_is_known_before_the_first_connection_and_pinned(program: Program) -> None:
    graph = program()
    first_boot = yaml.safe_load(graph.one(r.DROPLET).plain("userData"))
    connection = graph.one(r.REMOTE).plain("connection")
    connection = {k: v.value if isinstance(v, Secret) else v for k, v in connection.items()}
    assert connection["hostKey"] == first_boot["ssh_keys"]["ed25519_public"]
    assert connection["user"] == first_boot["users"][0]["name"]
    assert connection["host"] == "192.0.2.10"
    assert connection["dialErrorLimit"] == 60
    assert {key.inputs["algorithm"] for key in graph.all(r.PRIVATE_KEY)} == {"ED25519"}
    assert len(graph.all(r.PRIVATE_KEY)) == 2


def test_provisioning_goes_with_its_droplet_and_is_never_run_backwards(program: Program) -> None:
    graph = program()
    provision = graph.one(r.REMOTE)
    assert options(provision).deletedWith.endswith("::shop-web-droplet")
    for command in (provision, graph.one(r.LOCAL)):
        assert "delete" not in command.inputs
        assert "triggers" not in command.inputs, "a trigger replaces where an update is meant"
        assert command.inputs["addPreviousOutputInEnv"] is False
        assert options(command).customTimeouts.create
        assert options(command).customTimeouts.update


def test_a_changed_setting_of_the_host_changes_the_command_and_runs_the_release_again(
    program: Program,
) -> None:
    before, after = program(), program({"cache": "none"})
    assert before.one(r.REMOTE).inputs["create"] != after.one(r.REMOTE).inputs["create"]
    (old,), (new,) = request(before)["hosts"], request(after)["hosts"]
    assert old["configuration"] != new["configuration"]


def test_nothing_changes_when_nothing_changed_wherever_it_runs(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = program()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    there = program()
    monkeypatch.undo()
    assert {x.urn: x.inputs for x in here.resources} == {x.urn: x.inputs for x in there.resources}
    everything = [text for x in here.resources for text in texts(x.inputs, secrets=True)]
    assert not [text for text in everything if str(PROJECT) in text or str(Path.home()) in text]


def request(graph: Graph) -> dict[str, Any]:
    loaded = json.loads(graph.one(r.LOCAL).plain("stdin"))
    assert isinstance(loaded, dict)
    return loaded


def test_the_release_is_asked_for_with_the_resolved_commit_and_a_preview_names_it(program: Program) -> None:
    graph = program({"revision": "main"})
    assert request(graph)["commit"] == COMMIT
    assert request(graph)["subject"] == "Sell more"
    command = graph.one(r.LOCAL).inputs["create"]
    assert command.startswith(".venv/bin/python -m provisioning.rollout")
    assert COMMIT in command


def test_the_release_waits_for_the_hosts(program: Program) -> None:
    assert any(urn.endswith("shop-web-provision") for urn in program().one(r.LOCAL).request.dependencies)


def test_progress_is_shown_and_the_result_is_not(program: Program) -> None:
    assert program().one(r.LOCAL).inputs["logging"] == "stderr"


def test_the_request_holds_what_the_rollout_needs_of_the_host(program: Program) -> None:
    (host,) = request(program())["hosts"]
    assert host["name"] == "web"
    assert host["address"] == "192.0.2.10"
    assert host["private_address"] == "10.10.0.10"
    assert host["user"] == "seatrial"
    assert host["host_key"].startswith("ssh-ed25519 ")
    assert host["droplet_id"] == "1010"
    assert host["roles"] == ["base", "database", "cache", "app"]


@pytest.mark.parametrize(
    ("changes", "roles"),
    [
        ({"database": "sqlite"}, ["base", "cache", "app"]),
        ({"cache": "none"}, ["base", "database", "app"]),
        ({"database": "sqlite", "cache": "none"}, ["base", "app"]),
    ],
)
def test_a_service_that_is_not_wanted_is_not_on_the_host(
    program: Program, changes: dict[str, Any], roles: list[str]
) -> None:
    graph = program(changes)
    assert request(graph)["hosts"][0]["roles"] == roles
    assert graph.outputs["hosts"].value["web"]["roles"] == roles


def test_records_are_relative_to_the_zone_share_one_ttl_and_lead_to_the_droplet(program: Program) -> None:
    graph = program({"host": "@", "www": True, "ttl": 300})
    records = {record.inputs["name"]: record.inputs for record in graph.all(r.RECORD)}
    assert set(records) == {"@", "www"}
    for record in records.values():
        assert (record["type"], record["value"], record["ttl"]) == ("A", "192.0.2.10", 300)
        assert record["domain"] == "example.com"


def test_the_www_name_of_a_subdomain_is_below_it(program: Program) -> None:
    records = program({"www": True}).all(r.RECORD)
    assert {record.inputs["name"] for record in records} == {"staging", "www.staging"}


def test_the_zone_is_looked_up_and_never_owned_unless_asked_for(program: Program) -> None:
    graph = program()
    assert graph.calls == [r.GET_DOMAIN]
    assert graph.all(r.DOMAIN) == []


def test_a_zone_that_was_asked_for_is_made_and_outlives_the_stack(program: Program) -> None:
    graph = program({"create_domain": True})
    assert graph.calls == []
    zone = graph.one(r.DOMAIN)
    assert zone.inputs == {"name": "example.com"}
    assert options(zone).retainOnDelete is True


def test_a_zone_that_no_one_can_own_goes_with_the_stack(program: Program) -> None:
    zone = program({"create_domain": True, "domain": "seatrial.localhost"}).one(r.DOMAIN)
    assert options(zone).retainOnDelete is False


def test_the_zone_and_its_records_stay_the_same_when_the_site_is_renamed(program: Program) -> None:
    before, after = (program({"create_domain": True, "site_name": name}) for name in ("shop", "store"))
    for type_ in (r.DOMAIN, r.RECORD):
        assert before.one(type_).name == after.one(type_).name


def test_a_missing_zone_is_one_clear_error_before_anything_is_made(program: Program) -> None:
    missing = "1 error occurred:\n\t* domain: GET https://example.net/v2/domains/example.com: 404 not found"
    with pytest.raises(pulumi.RunError) as raised:
        program(domain_error=missing)
    assert "there is no zone 'example.com'" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert "create_domain" in str(raised.value)


def test_a_lookup_that_failed_is_not_taken_for_a_missing_zone(program: Program) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        program(
            domain_error="1 error occurred:\n\t* GET https://example.net/v2: 401 Unable to authenticate you"
        )
    assert "could not be looked up (GET https://example.net/v2: 401 Unable to" in str(raised.value)
    assert "DIGITALOCEAN_TOKEN" in str(raised.value)


def test_wrong_settings_are_one_error_before_anything_is_made(program: Program) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        program({"ttl": "5", "domian": "x"}, stack="staging")
    assert str(raised.value).splitlines()[0] == "stack 'staging': 2 settings are wrong"


def test_a_reserved_address_is_the_sites_and_follows_the_droplet(program: Program) -> None:
    graph = program({"reserved_ip": True})
    assert graph.one(r.RESERVED_IP).inputs["dropletId"] == 1010
    assert graph.one(r.RECORD).inputs["value"] == "192.0.2.99"
    assert graph.outputs["hosts"].value["web"]["public_address"] == "192.0.2.99"
    # Connections go to the droplet's own address, which changes with the droplet and its host key.
    assert request(graph)["hosts"][0]["address"] == "192.0.2.10"


def test_what_holds_data_is_protected_where_the_stack_says_so(program: Program) -> None:
    changes = {"protect": True, "reserved_ip": True, "create_domain": True}
    graph = program(changes)
    protected = {resource.type for resource in graph.resources if resource.request.protect}
    assert protected == {r.DROPLET, r.PASSWORD, r.RESERVED_IP, r.DOMAIN}
    assert not [resource for resource in program().resources if resource.request.protect]


def test_the_generated_secrets_are_long_and_need_no_quoting(program: Program) -> None:
    passwords = {password.name: password.inputs for password in program().all(r.PASSWORD)}
    assert passwords["shop-secret-key"]["length"] >= 50
    assert passwords["shop-database-password"]["length"] >= 32
    assert all(inputs["special"] is False for inputs in passwords.values())


def test_no_secret_is_anywhere_but_in_what_is_marked_as_one(program: Program) -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter1\n"
    changes = {
        "deploy_key": key,
        "environment": {"TOKEN": "hunter2"},
        "smtp": {"host": "mail.example.com", "password": "hunter3"},
        "allow_test_commands": True,
    }
    graph = program(changes, secret=("deploy_key", "smtp"))
    secrets = ["hunter1", "hunter2", "hunter3", "random-shop", "-----PRIVATE"]
    plain = [text for x in graph.resources for text in texts(x.inputs, secrets=False)]
    assert not [text for text in plain for secret in secrets if secret in text]
    assert "hunter1" in request(graph)["deploy_key"], "the secret must arrive where it is needed"
    for name, output in graph.outputs.items():
        if not output.is_secret:
            assert not [secret for secret in secrets if secret in json.dumps(output.value)], name


def test_the_outputs_are_the_documented_ones(program: Program) -> None:
    graph = program()
    values = {name: output.value for name, output in graph.outputs.items()}
    assert values == {
        "site_url": "http://staging.example.com",
        "site_name": "shop",
        "hosts": {
            "web": {
                "public_address": "192.0.2.10",
                "private_address": "10.10.0.10",
                "roles": ["base", "database", "cache", "app"],
                "host_key": "ssh-ed25519 AAAAshop-web-host-key",
            }
        },
        "dns_records": [{"name": "staging.example.com", "type": "A", "value": "192.0.2.10", "ttl": 1800}],
        **RESULT,
        "previous_release": {},
        "functional_test_env": {
            "STAGING_SERVER": "staging.example.com",
            "TEST_SERVER": "staging.example.com",
            "BASE_URL": "http://staging.example.com",
        },
    }
    assert not [name for name, output in graph.outputs.items() if output.is_secret or not output.is_known]


def test_test_credentials_are_handed_out_only_where_allowed_and_the_key_is_secret(program: Program) -> None:
    outputs = program({"allow_test_commands": True, "url_port": 8080}).outputs
    assert outputs["functional_test_env"].value["SITE_SSH"] == "seatrial@192.0.2.10"
    assert outputs["functional_test_env"].value["STAGING_SERVER"] == "staging.example.com:8080"
    assert outputs["ssh_private_key"].is_secret
    assert "PRIVATE" in outputs["ssh_private_key"].value
    assert "ssh_private_key" not in program().outputs


def test_a_first_preview_plans_everything_without_knowing_an_address(program: Program) -> None:
    graph = program({"reserved_ip": True}, preview=True)
    assert {x.urn for x in graph.resources} == {x.urn for x in program({"reserved_ip": True}).resources}
    assert graph.one(r.RECORD).inputs["value"] == UNKNOWN
    assert graph.one(r.REMOTE).plain("stdin") == UNKNOWN
    assert graph.one(r.DROPLET).plain("userData") == UNKNOWN
    assert graph.outputs["site_url"].value == "http://staging.example.com"
    for name in ("hosts", "release", "dns_records"):
        assert not graph.outputs[name].is_known, name


def test_a_size_that_does_not_say_its_memory_is_asked_of_the_droplet(program: Program) -> None:
    assert program({"droplet_size": "s-large"}).one(r.REMOTE).inputs["create"]
    unknown = program({"droplet_size": "s-large"}, preview=True).one(r.REMOTE).inputs["create"]
    assert unknown == UNKNOWN


def test_the_request_is_what_the_rollout_accepts(program: Program) -> None:
    accepted = pytest.importorskip("provisioning.request")
    changes = {"hooks": {"after_release": "true"}, "environment": {"A": "b"}, "python_version": "3.13"}
    accepted.Request.model_validate_json(program(changes).one(r.LOCAL).plain("stdin"))
