"""Two hosts of one site: one that sends its logs, and one that keeps them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from localcloud.machines import Machines
from localengine.providers.certificates import SelfSignedCert
from localengine.providers.schema import with_defaults
from localengine.providers.tls import make_key, outputs_of
from provisioning.bundle import Bundle, render
from tests.roles.content import NAME, SITE
from tests.roles.host import Host, Result

KEEPER = "log-1"


class LogHosts:
    """`keeper` and `sender`, with their roles applied; `applied` is what that said."""

    def __init__(self, instance: str, machines: Machines, image: str) -> None:
        self._key = outputs_of(make_key("ECDSA", rsa_bits=0, curve="P256"))["privateKeyPem"]
        self.certificate = self.certificate_for(KEEPER)
        with ThreadPoolExecutor() as pool:
            hosts = pool.map(
                lambda name, number: Host(instance, machines, image, name, number), (KEEPER, "app-1"), (1, 2)
            )
            self.keeper, self.sender = hosts
            kept = pool.submit(lambda: self.keeper.apply(self.keeper_bundle()))
            sent = pool.submit(lambda: self.sender.apply(self.sender_bundle()))
            self.applied: dict[str, Result] = {"keeper": kept.result(), "sender": sent.result()}

    def certificate_for(self, *names: str) -> str:
        """A certificate of the syslog host's key for other names, as the stack makes its own."""
        row = SelfSignedCert()
        wanted = {
            "privateKeyPem": self._key,
            "allowedUses": ["digital_signature", "server_auth"],
            "validityPeriodHours": 24,
            "dnsNames": [*names],
            "subject": {"commonName": names[0]},
        }
        return str(row.make(with_defaults(row.fields, wanted))[1]["certPem"])

    def keeper_bundle(self, *, certificate: str = "") -> Bundle:
        variables = {
            "private_address": self.keeper.private_address,
            "syslog_keep_days": "30",
            "syslog_certificate": certificate or self.certificate,
        }
        return _render(KEEPER, ["base", "syslog"], variables, {"syslog_key": self._key})

    def sender_bundle(self, *roles: str, token: str = "", **variables: str) -> Bundle:
        """The sender's roles, told of the keeper; or what else is said."""
        told = {
            "syslog_server": f"{self.keeper.private_address}:6514",
            "syslog_name": KEEPER,
            "syslog_from": "app-1",
            "syslog_certificate": self.certificate,
            **variables,
        }
        told = {name: value for name, value in told.items() if value}
        secrets = {"syslog_token": token} if token else {}
        return _render("app-1", list(roles or ("base", "sender")), told, secrets)

    def send(self, tag: str, *lines: str) -> None:
        """A program of this name says something, as gunicorn does: on its standard output."""
        self.sender.must(f"systemd-cat -t {tag}", "".join(f"{line}\n" for line in lines))

    def kept(self, tag: str, host: str = "app-1") -> list[str]:
        """What the syslog host has of a program, the oldest first."""
        where = f"/var/log/seatrial/{host}/{tag}.log"
        text = self.keeper.root(f"for file in {where}-* {where}; do [ ! -e $file ] || zcat -f $file; done")
        return text.splitlines()

    def wait_for(self, tag: str, count: int, host: str = "app-1") -> list[str]:
        """The lines of a program, once there are so many; those there are after a minute."""
        for _ in range(120):
            lines = self.kept(tag, host)
            if len(lines) >= count:
                return lines
            threading.Event().wait(0.5)
        return self.kept(tag, host)


def _render(host: str, roles: list[str], variables: dict[str, str], secrets: dict[str, str]) -> Bundle:
    return render(
        host=host,
        roles=roles,
        variables={
            "site_name": SITE,
            "server_names": NAME,
            "url": f"http://{NAME}",
            "database": "postgres",
            "cache": "redis",
            "memory_mb": "1024",
            "cpus": "1",
            "stack": "test",
            "topology": "balanced",
            **variables,
        },
        secrets=secrets,
    )
