"""What a new droplet finds on its disk at first boot: cloud-init's seed, name and resolvers. Pure."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Sequence

from localcloud.files import File
from localcloud.machine_types import MachineSpec

SEED = "/var/lib/cloud/seed/nocloud"


def seed_files(spec: MachineSpec, resolvers: Sequence[str]) -> tuple[File, ...]:
    """The files that make the image this droplet. User data may hold keys, so only root reads it."""
    short = spec.hostname.partition(".")[0]
    names = " ".join(dict.fromkeys((spec.hostname, short)))
    metadata = {
        "instance-id": str(spec.id),
        "local-hostname": spec.hostname,
        "public-keys": list(spec.ssh_keys),
    }
    hosts = (
        f"127.0.0.1 localhost\n127.0.1.1 {names}\n"
        "::1 localhost ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n"
    )
    return (
        # JSON is YAML too, and quotes every odd hostname or key comment by itself.
        File(f"{SEED}/meta-data", (json.dumps(metadata, indent=1) + "\n").encode(), 0o600),
        File(f"{SEED}/user-data", (spec.user_data or "#cloud-config\n{}\n").encode(), 0o600),
        File("/etc/hostname", f"{spec.hostname}\n".encode()),
        File("/etc/hosts", hosts.encode()),
        File("/etc/resolv.conf", "".join(f"nameserver {address}\n" for address in resolvers).encode()),
    )


def resolvers_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The name servers of the first resolv.conf text that names one outside this machine's loopback.

    A resolver on loopback cannot be reached from a droplet, so such a text is passed over for the
    next, which names what stands behind it. Empty where no text names a usable one.
    """
    for text in texts:
        found = []
        for line in text.splitlines():
            words = line.split()
            if len(words) < 2 or words[0] != "nameserver":
                continue
            try:
                address = ipaddress.IPv4Address(words[1])  # droplets here have no IPv6 to reach another
            except ValueError:
                continue
            if not address.is_loopback:
                found.append(str(address))
        if found:
            return tuple(found[:3])
    return ()
