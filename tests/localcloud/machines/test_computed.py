"""What is computed without a container: nft's text, seeds, settings taken over, archives, capabilities."""

from __future__ import annotations

import io
import json
import tarfile
import tomllib

import pytest

from localcloud import apt_sources, host_config, kernel, netfilter
from localcloud.apt_sources import Source
from localcloud.files import File, pack
from localcloud.firewall_rules import render
from localcloud.host_config import HostConfig
from localcloud.machine_types import Firewall, MachineSpec, Rule
from localcloud.networks import free_public
from localcloud.seed import resolvers_of, seed_files

PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----"


def rule(protocol: str, ports: tuple[int, int] | None, *addresses: str) -> Firewall:
    return Firewall(
        inbound=(Rule(protocol=protocol, ports=ports, addresses=addresses),),  # type: ignore[arg-type]
        outbound=(),
    )


def test_overlapping_addresses_become_one_set_for_each_family() -> None:
    text = render(rule("tcp", (80, 90), "10.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32", "2001:db8::/32"))
    assert "ip saddr { 10.0.0.0/8, 192.0.2.7/32 } tcp dport 80-90 accept" in text
    assert "ip6 saddr { 2001:db8::/32 } tcp dport 80-90 accept" in text


def test_a_rule_without_addresses_permits_nothing() -> None:
    assert "tcp" not in render(rule("tcp", (80, 80)))


def test_a_firewall_takes_the_place_of_the_one_before_in_one_script() -> None:
    lines = render(rule("udp", None, "0.0.0.0/0")).splitlines()
    assert lines[1] == "delete table inet seatrial_cloud"
    assert lines[2] == "table inet seatrial_cloud {"
    assert render(None).splitlines() == lines[:2]


@pytest.mark.parametrize("ports", [(0, 80), (90, 80), (1, 65536)])
def test_ports_that_are_none_are_refused(ports: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="range of ports"):
        render(rule("tcp", ports, "0.0.0.0/0"))


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0"):
        render(rule("tcp", (80, 80), "10.0.0/8; flush ruleset"))


def test_a_resolver_on_loopback_is_passed_over_for_the_one_behind_it() -> None:
    stub = "# systemd\nnameserver 127.0.0.53\noptions edns0\n"
    behind = "nameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver 192.0.2.54\n"
    assert resolvers_of([stub, behind]) == ("192.0.2.53", "192.0.2.54")
    assert resolvers_of([stub]) == ()


def test_only_root_reads_the_seed_and_its_metadata_names_the_droplet() -> None:
    spec = MachineSpec(
        id=7, hostname="a.example.org", image="debian-13-x64", memory_mb=512, vcpus=1, disk_gb=10,
        public_address="198.18.0.7", private_address="10.116.0.7", private_network="v",
        user_data="#cloud-config\n{}", ssh_keys=('ssh-ed25519 AAAA "me": x',),
    )  # fmt: skip
    files = {file.path.rpartition("/")[2]: file for file in seed_files(spec, ["192.0.2.53"])}
    metadata = json.loads(files["meta-data"].content)
    assert metadata == {
        "instance-id": "7",
        "local-hostname": "a.example.org",
        "public-keys": ['ssh-ed25519 AAAA "me": x'],
    }
    assert files["user-data"].mode == files["meta-data"].mode == 0o600
    assert b"127.0.1.1 a.example.org a\n" in files["hosts"].content
    assert files["resolv.conf"].content == b"nameserver 192.0.2.53\n"


def test_an_archive_is_the_same_for_the_same_files_in_any_order() -> None:
    one, two = File("/etc/b", b"b", 0o600), File("/etc/a", link="/dev/null")
    assert pack([one, two]) == pack([two, one])
    with tarfile.open(fileobj=io.BytesIO(pack([one, two]))) as archive:
        assert [(m.name, m.mode, m.linkname) for m in archive][1] == ("etc/b", 0o600, "")
        assert archive.getmember("etc/a").linkname == "/dev/null"


def test_only_the_authorities_beyond_the_distribution_s_are_taken_over() -> None:
    shipped, own = PEM.format("AAAA\nBBBB"), PEM.format("CCCC")
    bundle = f"# comment\n{shipped.replace(chr(10), chr(13) + chr(10))}\n{own}\n{own}\n"
    assert host_config.extra_authorities([bundle, ""], [shipped]) == (own,)


def test_apt_s_ways_to_archives_are_taken_over_but_not_what_only_this_machine_reaches() -> None:
    dump = "\n".join(
        (
            'Acquire::Check-Valid-Until "false";',
            'Acquire::http::Proxy "http://proxy.example.org:3128/";',
            'Acquire::https::Proxy "http://127.0.0.1:3142";',
            'Acquire::http::Proxy-Auto-Detect "/usr/bin/find-proxy";',
            'Acquire::https::Verify-Peer "";',
            'APT::Install-Recommends "false";',
        )
    )
    assert host_config.apt_options(dump) == (
        'Acquire::Check-Valid-Until "false";',
        'Acquire::http::Proxy "http://proxy.example.org:3128/";',
    )


def test_pip_s_indexes_come_from_its_files_and_the_environment_wins() -> None:
    files = [
        "[global]\nindex-url = https://old.example.org/simple\ntimeout = 9\nfind-links = /opt/wheels\n",
        "no",
    ]
    found = dict(host_config.pip_settings(files, {"PIP_INDEX_URL": "https://new.example.org/simple"}))
    assert found == {"index-url": "https://new.example.org/simple", "timeout": "9"}


def test_a_proxy_on_this_machine_s_loopback_is_no_proxy_for_a_droplet() -> None:
    assert host_config.proxies({"HTTPS_PROXY": "http://localhost:3128"}) == ()
    found = dict(
        host_config.proxies({"https_proxy": "http://u@proxy.example.org:1", "no_proxy": "localhost"})
    )
    assert found["HTTPS_PROXY"] == found["https_proxy"] == "http://u@proxy.example.org:1"
    assert found["NO_PROXY"] == "localhost"


def test_settings_become_the_files_that_apt_pip_and_uv_read() -> None:
    config = HostConfig(
        extra_authorities=(PEM.format("CCCC"),),
        apt_options=('Acquire::Retries "5";',),
        pip=(("extra-index-url", "https://b.example.org\nhttps://c.example.org"), ("index-url", "https://a.example.org")),
        proxies=(("https_proxy", "http://proxy.example.org:1"),),
    )  # fmt: skip
    files = {file.path: file.content.decode() for file in config.files()}
    uv = tomllib.loads(files["/etc/uv/uv.toml"])
    assert uv["index-url"] == "https://a.example.org"
    assert uv["extra-index-url"] == ["https://b.example.org", "https://c.example.org"]
    assert uv["system-certs"] is True
    assert "extra-index-url = https://b.example.org https://c.example.org\n" in files["/etc/pip.conf"]
    assert "https_proxy=" in files["/etc/environment"]
    assert files["/etc/apt/apt.conf.d/80machine"] == 'Acquire::Retries "5";\n'
    assert HostConfig().files() == ()


def test_this_machine_s_debian_archives_serve_the_droplet_s_release_where_they_have_it() -> None:
    deb822 = (
        "# mirrors\nTypes: deb deb-src\nURIs: https://mirror.example.org/debian\n# http://other.example.org\n"
        "Suites: bookworm\n bookworm-updates\nComponents: main contrib\n\n"
        "Types: deb\nURIs: https://mirror.example.org/security\nSuites: bookworm-security\n"
        "Components: main\n\n"
        "Types: deb\nEnabled: no\nURIs: https://off.example.org\nSuites: bookworm\nComponents: main\n"
    )
    one_line = (
        "deb [signed-by=/k] https://deb.example.org/node nodistro main # no Debian\ndeb-src http://x y main\n"
    )
    found = [*apt_sources.parse_deb822(deb822), *apt_sources.parse_list(one_line)]
    assert Source("https://deb.example.org/node", "nodistro", ("main",)) in found
    assert apt_sources.for_release(found, "trixie", lambda _uri, _suite: True) == (
        "deb https://mirror.example.org/debian trixie main",
        "deb https://mirror.example.org/debian trixie-updates main",
        "deb https://mirror.example.org/security trixie-security main",
    )
    assert apt_sources.for_release(found, "trixie", lambda _uri, suite: suite != "trixie") == ()


def test_capabilities_that_no_process_here_has_are_named() -> None:
    status = "Name:\tx\nCapBnd:\t000001fffeffffff\n"
    assert kernel.missing_capabilities(status) == ["SYS_RESOURCE"]
    assert kernel.missing_capabilities("CapBnd:\t000001ffffffffff\n") == []


def test_droplets_of_one_kind_share_the_processors_out() -> None:
    chosen = [kernel.choose_processors(f"shop-app-{number}", 1, [0, 1]) for number in (1, 2, 3)]
    assert chosen in (["0", "1", "0"], ["1", "0", "1"])
    pairs = {kernel.choose_processors(f"shop-app-{number}", 2, [0, 1, 2, 3]) for number in (1, 2)}
    assert pairs == {"0,1", "2,3"}
    assert kernel.choose_processors("web", 1, [0, 1]) in ("0", "1")
    assert kernel.choose_processors("web", 2, [0, 1]) == ""


def test_what_docker_leaves_in_the_packet_filter_is_told_from_what_others_have_there() -> None:
    listing = (
        "-P FORWARD DROP\n-N DOCKER\n-N DOCKER-USER\n-N ufw\n-A FORWARD -j DOCKER-USER\n"
        "-A FORWARD -j ufw\n-A DOCKER-USER -j RETURN\n"
        "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"
    )
    rules, chains = netfilter.docker_leftovers(listing)
    assert rules == [
        "-D FORWARD -j DOCKER-USER",
        "-D PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
    ]
    assert chains == ["DOCKER", "DOCKER-USER"]
    assert netfilter.forward_policy(listing) == "DROP"


def test_the_default_instance_has_the_first_public_range_and_others_never_take_it() -> None:
    assert free_public(True, []) == "198.18.0.0/24"
    assert free_public(False, []) == "198.18.1.0/24"
