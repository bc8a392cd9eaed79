"""What is sent where, and in which form: the roles sender and syslog."""

from __future__ import annotations

import re

import pytest

from provisioning.sitefile import syslog_message
from tests.unit.provisioning.test_bundle import bundle, files

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
SENDER = {
    "syslog_server": "10.116.0.7:6514",
    "syslog_name": "log-1",
    "syslog_from": "app-1",
    "syslog_certificate": PEM,
}
KEEPER = {"private_address": "10.116.0.7", "syslog_keep_days": "14", "syslog_certificate": PEM}


def test_a_sender_believes_the_one_certificate_it_was_given() -> None:
    content = files(bundle(roles=("base", "sender"), variables=SENDER))
    text = content["sender/files/rsyslog.conf"]
    for line in (
        'target="10.116.0.7"',
        'port="6514"',
        'streamDriverPermittedPeers="log-1"',
        'defaultNetstreamDriverCAFile="/etc/rsyslog.d/server.pem"',
        'localHostname="app-1"',
    ):
        assert line in text
    assert content["sender/files/server.pem"].startswith(PEM)


def test_an_outside_service_is_believed_where_the_systems_authorities_do() -> None:
    outside = {"syslog_server": "logs.example.com:12", "syslog_name": "logs.example.com", "syslog_from": "a"}
    content = files(bundle(roles=("base", "sender"), variables=outside))
    assert '"/etc/ssl/certs/ca-certificates.crt"' in content["sender/files/rsyslog.conf"]
    assert "CERTIFICATE" not in content["sender/files/server.pem"]


def test_the_days_are_those_of_the_setting() -> None:
    content = files(bundle(roles=("base", "syslog"), variables=KEEPER, secrets={"syslog_key": "k"}))
    assert "-mmin +$((14 * 24 * 60))" in content["syslog/files/seatrial-logs"]
    assert 'input(type="imtcp" address="10.116.0.7" port="6514")' in content["syslog/files/rsyslog.conf"]


def test_the_structured_data_is_the_token_or_nothing() -> None:
    assert "%msgid% - %msg%" in syslog_message("")
    told = syslog_message('logs@41058 token="abc"')
    assert r"%msgid% [logs@41058 token=\"abc\"] %msg%" in told
    for wrong in ("a] [b", "a\nb", "a\\", "%msg%"):
        with pytest.raises(ValueError, match="syslog_token: brackets"):
            syslog_message(wrong)


def test_what_is_sent_where_is_no_part_of_the_sites_configuration() -> None:
    alone = bundle(roles=("base", "app"))
    sending = bundle(roles=("base", "app", "sender"), variables=SENDER)
    assert alone.configuration == alone.digest == sending.configuration != sending.digest


def test_what_a_role_of_logs_lacks_is_said() -> None:
    with pytest.raises(ValueError, match="variable") as raised:
        bundle(roles=("base", "syslog", "sender"), variables={"syslog_server": "10.0.0.1"})
    lines = str(raised.value).splitlines()
    assert "variable syslog_server is '10.0.0.1': it must be name:port or address:port" in lines
    assert {match[1] for line in lines if (match := re.match(r"variable (\w+) is missing", line))} == {
        "private_address",
        "syslog_keep_days",
        "syslog_certificate",
        "syslog_name",
        "syslog_from",
    }
    assert "secret syslog_key is missing" in lines
