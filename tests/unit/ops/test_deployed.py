"""What the hosts tell of a stack: found through its state, shown as a table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ops import deployed, releases


def resource(type_: str, called: str, **outputs: Any) -> dict[str, Any]:
    return {"type": type_, "urn": f"urn:pulumi:local::seatrial::{type_}::{called}", "outputs": outputs}


def host(site: str, name: str, *roles: str) -> dict[str, Any]:
    facts = {"name": name, "roles": [*roles], "ssh_address": "192.0.2.7", "host_key": "ssh-ed25519 AAAA"}
    return resource("seatrial:host:Host", f"{site}-{name}", **facts)


def site(name: str) -> list[dict[str, Any]]:
    key = {"plaintext": json.dumps(f"key of {name}")}
    return [
        resource("seatrial:site:Site", name),
        resource("tls:index/privateKey:PrivateKey", f"{name}-keys-access", privateKeyOpenssh=key),
        resource("tls:index/privateKey:PrivateKey", f"{name}-web-host-key", privateKeyOpenssh={}),
    ]


def test_the_app_hosts_and_the_key_to_them_are_in_the_state() -> None:
    hosts = [host("todo", f"app-{number}", "base", "app") for number in (10, 9)]
    found = deployed.of_state([*site("todo"), *hosts, host("todo", "edge-1", "base", "edge")])
    assert [one.name for one in found.hosts] == ["app-9", "app-10"]
    assert found.private_key == "key of todo"
    assert "key of" not in repr(found)


def test_of_two_sites_on_a_stack_the_one_that_is_meant_is_taken() -> None:
    both = [*site("todo"), host("todo", "web", "app"), *site("shop"), host("shop", "web", "app")]
    assert deployed.of_state(both, "shop").private_key == "key of shop"
    assert deployed.of_state(both, "unknown").site == "todo"


def test_a_stack_without_hosts_says_what_to_do() -> None:
    with pytest.raises(deployed.DeployedError, match="first: make up"):
        deployed.of_state(site("todo"))


def test_what_serves_is_what_the_hosts_say() -> None:
    built = [{"id": "1", "commit": "a" * 40}, {"id": "2", "commit": "b" * 40}]
    live = {"id": "2", "commit": "b" * 40, "subject": "Sell more"}
    serving = deployed.releases({"web": {"live": live, "previous": "1", "releases": built}})
    assert serving["release"]["revision"] == "b" * 40
    assert serving["previous_release"] == {"id": "1", "revision": "a" * 40}
    nothing = deployed.releases({"web": {"live": None, "previous": None, "releases": []}})
    assert nothing == {"release": {}, "previous_release": {}}


def test_a_run_is_one_line_with_what_is_known_of_it() -> None:
    run = {
        "id": "20260102-091100-9f2c1ab",
        "revision": "9f2c1ab5" * 5,
        "subject": "Sell more",
        "owner": "ana@laptop (process 12)",
        "started": "2026-01-02T09:11:00Z",
        "result": "ok",
        "seconds": 9.5,
        "requests": 190,
        "failed": 0,
    }
    assert releases.row(run) == (
        "2026-01-02 09:11:00",
        "20260102-091100-9f2c1ab",
        "9f2c1ab Sell more",
        "ana@laptop",
        "ok",
        "9.5",
        "0 of 190",
    )
    failed = releases.row({**run, "result": "failed", "phase": "switch", "error": "it does not start"})
    assert failed[4] == "failed (switch: it does not start)"
    assert releases.row({"owner": "ana@laptop", "result": "abandoned"})[4:] == ("abandoned", "", "")


def test_the_table_shows_every_run(capsys: pytest.CaptureFixture[str]) -> None:
    releases.show([{"id": "second", "result": "failed"}, {"id": "first", "result": "ok"}])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == list(releases.COLUMNS)
    assert [line.split()[0] for line in lines[1:]] == ["second", "first"]
