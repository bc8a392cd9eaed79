"""What one of two edges is given."""

from __future__ import annotations

import json

import pytest

from tests.unit.provisioning.test_bundle import bundle, files
from tests.unit.provisioning.test_edge_config import EDGE, SECRETS

PAIR = {
    **EDGE,
    "app_servers": "app-1=10.116.0.4",
    "site_address": "192.0.2.9",
    "droplet_id": "1001",
    "edge_peer": "10.116.0.3",
    "edge_peer_droplet": "1002",
    "edge_api": "https://api.digitalocean.com",
}
PAIR_SECRETS = {**SECRETS, "edge_token": "the-edge-token"}
ROLES = ("base", "edge", "failover")


def test_an_edge_knows_itself_the_other_one_and_where_the_api_is() -> None:
    rendered = bundle(roles=ROLES, variables=PAIR, secrets=PAIR_SECRETS)
    assert json.loads(files(rendered)["failover/files/address.json"]) == {
        "api": "https://api.digitalocean.com",
        "address": "192.0.2.9",
        "droplet_id": 1001,
        "here": "http://10.116.0.2:8405/",
        "peer": "http://10.116.0.3:8405/",
        "peer_droplet_id": 1002,
    }


def test_the_token_is_in_no_file_and_another_one_is_another_bundle() -> None:
    rendered = bundle(roles=ROLES, variables=PAIR, secrets=PAIR_SECRETS)
    assert not [name for name, text in files(rendered).items() if "the-edge-token" in text]
    other = bundle(roles=ROLES, variables=PAIR, secrets={**PAIR_SECRETS, "edge_token": "another"})
    assert other.digest != rendered.digest


def test_an_edge_alone_is_given_nothing_of_it() -> None:
    alone = bundle(roles=("base", "edge"), variables=PAIR, secrets=PAIR_SECRETS)
    without = {name: text for name, text in PAIR.items() if name in EDGE or name == "app_servers"}
    assert alone.digest == bundle(roles=("base", "edge"), variables=without, secrets=SECRETS).digest


@pytest.mark.parametrize("name", ["site_address", "droplet_id", "edge_peer", "edge_peer_droplet", "edge_api"])
def test_what_is_missing_is_said(name: str) -> None:
    with pytest.raises(ValueError, match=f"variable {name} is missing: the role failover needs it here"):
        bundle(
            roles=ROLES,
            variables={key: value for key, value in PAIR.items() if key != name},
            secrets=PAIR_SECRETS,
        )
