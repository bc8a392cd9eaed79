"""Certificates that sign themselves: what OpenSSL reads in them, and when a new one is made."""

from __future__ import annotations

import re
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from localengine.provider import UNKNOWN, CheckFailures, Provider
from tests.localengine.providers.lifecycle import Made, make

TYPE = "tls:index/selfSignedCert:SelfSignedCert"


@pytest.fixture
def tls(providers: dict[str, Provider]) -> Provider:
    return providers["tls"]


def key(tls: Provider, algorithm: str = "ECDSA", **inputs: Any) -> str:
    made = make(tls, "tls:index/privateKey:PrivateKey", algorithm=algorithm, **inputs)
    return str(made.outputs["privateKeyPem"])


def certificate(tls: Provider, **inputs: Any) -> Made:
    least = {"privateKeyPem": key(tls), "allowedUses": ["server_auth"], "validityPeriodHours": 10}
    return make(tls, TYPE, **{**least, **inputs})


def shown(made: Made, folder: Path) -> str:
    """What OpenSSL reads in it, with single spaces."""
    file = folder / "certificate.pem"
    file.write_text(made.outputs["certPem"])
    command: list[str | Path] = [
        "openssl",
        "x509",
        "-in",
        file,
        "-noout",
        "-text",
        "-nameopt",
        "sname,sep_comma_plus",
    ]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.sub(r"\s+", " ", text)


def test_a_server_is_believed_under_its_name_by_who_has_its_certificate(
    tls: Provider, tmp_path: Path
) -> None:
    made = certificate(
        tls,
        allowedUses=["digital_signature", "server_auth"],
        validityPeriodHours=87600,
        dnsNames=["log-1"],
        subject={"commonName": "log-1"},
    )
    text = shown(made, tmp_path)
    for line in (
        "Issuer: CN=log-1 ",
        "Subject: CN=log-1 ",
        "Signature Algorithm: ecdsa-with-SHA256",
        "X509v3 Key Usage: critical Digital Signature X509v3",
        "X509v3 Extended Key Usage: TLS Web Server Authentication X509v3",
        "X509v3 Basic Constraints: critical CA:FALSE",
        "X509v3 Subject Alternative Name: DNS:log-1 ",
    ):
        assert line in text
    file = tmp_path / "certificate.pem"
    verified = subprocess.run(
        ["openssl", "verify", "-CAfile", file, "-purpose", "sslserver", "-verify_hostname", "log-1", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr
    outputs = made.outputs
    ends, starts = (datetime.fromisoformat(outputs[f"validity{which}Time"]) for which in ("End", "Start"))
    assert (ends - starts).days == 3650
    assert (outputs["keyAlgorithm"], outputs["readyForRenewal"], outputs["id"]) == ("ECDSA", False, made.id)
    assert (outputs["earlyRenewalHours"], outputs["isCaCertificate"]) == (0, False)
    assert "maxPathLength" not in outputs
    assert tls.secret_outputs(TYPE) == {"privateKeyPem"}


def test_everything_that_is_asked_for_stands_in_the_certificate(tls: Provider, tmp_path: Path) -> None:
    subject = {
        "country": "DE",
        "province": "p",
        "locality": "l",
        "streetAddresses": ["s1", "s2"],
        "postalCode": "1",
        "organization": "o",
        "organizationalUnit": "ou",
        "commonName": "c",
        "serialNumber": "7",
        "emailAddress": "a@b.c",
    }
    made = certificate(
        tls,
        privateKeyPem=key(tls, "ED25519"),
        allowedUses=["server_auth", "client_auth", "cert_signing", "key_encipherment"],
        isCaCertificate=True,
        maxPathLength=1,
        setSubjectKeyId=True,
        setAuthorityKeyId=True,
        dnsNames=["x.example.com"],
        ipAddresses=["10.0.0.1"],
        uris=["https://x.example.com/a"],
        subject=subject,
    )
    text = shown(made, tmp_path)
    for line in (
        "Signature Algorithm: ED25519",
        "C=DE,ST=p,L=l,street=s1+street=s2,postalCode=1,O=o,OU=ou,CN=c,serialNumber=7,emailAddress=a@b.c ",
        "Key Usage: critical Key Encipherment, Certificate Sign X509v3",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "CA:TRUE, pathlen:1",
        "DNS:x.example.com, IP Address:10.0.0.1, URI:https://x.example.com/a",
    ):
        assert line in text
    identifier = re.search(r"Subject Key Identifier: ([0-9A-F:]+)", text)
    assert identifier and re.search(rf"Authority Key Identifier: (keyid:)?{identifier[1]}", text)


@pytest.mark.parametrize(
    ("algorithm", "inputs", "signature"),
    [
        ("RSA", {}, "sha256WithRSAEncryption"),
        ("ECDSA", {"ecdsaCurve": "P384"}, "ecdsa-with-SHA384"),
        ("ECDSA", {"ecdsaCurve": "P521"}, "ecdsa-with-SHA512"),
    ],
)
def test_each_kind_of_key_signs_as_it_should(
    tls: Provider, tmp_path: Path, algorithm: str, inputs: dict[str, Any], signature: str
) -> None:
    made = certificate(tls, privateKeyPem=key(tls, algorithm, **inputs), allowedUses=[])
    text = shown(made, tmp_path)
    assert f"Signature Algorithm: {signature}" in text and "Key Usage" not in text
    assert made.outputs["keyAlgorithm"] == algorithm


def test_a_certificate_is_kept_until_its_inputs_change(tls: Provider) -> None:
    made = certificate(tls, dnsNames=["log-1"])
    assert made.diff().changed == () and made.refresh() == made
    assert made.diff(isCaCertificate=False, earlyRenewalHours=0).changed == ()
    for change in (
        {"dnsNames": ["log-2"]},
        {"dnsNames": None},
        {"validityPeriodHours": 11},
        {"allowedUses": ["client_auth"]},
        {"subject": {"commonName": "x"}},
        {"privateKeyPem": UNKNOWN},
    ):
        assert made.diff(**change).replaces == tuple(change)
    sooner = made.diff(earlyRenewalHours=2)
    assert (sooner.changed, sooner.replaces) == (("earlyRenewalHours",), ())
    updated = made.update(earlyRenewalHours=2).outputs
    assert updated == {**made.outputs, "earlyRenewalHours": 2}


def test_a_certificate_that_is_about_to_end_is_made_anew(tls: Provider) -> None:
    made = certificate(tls, earlyRenewalHours=9)
    assert made.outputs["readyForRenewal"] is False and made.diff().replaces == ()
    assert made.diff(earlyRenewalHours=10).replaces == ("readyForRenewal",)
    ended = certificate(tls, validityPeriodHours=0)
    assert ended.outputs["readyForRenewal"] is True
    assert ended.diff().replaces == ("readyForRenewal",)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"allowedUses": None}, "allowedUses: is required"),
        ({"privateKeyPem": None}, "privateKeyPem: is required"),
        ({"allowedUses": ["nope"]}, r"allowedUses\[0\]: 'nope' is not one of any_extended, cert_signing"),
        ({"validityPeriodHours": -1}, "validityPeriodHours: -1 is not between 0"),
        ({"earlyRenewalHours": -2}, "earlyRenewalHours: -2 is not between 0"),
        ({"maxPathLength": -2}, "maxPathLength: -2 is not between -1"),
        ({"ipAddresses": ["10.0.0"]}, "'10.0.0' is not an IP address"),
        ({"privateKeyPemWo": "x"}, "privateKeyPemWo: no such property"),
        ({"subject": {"name": "x"}}, "subject.name: no such property"),
    ],
)
def test_wrong_wishes_are_told(tls: Provider, inputs: dict[str, Any], reason: str) -> None:
    least = {"privateKeyPem": "x", "allowedUses": ["server_auth"], "validityPeriodHours": 10}
    asked = {name: value for name, value in {**least, **inputs}.items() if value is not None}
    with pytest.raises(CheckFailures, match=reason):
        tls.check(TYPE, {}, asked)
