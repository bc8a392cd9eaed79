"""Hosts of one site on their private network: an edge, two stand-ins for app hosts, and a data host."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localcloud.machines import Machines
from provisioning.bundle import Bundle, render
from tests.roles.content import NAME, PASSWORD, SITE
from tests.roles.host import Host, Result

STATS_PASSWORD = "stats-password-0123456789"  # noqa: S105 - for this test alone
REDIS_PASSWORD = "redis-password-0123456789"  # noqa: S105
EDGE_TOKEN = "edge-token-0123456789"  # noqa: S105
BACKEND = (Path(__file__).parent / "backend.py").read_text()
_START = (
    "cat >/run/backend.py; systemctl stop backend 2>/dev/null || true; "
    "systemd-run --quiet --unit=backend --collect python3 /run/backend.py"
)


class Fleet:
    """The hosts, with the roles of the edge and of the data host applied; `applied` is what that said."""

    def __init__(self, instance: str, machines: Machines, image: str) -> None:
        names = ("edge-1", "app-1", "app-2", "data-1")
        with ThreadPoolExecutor() as pool:
            numbers = range(1, len(names) + 1)
            hosts = pool.map(
                lambda name, number: Host(instance, machines, image, name, number), names, numbers
            )
            self.edge, app_1, app_2, self.data = hosts
            self.apps = {"app-1": app_1, "app-2": app_2}
            edge = pool.submit(lambda: self.edge.apply(self.edge_bundle()))
            data = pool.submit(lambda: self.data.apply(self.data_bundle()))
            [*pool.map(self.start, self.apps)]
            self.applied: dict[str, Result] = {"edge": edge.result(), "data": data.result()}

    def start(self, name: str) -> None:
        """The site's stand-in on an app host."""
        self.apps[name].root(f"{_START} {name} {NAME}", BACKEND)

    def stop(self, name: str) -> None:
        self.apps[name].root("systemctl stop backend")

    def edge_bundle(self, *apps: str, rate_limit: int = 0) -> Bundle:
        """The edge in front of these app hosts, or of both."""
        chosen = apps or tuple(self.apps)
        return self._render(
            "edge-1",
            ["edge"],
            {
                "private_address": self.edge.private_address,
                "app_servers": " ".join(f"{name}={self.apps[name].private_address}" for name in chosen),
                "health_path": "/health",
                "rate_limit": str(rate_limit),
                "drain_seconds": "10",
            },
        )

    def pair_bundle(self, *, peer: str, api: str) -> Bundle:
        """The edge as droplet 1, the first of two, whose other one is droplet 2 at `peer`."""
        return self._render(
            "edge-1",
            ["edge", "failover"],
            {
                "private_address": self.edge.private_address,
                "app_servers": " ".join(f"{name}={host.private_address}" for name, host in self.apps.items()),
                "health_path": "/health",
                "drain_seconds": "10",
                "site_address": "192.0.2.9",
                "droplet_id": "1",
                "edge_peer": peer,
                "edge_peer_droplet": "2",
                "edge_api": api,
            },
        )

    def data_bundle(self) -> Bundle:
        """Database and cache for the other hosts."""
        return self._render("data-1", ["database", "cache"], {"private_address": self.data.private_address})

    def _render(self, host: str, roles: list[str], variables: dict[str, str]) -> Bundle:
        return render(
            host=host,
            roles=roles,
            variables={
                "topology": "balanced",
                "private_network": self.edge.private_network,
                "site_name": SITE,
                "server_names": NAME,
                "url": f"http://{NAME}",
                "database": "postgres",
                "cache": "redis",
                "memory_mb": "2048",
                "cpus": "2",
                "stack": "test",
                **variables,
            },
            secrets={
                "database_password": PASSWORD,
                "redis_password": REDIS_PASSWORD,
                "stats_password": STATS_PASSWORD,
                "edge_token": EDGE_TOKEN,
            },
        )
