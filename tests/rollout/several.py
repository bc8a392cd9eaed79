"""Droplets of the local cloud that serve one site together: an edge, with the data beside it, app hosts."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from localcloud.machines import Machines
from provisioning import bundle
from provisioning.connection import Connection
from tests.rollout.droplet import NAME, SITE, Key, Place, boot, new_key, root

EDGE = "edge-1"
APPS = ("app-1", "app-2")
ROLES = {EDGE: ["base", "edge", "database", "cache"], **{name: ["base", "app"] for name in APPS}}
NUMBERS = {name: number for number, name in enumerate(ROLES, start=1)}


@dataclass(frozen=True)
class Host:
    """One of them."""

    name: str
    place: Place
    host_key: Key
    connection: Connection

    def root(self, script: str) -> str:
        """The output of a shell script run by root, which has to work."""
        return root(self.connection, script)


class Several:
    """All of them, provisioned. To visitors it is the edge's address that counts."""

    def __init__(self, machines: Machines) -> None:
        self.key = new_key()
        self._machines = machines
        host_keys = {name: new_key() for name in ROLES}
        places = {
            name: boot(machines, number, name, self.key, host_keys[name]) for name, number in NUMBERS.items()
        }
        self.address = places[EDGE].public

        def ready(name: str) -> Host:
            connection = self._connect(places[name], host_keys[name])
            done = connection.run(*_bundle(name, places))
            assert done.status == 0, done.errors
            return Host(name, places[name], host_keys[name], connection)

        with ThreadPoolExecutor() as pool:
            self.hosts = dict(zip(ROLES, pool.map(ready, ROLES), strict=True))
        self.apps = [self.hosts[name] for name in APPS]

    def root(self, script: str) -> str:
        """The output of a shell script on the first app host."""
        return self.apps[0].root(script)

    def provision(self, name: str, **variables: str) -> None:
        """Put a host's roles on it again, with some values changed."""
        places = {host.name: host.place for host in self.hosts.values()}
        done = self.hosts[name].connection.run(*_bundle(name, places, **variables))
        assert done.status == 0, done.errors

    def power_off(self, name: str) -> None:
        """Pull a host's plug."""
        self._machines.power_off(NUMBERS[name], graceful=False)

    def power_on(self, *names: str) -> None:
        """Let hosts boot again, and connect anew once they can be reached."""
        for name in names:
            self._machines.power_on(NUMBERS[name])
        for name in names:
            host = self.hosts[name]
            host.connection.close()
            self.hosts[name] = replace(host, connection=self._connect(host.place, host.host_key))
        self.apps = [self.hosts[name] for name in APPS]

    def servers(self) -> dict[str, dict[str, Any]]:
        """The app hosts as the edge sees them, by name: `state`, and `sessions`, the requests now on each."""
        said = self.hosts[EDGE].root(f'seatrial-host edge-status <<<\'{{"site": "{SITE}"}}\'')
        return {server["server"]: server for server in json.loads(said.splitlines()[-1])["servers"]}

    def live_releases(self) -> list[str]:
        """What each app host serves."""
        return [app.root(f"basename $(readlink /srv/{SITE}/current)").strip() for app in self.apps]

    def close(self) -> None:
        """End the connections."""
        for host in self.hosts.values():
            host.connection.close()

    def request(self, **more: Any) -> dict[str, Any]:
        """A rollout's request for all of them."""
        return {
            "site": SITE,
            "url": f"http://{NAME}",
            "server_names": [NAME],
            "hosts": [
                {
                    "name": host.name,
                    "address": host.place.public,
                    "private_address": host.place.private,
                    "host_key": host.host_key.public,
                    "roles": ROLES[host.name],
                }
                for host in self.hosts.values()
            ],
            "private_key": self.key.private,
            "drain_seconds": 5,
            # The tests' own visitors are many already.
            "probe_rate": 10,
            **more,
        }

    def _connect(self, place: Place, host_key: Key) -> Connection:
        return Connection.open(
            place.public,
            user="seatrial",
            private_key=self.key.private,
            host_key=host_key.public,
            patience=90,
        )


def _bundle(name: str, places: dict[str, Place], **variables: str) -> tuple[str, bytes]:
    data = places[EDGE].private
    rendered = bundle.render(
        host=name,
        roles=ROLES[name],
        variables={
            "site_name": SITE,
            "server_names": NAME,
            "url": f"http://{NAME}",
            "database": "postgres",
            "cache": "redis",
            "memory_mb": "2048",
            "cpus": "2",
            "stack": "test",
            "topology": "balanced",
            "private_address": places[name].private,
            "private_network": places[name].network,
            "app_servers": " ".join(f"{app}={places[app].private}" for app in APPS),
            "health_path": "/",
            "drain_seconds": "5",
            "database_host": data,
            "redis_host": data,
            "edge_addresses": data,
            **variables,
        },
        secrets={
            "secret_key": base64.b64encode(b"only for this test, long enough for Django").decode(),
            **{f"{what}_password": f"only-for-this-test-{what}" for what in ("database", "redis", "stats")},
        },
    )
    return rendered.command, rendered.stdin.encode()
