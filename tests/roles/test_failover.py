"""One of two edges, on a real host: it takes the address when the other one is gone, and lets it be else."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.bundle import Bundle
from tests.roles.fleet import EDGE_TOKEN, Fleet
from tests.roles.test_roles import changes

PORT = 8790
HOLDER = "/run/address-holder"
CLOUD = (Path(__file__).parent / "address_api.py").read_text()
OTHER = "app-1"
"""The host that stands for the other edge; it has nothing on the port until a test says so."""


@pytest.fixture
def pair(fleet: Fleet) -> Bundle:
    """What makes the edge one of two, with an API that says that the other one has the address."""
    fleet.edge.root(
        f"cat >/run/address_api.py; echo 2 >{HOLDER}; systemctl stop address-api 2>/dev/null || true; "
        "systemd-run --quiet --unit=address-api --collect "
        f"python3 /run/address_api.py {PORT} {EDGE_TOKEN} {HOLDER}",
        CLOUD,
    )
    return fleet.pair_bundle(peer=fleet.apps[OTHER].private_address, api=f"http://127.0.0.1:{PORT}")


def other_edge_is_well(fleet: Fleet, well: bool) -> None:
    begin = "systemd-run --quiet --unit=other-edge --collect python3 -m http.server 8405"
    end = "systemctl stop other-edge 2>/dev/null || true"
    fleet.apps[OTHER].root(f"{end}; {begin}" if well else end)


def put(fleet: Fleet, bundle: Bundle) -> int:
    said = fleet.edge.apply(bundle)
    assert said.status == 0, said.err
    return changes(said.out)


def test_an_edge_leaves_the_address_to_a_well_one_takes_it_from_one_that_is_gone_and_keeps_it(
    fleet: Fleet, pair: Bundle
) -> None:
    other_edge_is_well(fleet, True)
    put(fleet, pair)
    fleet.edge.root("systemctl start seatrial-address.service")
    assert fleet.edge.root(f"cat {HOLDER}").strip() == "2"

    other_edge_is_well(fleet, False)
    fleet.edge.root(f"for _ in $(seq 300); do grep -qx 1 {HOLDER} && exit; sleep 0.2; done; exit 1")

    other_edge_is_well(fleet, True)
    fleet.edge.root("sleep 5; systemctl start seatrial-address.service")
    assert fleet.edge.root(f"cat {HOLDER}").strip() == "1"


def test_one_of_two_edges_applied_once_more_in_full_has_nothing_to_change(fleet: Fleet, pair: Bundle) -> None:
    put(fleet, pair)
    fleet.edge.root("rm /var/lib/seatrial/applied/*")
    assert put(fleet, pair) == 0


def test_the_token_is_for_one_program_alone_and_nowhere_told(fleet: Fleet, pair: Bundle) -> None:
    put(fleet, pair)
    where = "/etc/seatrial/address.token"
    assert fleet.edge.root(f"stat -c '%a %U:%G' {where}").strip() == "640 root:seatrial-address"
    fleet.edge.root("systemctl start seatrial-address.service")
    # But for the stand-in's own command line.
    told = "journalctl -q --no-pager -o cat SYSLOG_IDENTIFIER=seatrial + _SYSTEMD_UNIT=keepalived.service"
    assert EDGE_TOKEN not in fleet.edge.root(told)


def test_the_edge_that_stays_alone_takes_the_address_first_and_forgets_the_other(
    fleet: Fleet, pair: Bundle
) -> None:
    other_edge_is_well(fleet, True)
    put(fleet, pair)
    fleet.edge.root(f"echo 2 >{HOLDER}")
    alone = fleet.edge_bundle()
    put(fleet, alone)
    assert fleet.edge.root(f"cat {HOLDER}").strip() == "1"
    assert not fleet.edge.succeeds("systemctl is-active keepalived seatrial-address.timer")
    assert not fleet.edge.succeeds("ls /etc/seatrial/address.token")
    fleet.edge.root("rm /var/lib/seatrial/applied/*")
    assert put(fleet, alone) == 0


def test_an_address_that_the_api_does_not_give_stops_the_change_with_the_reason(
    fleet: Fleet, pair: Bundle
) -> None:
    put(fleet, pair)
    fleet.edge.root("echo another >/etc/seatrial/address.token")
    said = fleet.edge.apply(fleet.edge_bundle())
    assert said.status != 0
    assert "192.0.2.9 cannot be moved: the API does not know the token" in said.err
    assert "the address of shop could not be taken" in said.err
    put(fleet, pair)
    put(fleet, fleet.edge_bundle())
    assert fleet.edge.root(f"cat {HOLDER}").strip() == "1"
