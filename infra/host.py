"""One host: a droplet that answers only to a known key, and what provisioning puts on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_digitalocean as digitalocean
from pulumi import CustomTimeouts, Input, Output, ResourceOptions
from pulumi_command import remote

from infra import cloud_init
from infra.keys import KeyPair, key_pair
from infra.names import SSH_USER, capacity
from provisioning import bundle

#: Failed connections before a new droplet counts as unreachable: about four minutes when it refuses.
_DIAL_ERRORS = 60


@dataclass(frozen=True, kw_only=True)
class HostArgs:
    """What Host needs.

    `host` is its short name in the stack, `account_name` the droplet's name in the account.
    `guard` is what must stand before anything runs on the host: its firewall. With `reserved_ip` the host is
    given a reserved address; with `address_moves` others may take it, and where it is then is theirs to say.
    """

    host: str
    account_name: str
    roles: Sequence[str]
    region: str
    size: str
    image: str
    vpc_id: Input[str]
    tags: Sequence[Input[str]]
    access: KeyPair
    key_fingerprint: Input[str]
    reserved_ip: bool
    address_moves: bool
    protect: bool
    protect_address: bool
    guard: pulumi.Resource


class Host(pulumi.ComponentResource):
    """A droplet, with its roles applied once `provision` is called: hosts are told each other's addresses.

    Children: the host key (tls.PrivateKey), the droplet (digitalocean.Droplet), its provisioning
    (command.remote.Command), a reserved address where asked for (digitalocean.ReservedIp).
    Outputs: name, roles, droplet_id, ssh_address (the droplet's own), site_address (the reserved one if
    there is one), public_address (the same, unless it may move), private_address, host_key; from `provision`
    on: configuration (digest of what the site stands on there).
    """

    name: str
    roles: Sequence[str]

    droplet_id: Output[str]
    ssh_address: Output[str]
    site_address: Output[str]
    public_address: Output[str]
    private_address: Output[str]
    host_key: Output[str]
    configuration: Output[str]
    provisioned: pulumi.Resource

    def __init__(self, name: str, args: HostArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("seatrial:host:Host", name, None, opts)
        self._component_name, self._args = name, args
        self.name, self.roles = args.host, args.roles
        host_key = key_pair(f"{name}-host-key", ResourceOptions(parent=self))
        self._droplet = droplet = self._make_droplet(f"{name}-droplet", args, host_key)
        self.droplet_id = droplet.id
        self.ssh_address = droplet.ipv4_address
        self.private_address = droplet.ipv4_address_private
        self.host_key = host_key.public
        self.site_address = self.public_address = droplet.ipv4_address
        self._needs: list[pulumi.Resource] = [args.guard]
        if args.reserved_ip:
            reserved = digitalocean.ReservedIp(
                f"{name}-address",
                region=args.region,
                droplet_id=droplet.id.apply(int),
                opts=ResourceOptions(
                    parent=self,
                    protect=args.protect_address,
                    ignore_changes=["droplet_id"] if args.address_moves else [],
                ),
            )
            self.site_address = reserved.ip_address
            # One that leaves a pair takes the address itself; two who move it at once hinder each other.
            self._needs.append(reserved)
            if not args.address_moves:
                self.public_address = reserved.ip_address

    def provision(self, *, variables: Mapping[str, Input[str]], secrets: Mapping[str, Input[str]]) -> None:
        """Apply the host's roles, and again whenever the result would be another.

        `variables` and `secrets` go to the roles (provisioning/bundle.py); the host adds its size.
        """
        rendered = self._bundle(variables, secrets)
        self.configuration = Output.unsecret(rendered.apply(lambda b: b.configuration))
        stdin: Output[str] = Output.secret(rendered.apply(lambda b: b.stdin))
        self.provisioned = remote.Command(
            f"{self._component_name}-provision",
            connection=remote.ConnectionArgs(
                host=self.ssh_address,
                user=SSH_USER,
                private_key=self._args.access.private,
                host_key=self.host_key,
                dial_error_limit=_DIAL_ERRORS,
            ),
            # The text holds the digest: a changed bundle is an update, never a replacement.
            create=Output.unsecret(rendered.apply(lambda b: b.command)),
            stdin=stdin,
            logging=remote.Logging.STDOUT,
            add_previous_output_in_env=False,
            opts=ResourceOptions(
                parent=self,
                depends_on=self._needs,
                deleted_with=self._droplet,
                custom_timeouts=CustomTimeouts(create="30m", update="30m"),
            ),
        )
        self.register_outputs(
            {
                "name": self.name,
                "roles": list(self.roles),
                "droplet_id": self.droplet_id,
                "ssh_address": self.ssh_address,
                "public_address": self.public_address,
                "private_address": self.private_address,
                "host_key": self.host_key,
                "configuration": self.configuration,
            }
        )

    def _make_droplet(self, name: str, args: HostArgs, host_key: KeyPair) -> digitalocean.Droplet:
        user_data: Output[str] = Output.all(args.access.public, host_key.private, host_key.public).apply(
            lambda keys: cloud_init.render(
                hostname=args.account_name, authorized_key=keys[0], host_key=keys[1], host_key_public=keys[2]
            )
        )
        secret_user_data: Output[str] = Output.secret(user_data)
        return digitalocean.Droplet(
            name,
            name=args.account_name,
            region=args.region,
            size=args.size,
            image=args.image,
            vpc_uuid=args.vpc_id,
            tags=args.tags,
            ssh_keys=[args.key_fingerprint],
            user_data=secret_user_data,
            monitoring=True,
            droplet_agent=False,
            graceful_shutdown=True,
            opts=ResourceOptions(
                parent=self,
                depends_on=[args.guard],
                protect=args.protect,
                # Each of these would replace a running droplet, and its data with it.
                ignore_changes=["image", "user_data", "ssh_keys"],
                custom_timeouts=CustomTimeouts(create="15m", update="15m", delete="10m"),
            ),
        )

    def _bundle(
        self, variables: Mapping[str, Input[str]], secrets: Mapping[str, Input[str]]
    ) -> Output[bundle.Bundle]:
        args, droplet = self._args, self._droplet
        known = capacity(args.size)
        sizes: dict[str, Input[str]] = {
            "memory_mb": str(known.memory_mb) if known else droplet.memory.apply(str),
            "cpus": str(known.vcpus) if known else droplet.vcpus.apply(str),
        }
        return Output.all(variables={**variables, **sizes}, secrets=dict(secrets)).apply(
            lambda given: bundle.render(
                host=args.host,
                roles=args.roles,
                variables=given["variables"],
                secrets=given["secrets"],
            )
        )
