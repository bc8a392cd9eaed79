"""What the DNS server says, as a resolver on the wire sees it."""

from __future__ import annotations

from typing import Any

import pytest
from dnslib import QTYPE, RCODE, DNSRecord  # type: ignore[import-untyped]

from localcloud.cloud import Cloud
from localcloud.names_server import reply
from tests.localcloud.client import Client

RECORDS = "/v2/domains/example.com/records"
ODD = 'grüße; "quoted" \\ back\tslash'


@pytest.fixture
def zone(api: Client) -> Client:
    api.post("/v2/domains", {"name": "example.com"})
    for record in (
        {"type": "A", "name": "@", "data": "198.18.0.2", "ttl": 60},
        {"type": "A", "name": "www", "data": "198.18.0.3", "ttl": 300},
        {"type": "A", "name": "www", "data": "198.18.0.4", "ttl": 60},
        {"type": "AAAA", "name": "www", "data": "2001:db8::1"},
        {"type": "CNAME", "name": "blog", "data": "www.example.com.", "ttl": 120},
        {"type": "CNAME", "name": "away", "data": "elsewhere.org."},
        {"type": "CNAME", "name": "lost", "data": "nothing.example.com."},
        {"type": "CNAME", "name": "round", "data": "about.example.com."},
        {"type": "CNAME", "name": "about", "data": "round.example.com."},
        {"type": "A", "name": "*.apps", "data": "198.18.0.5"},
        {"type": "A", "name": "deep.under", "data": "198.18.0.6"},
        {"type": "MX", "name": "@", "data": "mail.example.com.", "priority": 10},
        {"type": "TXT", "name": "odd", "data": ODD},
        {"type": "TXT", "name": "@", "data": 'v=spf1 "all" ' + "x" * 300},
        {
            "type": "SRV",
            "name": "_sip._tcp",
            "data": "www.example.com.",
            "priority": 1,
            "weight": 2,
            "port": 5060,
        },
        {"type": "CAA", "name": "@", "data": "letsencrypt.org.", "flags": 0, "tag": "issue"},
    ):
        api.post(RECORDS, record)
    return api


def ask(cloud: Cloud, name: str, type: str = "A", *, udp: bool = False, edns: int = 0) -> Any:
    query = DNSRecord.question(name, type)
    if edns:
        from dnslib import EDNS0

        query.add_ar(EDNS0(udp_len=edns))
    with cloud.store.read() as state:
        answered = reply(state.domains, query.pack(), udp=udp)
    assert answered is not None
    return DNSRecord.parse(answered)


def data(answer: Any, type: str) -> set[str]:
    return {str(record.rdata) for record in answer.rr if QTYPE[record.rtype] == type}


@pytest.mark.usefixtures("zone")
def test_an_address_is_answered_with_its_ttl_and_authority(cloud: Cloud) -> None:
    answer = ask(cloud, "example.com")
    assert data(answer, "A") == {"198.18.0.2"}
    assert answer.rr[0].ttl == 60
    assert (answer.header.aa, answer.header.ra, answer.header.rcode) == (1, 0, RCODE.NOERROR)


@pytest.mark.usefixtures("zone")
def test_names_are_found_whatever_their_case(cloud: Cloud) -> None:
    assert data(ask(cloud, "WWW.Example.COM"), "AAAA") == set()
    assert data(ask(cloud, "WWW.Example.COM", "AAAA"), "AAAA") == {"2001:db8::1"}


@pytest.mark.usefixtures("zone")
def test_addresses_of_one_name_have_one_ttl(cloud: Cloud) -> None:
    answer = ask(cloud, "www.example.com")
    assert data(answer, "A") == {"198.18.0.3", "198.18.0.4"}
    assert {record.ttl for record in answer.rr} == {60}


@pytest.mark.parametrize(
    ("name", "type", "expected"),
    [
        ("example.com", "MX", {"10 mail.example.com."}),
        ("example.com", "NS", {f"ns{n}.digitalocean.com." for n in (1, 2, 3)}),
        ("_sip._tcp.example.com", "SRV", {"1 2 5060 www.example.com."}),
        ("example.com", "CAA", {'0 issue "letsencrypt.org"'}),
        ("any.apps.example.com", "A", {"198.18.0.5"}),
        ("a.b.apps.example.com", "A", {"198.18.0.5"}),
    ],
)
@pytest.mark.usefixtures("zone")
def test_every_type_of_record_is_served(cloud: Cloud, name: str, type: str, expected: set[str]) -> None:
    assert data(ask(cloud, name, type), type) == expected


@pytest.mark.usefixtures("zone")
def test_a_long_text_comes_whole(cloud: Cloud) -> None:
    answer = ask(cloud, "example.com", "TXT")
    assert b"".join(answer.rr[0].rdata.data).decode() == 'v=spf1 "all" ' + "x" * 300


@pytest.mark.usefixtures("zone")
def test_a_text_may_hold_anything(cloud: Cloud) -> None:
    assert ask(cloud, "odd.example.com", "TXT").rr[0].rdata.data[0].decode() == ODD


@pytest.mark.usefixtures("zone")
def test_the_same_record_twice_is_answered_once(cloud: Cloud, api: Client) -> None:
    api.post(RECORDS, {"type": "A", "name": "@", "data": "198.18.0.2", "ttl": 90})
    assert [record.ttl for record in ask(cloud, "example.com").rr] == [60]


@pytest.mark.usefixtures("zone")
def test_the_authority_record_counts_changes(cloud: Cloud, api: Client) -> None:
    before = ask(cloud, "example.com", "SOA").rr[0].rdata.times[0]
    api.post(RECORDS, {"type": "A", "name": "new", "data": "198.18.0.9"})
    assert ask(cloud, "example.com", "SOA").rr[0].rdata.times[0] == before + 1


@pytest.mark.usefixtures("zone")
def test_an_alias_is_followed_within_the_zones(cloud: Cloud) -> None:
    answer = ask(cloud, "blog.example.com")
    assert data(answer, "CNAME") == {"www.example.com."}
    assert data(answer, "A") == {"198.18.0.3", "198.18.0.4"}
    assert data(ask(cloud, "blog.example.com", "CNAME"), "A") == set()
    assert data(ask(cloud, "away.example.com"), "CNAME") == {"elsewhere.org."}


@pytest.mark.usefixtures("zone")
def test_an_alias_is_followed_into_another_zone(cloud: Cloud, api: Client) -> None:
    api.post("/v2/domains", {"name": "elsewhere.org", "ip_address": "198.18.0.7"})
    assert data(ask(cloud, "away.example.com"), "A") == {"198.18.0.7"}


@pytest.mark.usefixtures("zone")
def test_aliases_in_a_circle_come_to_an_end(cloud: Cloud) -> None:
    assert data(ask(cloud, "round.example.com"), "A") == set()


@pytest.mark.parametrize("name", ["nothing.example.com", "x.www.example.com", "lost.example.com"])
@pytest.mark.usefixtures("zone")
def test_a_name_there_is_not_is_denied_for_a_while(cloud: Cloud, name: str) -> None:
    answer = ask(cloud, name)
    assert answer.header.rcode == RCODE.NXDOMAIN
    assert [QTYPE[record.rtype] for record in answer.auth] == ["SOA"]


@pytest.mark.parametrize(("name", "type"), [("www.example.com", "MX"), ("under.example.com", "A")])
@pytest.mark.usefixtures("zone")
def test_a_name_with_nothing_of_that_type_is_not_denied(cloud: Cloud, name: str, type: str) -> None:
    answer = ask(cloud, name, type)
    assert answer.header.rcode == RCODE.NOERROR
    assert answer.rr == []
    assert [QTYPE[record.rtype] for record in answer.auth] == ["SOA"]


@pytest.mark.usefixtures("zone")
def test_other_peoples_names_are_refused(cloud: Cloud) -> None:
    answer = ask(cloud, "example.org")
    assert (answer.header.rcode, answer.header.aa) == (RCODE.REFUSED, 0)


@pytest.mark.usefixtures("zone")
def test_the_closest_zone_answers(cloud: Cloud, api: Client) -> None:
    api.post("/v2/domains", {"name": "www.example.com", "ip_address": "198.18.0.8"})
    assert data(ask(cloud, "www.example.com"), "A") == {"198.18.0.8"}


@pytest.mark.usefixtures("zone")
def test_an_answer_too_long_for_udp_says_so(cloud: Cloud, api: Client) -> None:
    for number in range(40):
        api.post(RECORDS, {"type": "A", "name": "many", "data": f"198.18.1.{number}"})
    cut = ask(cloud, "many.example.com", udp=True)
    assert (cut.header.tc, cut.rr) == (1, [])
    assert str(cut.q.qname) == "many.example.com."
    assert len(ask(cloud, "many.example.com", udp=True, edns=1232).rr) == 40
    assert len(ask(cloud, "many.example.com").rr) == 40


@pytest.mark.parametrize("packet", [b"", b"hello", b"\x00" * 11])
def test_what_is_no_query_gets_no_answer(packet: bytes) -> None:
    assert reply({}, packet, udp=True) is None


def test_a_damaged_query_is_told_so_and_an_answer_is_not_answered(cloud: Cloud) -> None:
    query = DNSRecord.question("example.com").pack()
    damaged = reply({}, query[:-6] + b"\xff" * 6, udp=True)
    assert damaged is not None
    assert damaged[:2] == query[:2]
    assert reply({}, bytes(ask(cloud, "example.com").pack()), udp=True) is None
