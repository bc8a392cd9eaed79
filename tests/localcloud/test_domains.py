"""Domains and their records, as the API has them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localcloud.client import Client

RECORDS = "/v2/domains/example.com/records"


@pytest.fixture
def zone(api: Client) -> Client:
    api.post("/v2/domains", {"name": "example.com"})
    return api


def add(api: Client, *, expect: int = 201, **fields: Any) -> dict[str, Any]:
    answer = api.post(RECORDS, fields, expect=expect)
    return dict(answer["domain_record"] if expect == 201 else answer)


def test_a_new_domain_has_its_authority_and_three_name_servers(zone: Client) -> None:
    records = zone.get(RECORDS)["domain_records"]
    assert [record["type"] for record in records] == ["SOA", "NS", "NS", "NS"]
    assert [record["data"] for record in records[1:]] == [f"ns{n}.digitalocean.com" for n in (1, 2, 3)]
    assert {record["ttl"] for record in records} == {1800}


def test_a_domain_can_begin_with_an_address(api: Client) -> None:
    api.post("/v2/domains", {"name": "Example.com", "ip_address": "198.18.0.9"})
    found = api.get(f"{RECORDS}?type=A")["domain_records"]
    assert [(record["name"], record["data"]) for record in found] == [("@", "198.18.0.9")]
    assert "example.com. 1800 IN A 198.18.0.9" in api.get("/v2/domains/example.com")["domain"]["zone_file"]


@pytest.mark.parametrize("name", ["", "example", "exa mple.com", "-a.com", "a..com"])
def test_what_is_no_domain_name_is_refused(api: Client, name: str) -> None:
    assert "valid domain name" in api.post("/v2/domains", {"name": name}, expect=422)["message"]


def test_a_domain_is_there_once(zone: Client) -> None:
    assert "already exists" in zone.post("/v2/domains", {"name": "EXAMPLE.com"}, expect=422)["message"]
    zone.delete("/v2/domains/example.com")
    zone.get("/v2/domains/example.com", expect=404)
    zone.get(RECORDS, expect=404)
    zone.post("/v2/domains", {"name": "example.com"})


@pytest.mark.parametrize(
    ("fields", "data"),
    [
        ({"type": "CNAME", "name": "blog", "data": "www.example.com."}, "www.example.com"),
        ({"type": "CNAME", "name": "blog", "data": "@"}, "example.com"),
        ({"type": "MX", "name": "@", "data": "mail.example.com.", "priority": 5}, "mail.example.com"),
        (
            {"type": "CAA", "name": "@", "data": "letsencrypt.org.", "flags": 0, "tag": "issue"},
            "letsencrypt.org",
        ),
        (
            {"type": "CAA", "name": "@", "data": "mailto:a@example.com", "flags": 0, "tag": "iodef"},
            "mailto:a@example.com",
        ),
        ({"type": "TXT", "name": "@", "data": "ends with a dot."}, "ends with a dot."),
    ],
)
def test_hosts_are_answered_without_the_dot_they_are_sent_with(
    zone: Client, fields: dict[str, Any], data: str
) -> None:
    record = add(zone, **fields)
    assert record["data"] == data
    assert zone.get(f"{RECORDS}/{record['id']}")["domain_record"] == record


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("www", "www"),
        ("@", "@"),
        ("example.com.", "@"),
        ("www.example.com.", "www"),
        ("*.a", "*.a"),
        ("WWW", "www"),
    ],
)
def test_names_are_kept_relative_to_the_domain(zone: Client, given: str, kept: str) -> None:
    assert add(zone, type="A", name=given, data="198.18.0.9")["name"] == kept


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "CNAME", "data": "www.example.com"}, "Data needs to end with a dot (.)"),
        ({"type": "MX", "data": "mail.example.com", "priority": 1}, "Data needs to end with a dot (.)"),
        ({"type": "NS", "data": "ns.example.com"}, "Data needs to end with a dot (.)"),
        ({"type": "A", "data": ""}, "Data can't be blank"),
        ({"type": "A"}, "Data can't be blank"),
        ({"type": "A", "data": "::1"}, "IPv4"),
        ({"type": "AAAA", "data": "1.2.3.4"}, "IPv6"),
        ({"type": "MX", "data": "mail.example.com."}, "Priority can't be blank"),
        ({"type": "SRV", "data": "a.example.com.", "priority": 1, "port": 2}, "Weight can't be blank"),
        ({"type": "CAA", "data": "a.org.", "flags": 0}, "Tag can't be blank"),
        ({"type": "A", "data": "1.2.3.4", "ttl": 5}, "TTL must be between 30"),
        ({"type": "SOA", "data": "x."}, "is not one of"),
        ({"type": "LOC", "data": "x"}, "is not one of"),
        ({"type": "A", "data": "1.2.3.4", "name": "a b"}, "Name 'a b' is not valid"),
        ({"type": "A", "data": "1.2.3.4", "name": None}, "Name can't be blank"),
    ],
)
def test_a_record_that_cannot_be_is_refused(zone: Client, fields: dict[str, Any], message: str) -> None:
    assert message in add(zone, expect=422, **({"name": "x"} | fields))["message"]
    assert zone.get(RECORDS)["meta"]["total"] == 4


def test_an_alias_stands_alone(zone: Client) -> None:
    add(zone, type="A", name="www", data="198.18.0.9")
    refused = add(zone, expect=422, type="CNAME", name="www", data="other.example.com.")
    assert refused["message"] == "CNAME records cannot share a name with other records"
    add(zone, type="CNAME", name="blog", data="www.example.com.")
    add(zone, expect=422, type="A", name="blog", data="198.18.0.9")


def test_a_record_is_changed_without_naming_its_type(zone: Client) -> None:
    record = add(zone, type="A", name="www", data="198.18.0.9", ttl=60)
    changed = {"name": "www", "data": "198.18.0.10", "ttl": 300, "priority": 0, "port": 0, "weight": 0}
    answered = zone.put(f"{RECORDS}/{record['id']}", changed)["domain_record"]
    assert (answered["id"], answered["data"], answered["ttl"]) == (record["id"], "198.18.0.10", 300)
    assert answered["priority"] is None


def test_a_change_of_an_alias_must_bring_its_data(zone: Client) -> None:
    record = add(zone, type="CNAME", name="blog", data="www.example.com.")
    refused = zone.put(f"{RECORDS}/{record['id']}", {"ttl": 60}, expect=422)
    assert refused["message"] == "Data needs to end with a dot (.)"


def test_of_the_authority_only_the_ttl_changes_and_it_stays(zone: Client) -> None:
    soa = zone.get(f"{RECORDS}?type=SOA")["domain_records"][0]
    assert zone.put(f"{RECORDS}/{soa['id']}", {"ttl": 60})["domain_record"]["ttl"] == 60
    assert "can not be deleted" in zone.delete(f"{RECORDS}/{soa['id']}", expect=422)["message"]


def test_records_are_found_by_name_and_type(zone: Client) -> None:
    add(zone, type="A", name="www", data="198.18.0.9")
    add(zone, type="TXT", name="www", data="hello")
    assert zone.get(f"{RECORDS}?name=www.example.com")["meta"]["total"] == 2
    assert zone.get(f"{RECORDS}?name=www.example.com&type=TXT")["meta"]["total"] == 1
    assert zone.get(f"{RECORDS}?name=example.com&type=NS")["meta"]["total"] == 3


def test_a_removed_record_is_gone(zone: Client) -> None:
    record = add(zone, type="A", name="www", data="198.18.0.9")
    zone.delete(f"{RECORDS}/{record['id']}")
    zone.delete(f"{RECORDS}/{record['id']}", expect=404)
