"""Certificates that sign themselves: `tls:index/selfSignedCert:SelfSignedCert`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, ClassVar

from localengine.provider import CheckFailure
from localengine.providers import schema
from localengine.providers.base import Computed
from localengine.providers.schema import Field, Fields

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
    from cryptography.x509 import CertificateBuilder, Name

#: Names of allowed uses, to the name of a bit of X.509's key usage.
KEY_USES = {
    "digital_signature": "digital_signature",
    "content_commitment": "content_commitment",
    "key_encipherment": "key_encipherment",
    "data_encipherment": "data_encipherment",
    "key_agreement": "key_agreement",
    "cert_signing": "key_cert_sign",
    "crl_signing": "crl_sign",
    "encipher_only": "encipher_only",
    "decipher_only": "decipher_only",
}
#: Names of allowed uses, to an object identifier of X.509's extended key usage.
EXTENDED_USES = {
    "any_extended": "2.5.29.37.0",
    "server_auth": "1.3.6.1.5.5.7.3.1",
    "client_auth": "1.3.6.1.5.5.7.3.2",
    "code_signing": "1.3.6.1.5.5.7.3.3",
    "email_protection": "1.3.6.1.5.5.7.3.4",
    "ipsec_end_system": "1.3.6.1.5.5.7.3.5",
    "ipsec_tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec_user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp_signing": "1.3.6.1.5.5.7.3.9",
    "microsoft_server_gated_crypto": "1.3.6.1.4.1.311.10.3.3",
    "netscape_server_gated_crypto": "2.16.840.1.113730.4.1",
    "microsoft_commercial_code_signing": "1.3.6.1.4.1.311.2.1.22",
    "microsoft_kernel_code_signing": "1.3.6.1.4.1.311.61.1.1",
}
#: The parts of a subject, in the order in which they stand in a certificate, and their object identifiers.
SUBJECT = {
    "country": "2.5.4.6",
    "province": "2.5.4.8",
    "locality": "2.5.4.7",
    "streetAddresses": "2.5.4.9",
    "postalCode": "2.5.4.17",
    "organization": "2.5.4.10",
    "organizationalUnit": "2.5.4.11",
    "commonName": "2.5.4.3",
    "serialNumber": "2.5.4.5",
    "emailAddress": "1.2.840.113549.1.9.1",
}
_LIST = Field(kind="list", item=Field(), replaces=True)


def _is_address(value: str) -> str | None:
    try:
        ip_address(value)
    except ValueError:
        return f"{value!r} is not an IP address"
    return None


def _hours(**options: Any) -> Field:
    return Field(kind="int", wrong=schema.between(0, 10_000_000), **options)


class SelfSignedCert(Computed):
    """A certificate that its own key has signed."""

    fields: ClassVar[Fields] = {
        "allowedUses": Field(
            kind="list", item=Field(wrong=schema.one_of(*sorted(KEY_USES | EXTENDED_USES))), replaces=True
        ),
        "dnsNames": _LIST,
        "earlyRenewalHours": _hours(default=0),
        "ipAddresses": Field(kind="list", item=Field(wrong=_is_address), replaces=True),
        "isCaCertificate": Field(kind="bool", default=False, replaces=True),
        "maxPathLength": Field(kind="int", replaces=True, wrong=schema.between(-1, 1000)),
        "privateKeyPem": Field(required=True, replaces=True),
        "setAuthorityKeyId": Field(kind="bool", default=False, replaces=True),
        "setSubjectKeyId": Field(kind="bool", default=False, replaces=True),
        "subject": Field(
            kind="object",
            fields={name: _LIST if name == "streetAddresses" else Field() for name in SUBJECT},
            replaces=True,
        ),
        "uris": _LIST,
        "validityPeriodHours": _hours(required=True, replaces=True),
        **{
            name: Field(output=True)
            for name in (
                "certPem",
                "keyAlgorithm",
                "readyForRenewal",
                "validityStartTime",
                "validityEndTime",
            )
        },
    }
    secret = frozenset({"privateKeyPem"})

    def wrong(self, inputs: Mapping[str, Any]) -> list[CheckFailure]:
        """The uses have to be said, though there may be none of them."""
        missing = "allowedUses" not in inputs
        return [CheckFailure("allowedUses", "is required and was not given")] if missing else []

    def stale(self, outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """A certificate that is about to end makes place for a new one."""
        if not isinstance(early := inputs["earlyRenewalHours"], int) or "validityEndTime" not in outputs:
            return ()
        ends = datetime.fromisoformat(outputs["validityEndTime"])
        return ("readyForRenewal",) if _is_due(ends, early) else ()

    def make(self, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Make the certificate; the id is its serial number."""
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
        from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

        key = load_pem_private_key(inputs["privateKeyPem"].encode(), None)
        kinds = {"RSA": RSAPrivateKey, "ECDSA": EllipticCurvePrivateKey, "ED25519": Ed25519PrivateKey}
        algorithm = next((name for name, kind in kinds.items() if isinstance(key, kind)), "")
        if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey):
            raise ValueError("privateKeyPem: is none of an RSA, ECDSA and Ed25519 key")
        serial = secrets.randbits(127) + 1
        starts = datetime.now(UTC)
        ends = starts + timedelta(hours=inputs["validityPeriodHours"])
        name = _name(inputs.get("subject", {}))
        builder = x509.CertificateBuilder(name, name, key.public_key(), serial, starts, ends)
        builder = _with_extensions(builder, key.public_key(), inputs)
        if isinstance(key, Ed25519PrivateKey):
            signed = builder.sign(key, None)
        elif isinstance(key, EllipticCurvePrivateKey) and key.key_size > 256:
            signed = builder.sign(key, SHA384() if key.key_size == 384 else SHA512())
        else:
            signed = builder.sign(key, SHA256())
        return str(serial), {
            "certPem": signed.public_bytes(Encoding.PEM).decode(),
            "keyAlgorithm": algorithm,
            "readyForRenewal": _is_due(ends, inputs["earlyRenewalHours"]),
            "validityStartTime": _told(starts),
            "validityEndTime": _told(ends),
        }


def _is_due(ends: datetime, early_hours: int) -> bool:
    return datetime.now(UTC) >= ends - timedelta(hours=early_hours)


def _told(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _name(subject: Mapping[str, Any]) -> Name:
    from cryptography import x509

    parts = []
    for part, identifier in SUBJECT.items():
        given = subject.get(part) or []
        values = given if isinstance(given, list) else [given]
        attributes = [x509.NameAttribute(x509.ObjectIdentifier(identifier), value) for value in values]
        parts += [x509.RelativeDistinguishedName(attributes)] if attributes else []
    return x509.Name(parts)


def _with_extensions(
    builder: CertificateBuilder, key: CertificateIssuerPublicKeyTypes, inputs: Mapping[str, Any]
) -> CertificateBuilder:
    from cryptography import x509

    uses, is_ca = inputs["allowedUses"], inputs["isCaCertificate"]
    if bits := {KEY_USES[use] for use in uses if use in KEY_USES}:
        usage = x509.KeyUsage(**{bit: bit in bits for bit in KEY_USES.values()})
        builder = builder.add_extension(usage, critical=True)
    if extended := [EXTENDED_USES[use] for use in uses if use in EXTENDED_USES]:
        identifiers = [x509.ObjectIdentifier(identifier) for identifier in extended]
        builder = builder.add_extension(x509.ExtendedKeyUsage(identifiers), critical=False)
    longest = inputs.get("maxPathLength", -1)
    constraints = x509.BasicConstraints(is_ca, longest if is_ca and longest >= 0 else None)
    builder = builder.add_extension(constraints, critical=True)
    if inputs["setSubjectKeyId"]:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    if inputs["setAuthorityKeyId"]:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(key)
        builder = builder.add_extension(authority, critical=False)
    names: list[x509.GeneralName] = [
        *(x509.DNSName(name) for name in inputs.get("dnsNames", ())),
        *(x509.IPAddress(ip_address(address)) for address in inputs.get("ipAddresses", ())),
        *(x509.UniformResourceIdentifier(uri) for uri in inputs.get("uris", ())),
    ]
    if names:
        nameless = not inputs.get("subject")
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=nameless)
    return builder
