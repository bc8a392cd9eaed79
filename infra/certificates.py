"""A certificate for a name inside the stack, which its hosts know without any authority."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_tls as tls
from pulumi import Output, ResourceOptions

#: Ten years. In the last thirty days of them, a run makes a new one by itself.
_HOURS, _RENEWAL_HOURS = 10 * 365 * 24, 30 * 24


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """What Certificate needs: the name that it stands for."""

    host: str


class Certificate(pulumi.ComponentResource):
    """A certificate that a server shows, and that its clients have as the only one they believe.

    Children: its key (tls.PrivateKey), the certificate (tls.SelfSignedCert).
    Outputs: certificate (PEM), key (PEM, secret).
    """

    certificate: Output[str]
    key: Output[str]

    def __init__(self, name: str, args: CertificateArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("seatrial:certificates:Certificate", name, None, opts)
        child = ResourceOptions(parent=self)
        key = tls.PrivateKey(f"{name}-key", algorithm="ECDSA", ecdsa_curve="P256", opts=child)
        made = tls.SelfSignedCert(
            f"{name}-self-signed",
            private_key_pem=key.private_key_pem,
            subject=tls.SelfSignedCertSubjectArgs(common_name=args.host),
            dns_names=[args.host],
            allowed_uses=["digital_signature", "server_auth"],
            validity_period_hours=_HOURS,
            early_renewal_hours=_RENEWAL_HOURS,
            opts=child,
        )
        self.certificate = Output.unsecret(made.cert_pem)
        self.key = Output.secret(key.private_key_pem)
        self.register_outputs({"certificate": self.certificate})
