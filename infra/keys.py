"""The stack's SSH access key."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_digitalocean as digitalocean
import pulumi_tls as tls
from pulumi import Output, ResourceOptions


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """An Ed25519 key: the private part in OpenSSH format (secret), the public part as one line."""

    private: Output[str]
    public: Output[str]


def key_pair(name: str, opts: ResourceOptions) -> KeyPair:
    """A new Ed25519 key, made once and kept in the stack's state."""
    key = tls.PrivateKey(name, algorithm="ED25519", opts=opts)
    return KeyPair(
        private=Output.secret(key.private_key_openssh),
        public=Output.unsecret(key.public_key_openssh).apply(str.strip),
    )


@dataclass(frozen=True, kw_only=True)
class KeysArgs:
    """What Keys needs: the name that the key gets in the account."""

    account_name: str


class Keys(pulumi.ComponentResource):
    """The key that Seatrial connects with.

    Children: the key pair (tls.PrivateKey), its public part in the account (digitalocean.SshKey).
    Outputs: access (KeyPair), fingerprint.
    """

    access: KeyPair
    fingerprint: Output[str]

    def __init__(self, name: str, args: KeysArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("seatrial:keys:Keys", name, None, opts)
        child = ResourceOptions(parent=self)
        self.access = key_pair(f"{name}-access", child)
        account_key = digitalocean.SshKey(
            f"{name}-account", name=args.account_name, public_key=self.access.public, opts=child
        )
        self.fingerprint = account_key.fingerprint
        self.register_outputs({"fingerprint": self.fingerprint})
