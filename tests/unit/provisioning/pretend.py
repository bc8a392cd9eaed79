"""Hosts that only pretend: they remember what they were told, and answer as the program on a host does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from provisioning import rollout
from provisioning.outcome import RolloutFailed
from provisioning.progress import Progress
from provisioning.remote import HostFailure, Remote
from provisioning.request import Host, Request
from provisioning.transaction import Rollout

COMMIT = "a" * 40
CONFIGURATION = "c"


def entry(
    release: str, commit: str = "b" * 40, build_key: str = "other", migrations: str = "as before"
) -> dict[str, Any]:
    """A built release as a host knows it."""
    return {
        "id": release,
        "commit": commit,
        "subject": f"subject of {release}",
        "build_key": build_key,
        "fits": True,
        "inputs": {"subdirectory": "", "requirements": ""},
        "migrations": migrations,
    }


@dataclass
class AppHost:
    """What an app host has and serves."""

    releases: list[dict[str, Any]] = field(default_factory=lambda: [entry("older"), entry("old")])
    live: str = "old"
    previous: str | None = "older"
    lock: str = ""
    refuses: dict[str, str] = field(default_factory=dict)
    """Verbs that fail, with the cause; `kind` is failed."""
    unsettled: bool = False
    started: str = ""
    """What runs beside what is live."""


@dataclass
class World:
    """All hosts of a site, and every word that was said to them, in order: (host, verb, facts)."""

    hosts: dict[str, AppHost]
    edges: dict[str, dict[str, str]]
    """By edge, the state of each app host there: UP, DOWN, DRAIN."""
    unreachable: set[str] = field(default_factory=set)
    said: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)
    migrations: str = "with one more"
    """Those of a release that is built now."""
    smoke: Callable[[], None] = lambda: None
    after: dict[tuple[str, str], Callable[[], None]] = field(default_factory=dict)
    """Something that happens when a host has done a verb."""

    def order(self, *verbs: str) -> list[str]:
        """`host verb` of these verbs, `edge drain app` of those to edges, as they were said first."""
        lines = [
            f"{host} {verb.removeprefix('edge-')} {facts['server']}"
            if "server" in facts
            else f"{host} {verb}"
            for host, verb, facts in self.said
            if verb in verbs
        ]
        return [*dict.fromkeys(lines)]

    def told(self, host: str) -> list[str]:
        """The verbs that a host was told."""
        return [verb for name, verb, _ in self.said if name == host]

    def live(self) -> dict[str, str]:
        """What each app host serves."""
        return {name: host.live for name, host in self.hosts.items()}

    def run(self, **more: Any) -> dict[str, Any]:
        """A rollout over all of it; its document. Raises RolloutFailed."""
        asked = request_for(self, **more)
        return Rollout(asked, Progress(), reach=self._reach, outside=_Outside(self)).run()  # type: ignore[arg-type]

    def failing(self, **more: Any) -> RolloutFailed:
        """A rollout that has to fail; how."""
        try:
            self.run(**more)
        except RolloutFailed as failed:
            assert rollout.explanation(failed)
            return failed
        raise AssertionError("the rollout went through")

    def _reach(self, host: Host, site: str, key: str, told: Callable[[str, str], None]) -> Remote:
        return _Remote(self, host, site, key, told)


def world(app_hosts: int = 3, edges: int = 1) -> World:
    """A site that serves the release `old`, with `older` before it."""
    names = [f"app-{number}" for number in range(1, app_hosts + 1)]
    return World(
        {name: AppHost() for name in names},
        {f"edge-{number}": dict.fromkeys(names, "UP") for number in range(1, edges + 1)},
    )


def request_for(world: World, **more: Any) -> Request:
    """The request for a rollout on all hosts."""
    common = {"address": "192.0.2.1", "host_key": "ssh-ed25519 AAAA"}
    values = {
        "site": "shop",
        "url": "http://shop.example.com",
        "server_names": ["shop.example.com"],
        "hosts": [
            *({"name": name, "roles": ["base", "edge"], **common} for name in world.edges),
            *({"name": name, "roles": ["base", "app"], **common} for name in world.hosts),
            {"name": "data-1", "roles": ["base", "database"], **common},
        ],
        "private_key": "a key",
        "repository": "/srv/shop",
        "commit": COMMIT,
        "configuration": CONFIGURATION,
        "drain_seconds": 7,
        **more,
    }
    return Request.model_validate(values)


class _Outside:
    def __init__(self, world: World) -> None:
        self._world = world
        self._started = False

    def start(self) -> None:
        if not self._started:
            self._world.said.append(("visitors", "probe", {}))
        self._started = True

    def stop(self, after: float = 0.0) -> dict[str, Any]:
        del after
        return {"requests": 10, "failed": 0, "p50_ms": 1, "p99_ms": 2, "longest_gap_ms": 3}

    def smoke_test(self) -> int:
        self._world.said.append(("visitors", "smoke", {}))
        self._world.smoke()
        return 200


class _Remote(Remote):
    def __init__(
        self, world: World, host: Host, site: str, key: str, told: Callable[[str, str], None]
    ) -> None:
        super().__init__(host, site, key, told)
        self._world = world

    def connect(self, patience: float = 60.0) -> None:  # noqa: ARG002
        if self.name in self._world.unreachable:
            raise HostFailure(self.name, "can't be reached", kind="unreachable")

    def close(self) -> None:
        pass

    def call(
        self,
        verb: str,
        facts: dict[str, Any],
        stdin: Iterable[bytes] = (),  # noqa: ARG002
        *,
        quiet: bool = False,  # noqa: ARG002
    ) -> dict[str, Any]:
        world = self._world
        with world.guard:
            world.said.append((self.name, verb, dict(facts)))
            if self.name in world.unreachable:
                raise HostFailure(self.name, "the SSH connection was lost", kind="unreachable")
            if self.name in world.edges:
                done = _edge(world.edges[self.name], world, self.name, verb, facts)
            else:
                done = _app(world, self.name, verb, facts)
            world.after.get((self.name, verb), lambda: None)()
            return done


def _edge(
    states: dict[str, str], world: World, edge: str, verb: str, facts: dict[str, Any]
) -> dict[str, Any]:
    if verb == "edge-status":
        servers = [{"server": name, "state": state, "sessions": 0} for name, state in states.items()]
        return {"servers": servers}
    server = facts["server"]
    if verb == "edge-drain":
        alone = states[server] == "UP" and [*states.values()].count("UP") == 1
        if not alone:
            states[server] = "DRAIN"
        return {"server": server, "state": states[server], "sessions": 0, "drained": not alone}
    assert verb == "edge-ready", verb
    if not world.hosts[server].live:
        raise HostFailure(edge, f"{server} is DOWN for the edge")
    states[server] = "UP"
    return {"server": server, "state": "UP", "sessions": 0}


def _app(world: World, name: str, verb: str, facts: dict[str, Any]) -> dict[str, Any]:
    host = world.hosts[name]
    if verb in host.refuses:
        raise HostFailure(name, host.refuses[verb])
    if verb in {"preflight", "status"}:
        known = {known["id"]: known for known in host.releases}.get(host.live, {})
        live = {**known, "configuration": CONFIGURATION, "slot": "blue", "subject": host.live}
        room = {"disk_used_percent": 1, "memory_free_mb": 1, "python": "3.13"}
        return {
            "lock": None,
            "releases": host.releases,
            "live": live if host.live else None,
            "previous": host.previous,
            "unsettled": host.unsettled,
            **room,
        }
    if verb == "lock":
        if host.lock and host.lock != facts["token"]:
            raise HostFailure(name, "another release runs here", kind="locked")
        host.lock = facts["token"]
        return {"taken_over_from": None}
    if verb == "unlock":
        host.lock = ""
        return {}
    if verb == "verify":
        return {}
    assert host.lock == facts["token"], f"{verb} on {name} without its lock"
    if verb == "receive":
        return {"files": 1}
    if verb == "build":
        built = entry(facts["release"], facts["commit"], facts["build_key"], world.migrations)
        host.releases = [*host.releases, built]
        return built
    if verb == "migrate":
        return {"applied": ["shop.0002"], "unknown": []}
    if verb == "start":
        host.started = facts["release"]
        return {"slot": "green", "start_seconds": 1.0, "healthy_seconds": 0.1}
    if verb == "switch":
        assert host.started == facts["release"], f"{facts['release']} was not started on {name}"
        host.previous, host.live = host.live, facts["release"]
        return {"slot": "green"}
    if verb == "restore":
        host.started = ""
        host.live, host.previous = facts["previous"] or "", facts["earlier"]
        return {"live": host.live}
    if verb == "settle":
        return {"drain_seconds": 0.5, "cut_off": 0}
    if verb == "prune":
        return {"removed": []}
    assert verb == "announce", verb
    return {}
