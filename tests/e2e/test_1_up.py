"""`make up` from nothing, and what a newcomer, an operator and an attacker find afterwards."""

from __future__ import annotations

import socket
import subprocess

import dns.resolver
import pytest
import yaml

from tests.e2e.project import Project, get


def test_make_up_from_nothing_ends_with_a_url_that_answers(project: Project) -> None:
    done = project.make("up")
    assert done.returncode == 0, done.stdout
    url = project.outputs()["site_url"]
    assert url in done.stdout
    assert get(url).status == 200


def test_plain_curl_opens_the_printed_url_with_the_machines_own_resolver(project: Project) -> None:
    url = project.outputs()["site_url"]
    done = subprocess.run(
        ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*", url],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "200", done.stderr


def test_the_outputs_have_the_names_that_functional_tests_and_scripts_rely_on(project: Project) -> None:
    outputs = project.outputs()
    assert {
        "site_url", "site_name", "hosts", "dns_records", "release", "previous_release", "rollout",
        "functional_test_env",
    } <= set(outputs)  # fmt: skip
    assert outputs["release"]["revision"] == project.git("rev-parse", "HEAD")
    assert outputs["rollout"]["probe"]["failed"] == 0
    (host,) = outputs["hosts"].values()
    assert {"base", "app", "cache", "database"} <= set(host["roles"])


def test_the_sites_dns_record_is_served_with_the_ttl_of_the_settings(project: Project) -> None:
    outputs = project.outputs()
    address, _, port = project.cloud_status()["dns"].partition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [address], int(port)
    (record,) = outputs["dns_records"]
    answer = resolver.resolve(record["name"], "A")
    (host,) = outputs["hosts"].values()
    assert [found.to_text() for found in answer] == [host["public_address"]]
    settings = yaml.safe_load((project.folder / "Pulumi.local.yaml").read_text())["config"]
    assert answer.rrset is not None and answer.rrset.ttl == int(settings["seatrial:ttl"])


@pytest.mark.parametrize(
    ("port", "open_"), [(80, True), (22, True), (5432, False), (6379, False), (8000, False)]
)
def test_only_the_firewalls_ports_answer_on_the_public_address(
    project: Project, port: int, open_: bool
) -> None:
    (host,) = project.outputs()["hosts"].values()
    with socket.socket() as probe:
        probe.settimeout(1.5)
        assert (probe.connect_ex((host["public_address"], port)) == 0) is open_


def test_a_host_name_that_is_not_the_sites_gets_no_page(project: Project) -> None:
    (host,) = project.outputs()["hosts"].values()
    with pytest.raises(OSError):
        get(f"http://{host['public_address']}/", host="attacker.example")


def test_a_second_make_up_changes_nothing(project: Project) -> None:
    before = project.outputs()
    done = project.make("up")
    assert done.returncode == 0, done.stdout
    assert "created" not in done.stdout and "updated" not in done.stdout, done.stdout
    assert project.outputs() == before


def test_make_preview_right_after_finds_nothing_to_do(project: Project) -> None:
    done = project.make("preview")
    assert done.returncode == 0, done.stdout
    assert "to create" not in done.stdout and "to update" not in done.stdout, done.stdout
