"""Which ports a local cloud is started on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ops import cloud
from ops.stack import Stack

STACK = Stack(
    project=Path(), name="local", file=Path("f"), config={"digitalocean:apiEndpoint": "http://127.0.0.1:8790"}
)


def test_everybodys_cloud_takes_its_usual_ports_the_first_time() -> None:
    words = cloud.start_words(STACK, "seatrial", {}, first=True)
    assert words == ["start", "--name", "seatrial", "--port=8790"]


def test_who_may_not_open_low_ports_gets_the_sites_on_high_ones() -> None:
    words = cloud.start_words(STACK, "seatrial", {}, first=True, lowest=1024)
    assert words[3:] == ["--port=8790", "--front-port=8080", "--front-tls-port=8443"]
    words = cloud.start_words(STACK, "seatrial", {"FRONT_PORT": "8081"}, first=True, lowest=1024)
    assert "--front-port=8081" in words and "--front-port=8080" not in words


def test_another_cloud_takes_free_ports_the_first_time() -> None:
    words = cloud.start_words(STACK, "mine", {"FRONT_PORT": "8081"}, first=True)
    assert {"--port=0", "--dns-port=0", "--front-port=8081"} <= set(words)


def test_a_cloud_that_was_up_before_keeps_its_ports_but_for_those_wanted_now() -> None:
    assert cloud.start_words(STACK, "mine", {}, first=False) == ["start", "--name", "mine"]
    words = cloud.start_words(STACK, "seatrial", {"FRONT_PORT": "8081"}, first=False)
    assert words == ["start", "--name", "seatrial", "--front-port=8081"]


def test_only_a_stack_with_two_edges_is_told_how_they_reach_the_clouds_api() -> None:
    here = cloud.Cloud(
        api_url="http://127.0.0.1:9000",
        droplet_api_url="http://198.18.3.1:9000",
        token="local",
        gateway="198.18.3.1",
        front_port=80,
        dns="127.0.0.1:8753",
    )
    two = dataclasses.replace(STACK, config={**STACK.config, "seatrial:edges": "2"})
    assert not [name for name in cloud.settings(STACK, here) if "edge" in name]
    settings = cloud.settings(two, here)
    assert settings["seatrial:edge_api"] == "http://198.18.3.1:9000"
    assert settings["seatrial:edge_token"] == here.token


@pytest.mark.parametrize("port", ["http", "70000", "-1"])
def test_a_port_that_is_none_is_refused_by_its_name(port: str) -> None:
    with pytest.raises(cloud.CloudError, match=f"FRONT_PORT={port}: a port is a number"):
        cloud.start(STACK, {"FRONT_PORT": port})
