"""The package `tls`, and its keys that are made once and kept: `tls:index/privateKey:PrivateKey`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from localengine.providers import schema
from localengine.providers.base import Computed, ComputedProvider
from localengine.providers.certificates import SelfSignedCert
from localengine.providers.schema import Field, Fields

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    Key: TypeAlias = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey

CURVES = ("P224", "P256", "P384", "P521")


def make_key(algorithm: str, *, rsa_bits: int, curve: str) -> Key:
    """Make a private key: `algorithm` is RSA, ECDSA or ED25519, `curve` one of CURVES."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if algorithm == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits)
    if algorithm == "ED25519":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {"P224": ec.SECP224R1(), "P256": ec.SECP256R1(), "P384": ec.SECP384R1(), "P521": ec.SECP521R1()}
    return ec.generate_private_key(curves[curve])


def outputs_of(key: Key, *, openssh: bool = True) -> dict[str, str]:
    """Every spelling of a key that PrivateKey gives; those of OpenSSH are empty where it has no such keys."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    def private(form: PrivateFormat) -> str:
        return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()

    public = key.public_key()
    pkcs8 = private(PrivateFormat.PKCS8)
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() if openssh else ""
    blob = base64.b64decode(line.split()[1]) if openssh else b""
    md5 = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    sha256 = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return {
        "privateKeyPem": pkcs8
        if isinstance(key, Ed25519PrivateKey)
        else private(PrivateFormat.TraditionalOpenSSL),
        "privateKeyPemPkcs8": pkcs8,
        "privateKeyOpenssh": private(PrivateFormat.OpenSSH) if openssh else "",
        "publicKeyPem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "publicKeyOpenssh": f"{line}\n" if openssh else "",
        "publicKeyFingerprintMd5": ":".join(md5[at : at + 2] for at in range(0, 32, 2)) if openssh else "",
        "publicKeyFingerprintSha256": f"SHA256:{sha256}" if openssh else "",
    }


class PrivateKey(Computed):
    """A private key and its public half."""

    fields: ClassVar[Fields] = {
        "algorithm": Field(required=True, replaces=True, wrong=schema.one_of("RSA", "ECDSA", "ED25519")),
        "rsaBits": Field(kind="int", default=2048, replaces=True, wrong=schema.between(1024, 16384)),
        "ecdsaCurve": Field(default="P224", replaces=True, wrong=schema.one_of(*CURVES)),
        **{
            name: Field(output=True)
            for name in (
                "privateKeyPem",
                "privateKeyPemPkcs8",
                "privateKeyOpenssh",
                "publicKeyPem",
                "publicKeyOpenssh",
                "publicKeyFingerprintMd5",
                "publicKeyFingerprintSha256",
            )
        },
    }
    secret = frozenset({"privateKeyOpenssh", "privateKeyPem", "privateKeyPemPkcs8"})
    schema_version = 1

    def make(self, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Make the key; the id is the SHA-1 of its public half."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key = make_key(inputs["algorithm"], rsa_bits=inputs["rsaBits"], curve=inputs["ecdsaCurve"])
        openssh = not (inputs["algorithm"] == "ECDSA" and inputs["ecdsaCurve"] == "P224")
        der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha1(der, usedforsecurity=False).hexdigest(), dict(outputs_of(key, openssh=openssh))


class TlsProvider(ComputedProvider):
    """The package `tls`."""

    package = "tls"
    rows: ClassVar[Mapping[str, Computed]] = {
        "tls:index/privateKey:PrivateKey": PrivateKey(),
        "tls:index/selfSignedCert:SelfSignedCert": SelfSignedCert(),
    }
