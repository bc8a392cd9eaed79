"""Cloud firewalls on real droplets: what passes, what does not, and that nothing inside changes it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.localcloud.machines.lab import ANYWHERE, CONNECTION_LOST, Lab, eventually, permit, reachable, walls

SSH = permit("tcp", 22)
EVERYTHING = [permit("tcp", None), permit("udp", None), permit("icmp", None)]


@pytest.fixture(autouse=True)
def open_again(lab: Lab) -> Iterator[None]:
    """Every test has two web servers on droplet 1, begins without a firewall and leaves none."""
    lab.listen(1, 8080)
    lab.listen(1, 8081)
    yield
    lab.machines.set_firewall(1, None)


def test_only_what_a_rule_permits_comes_in_and_changes_are_live(lab: Lab) -> None:
    assert reachable(lab.public(1), 8080)
    lab.machines.set_firewall(1, walls([SSH, permit("tcp", 8081)], EVERYTHING))
    assert not reachable(lab.public(1), 8080)
    assert reachable(lab.public(1), 8081)
    lab.machines.set_firewall(1, walls([SSH, permit("tcp", 8080)], EVERYTHING))
    assert reachable(lab.public(1), 8080)
    assert not reachable(lab.public(1), 8081)
    lab.machines.set_firewall(1, None)
    assert reachable(lab.public(1), 8081)


def test_a_rule_holds_for_its_sources_alone(lab: Lab) -> None:
    lab.machines.set_firewall(1, walls([SSH, permit("tcp", 8080, f"{lab.public(2)}/32")], EVERYTHING))
    assert not reachable(lab.public(1), 8080)
    assert lab.gets(2, f"http://{lab.public(1)}:8080/")
    assert not lab.gets(3, f"http://{lab.public(1)}:8080/")


def test_the_private_network_is_behind_the_firewall_too(lab: Lab) -> None:
    lab.machines.set_firewall(1, walls([SSH], EVERYTHING))
    assert not lab.gets(2, f"http://{lab.inner(1, 'left')}:8080/")


def test_only_what_a_rule_permits_goes_out(lab: Lab) -> None:
    lab.listen(2, 8080)
    lab.listen(2, 8081)
    there = f"http://{lab.public(2)}"
    lab.machines.set_firewall(1, walls([SSH], []))
    assert not lab.gets(1, f"{there}:8080/")
    lab.machines.set_firewall(1, walls([SSH], [permit("tcp", 8080, f"{lab.public(2)}/32")]))
    assert lab.gets(1, f"{there}:8080/")
    assert not lab.gets(1, f"{there}:8081/")
    assert lab.gets(1, "http://127.0.0.1:8080/")


def test_pings_pass_where_a_rule_says_so(lab: Lab) -> None:
    lab.machines.set_firewall(1, walls([SSH], EVERYTHING))
    assert "0 received" in lab.run(2, f"ping -c 1 -W 1 {lab.public(1)}", check=False)
    lab.machines.set_firewall(1, walls([SSH, permit("icmp", None)], EVERYTHING))
    assert "1 received" in lab.run(2, f"ping -c 1 -W 1 {lab.public(1)}")


def test_names_are_looked_up_only_where_dns_may_go_out(lab: Lab) -> None:
    # A name that this machine's network surely knows: that of the droplet's package archive.
    archive = urlsplit(lab.run(1, "awk '$1 == \"deb\" {print $2; exit}' /etc/apt/sources.list")).hostname
    lookup = f"timeout 8 getent ahostsv4 {archive} >/dev/null && echo yes"
    lab.machines.set_firewall(1, walls([SSH], [permit("udp", 53), permit("tcp", 53)]))
    assert lab.run(1, lookup, check=False).endswith("yes")
    lab.machines.set_firewall(1, walls([SSH], []))
    assert not lab.run(1, lookup, check=False).endswith("yes")


def test_connections_that_are_up_survive_a_change_of_rules(lab: Lab) -> None:
    lab.machines.set_firewall(1, walls([SSH], EVERYTHING))
    client = lab.connect(1)
    try:
        shell = client.invoke_shell()
        lab.machines.set_firewall(1, walls([SSH, permit("tcp", 8080)], []))
        lab.machines.set_firewall(1, walls([permit("tcp", 8080)], []))
        shell.send(b"echo still-$((40 + 2))\n")
        seen = b""
        shell.settimeout(10)
        while b"still-42" not in seen:
            part = shell.recv(4096)
            assert part, "the connection was cut"
            seen += part
    finally:
        client.close()
    assert not reachable(lab.public(1), 22)


@pytest.mark.parametrize(
    "attempt",
    [
        "nft flush ruleset",
        "nft delete table inet seatrial_cloud",
        "ip address add 198.51.100.7/32 dev eth0",
        "ip route add blackhole 198.51.100.0/24",
        "ip link set eth0 down",
        "nsenter -t 1 -n nft flush ruleset",
        "unshare --user --map-root-user nft flush ruleset",
    ],
)
def test_root_on_the_droplet_cannot_change_it(lab: Lab, attempt: str) -> None:
    lab.machines.set_firewall(1, walls([SSH], EVERYTHING))
    answer = lab.run(1, f"{attempt}; echo status $?", check=False)
    assert not answer.endswith("status 0"), answer
    assert "not found" not in answer
    assert reachable(lab.public(1), 22)
    assert not reachable(lab.public(1), 8080)


def test_it_holds_through_reboots_and_power_cycles(lab: Lab) -> None:
    lab.machines.set_firewall(1, walls([SSH, permit("tcp", 8081)], EVERYTHING))
    lab.run(1, "touch /run/mark; systemctl reboot", check=False)
    eventually("web server back after the reboot", lambda: not marked(lab) and reachable(lab.public(1), 8081))
    assert not reachable(lab.public(1), 8080)
    lab.machines.power_off(1, False)
    lab.machines.power_on(1)
    eventually("web server back after the power cycle", lambda: reachable(lab.public(1), 8081))
    assert not reachable(lab.public(1), 8080)
    lab.wait(1)


def test_a_firewall_set_before_a_droplet_is_made_is_in_force_from_its_first_moment(lab: Lab) -> None:
    lab.machines.set_firewall(5, walls([permit("tcp", 22, *ANYWHERE)], []))
    lab.create(lab.spec(5))
    lab.run(5, "python3 -m http.server 8080 >/dev/null 2>&1 & sleep 1; curl -s -o /dev/null localhost:8080")
    assert not reachable(lab.public(5), 8080)
    lab.machines.delete(5)


def marked(lab: Lab) -> bool:
    """Whether droplet 1 is still the boot that was marked, or cannot be asked."""
    try:
        return lab.run(1, "test -e /run/mark && echo yes", check=False) == "yes"
    except CONNECTION_LOST:
        return True
