"""The process behind a running instance: API, DNS and front door in one event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network

import uvicorn

from localcloud import front_door, names_server
from localcloud.app import create_app
from localcloud.certificates import ensure_certificates
from localcloud.cloud import PUBLIC_SPACE, Cloud
from localcloud.fleet import Fleet
from localcloud.gate import ForDroplets
from localcloud.instance import Instance, InstanceError, Settings
from localcloud.machines import Machines
from localcloud.no_machines import NoMachines
from localcloud.state import Domain
from localcloud.store import StateUnreadable, Store

log = logging.getLogger("localcloud")
KEEP_ALIVE_SECONDS = 75
DRAIN_SECONDS = 3


class _Server(uvicorn.Server):
    """One of two servers in a loop: signals are the daemon's, not the server's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main(arguments: list[str]) -> int:
    """Run `NAME socket=FD ...` until a signal: SIGTERM powers the droplets off, SIGINT leaves them."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    instance = Instance(arguments[0])
    sockets = {}
    for argument in arguments[1:]:
        name, _, number = argument.partition("=")
        os.set_inheritable(int(number), False)
        sockets[name] = socket.socket(fileno=int(number))
        sockets[name].setblocking(False)
    settings = instance.settings()
    if settings is None:
        raise InstanceError(f"{instance.name} was not started by `python -m localcloud start`")
    try:
        with instance.running():
            asyncio.run(_serve(instance, settings, sockets))
    except (InstanceError, StateUnreadable) as error:
        print(f"localcloud: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(instance: Instance, settings: Settings, sockets: dict[str, socket.socket]) -> None:
    network = IPv4Network(settings.public_network)
    number = (int(network.network_address) - int(PUBLIC_SPACE.network_address)) // 256
    fleet: Fleet
    tell = log.info
    fleet = NoMachines() if settings.api_only else Machines(instance.name, instance.directory, tell)
    store = Store(instance.state_file)
    cloud = Cloud(store, fleet, number)

    def zones() -> dict[str, Domain]:
        with store.read() as state:
            return {name: domain.model_copy(deep=True) for name, domain in state.domains.items()}

    app = ForDroplets(create_app(cloud, settings.token), str(network[1]))
    certificate, key = ensure_certificates(instance.directory, instance.name)
    common = {"log_config": None, "access_log": False, "lifespan": "off", "ws": "none"}
    timeouts = {"timeout_keep_alive": KEEP_ALIVE_SECONDS, "timeout_graceful_shutdown": DRAIN_SECONDS}
    plain = _Server(uvicorn.Config(app, **common, **timeouts))  # type: ignore[arg-type]
    tls = {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}
    secure = _Server(uvicorn.Config(app, **common, **timeouts, **tls))  # type: ignore[arg-type]

    ends = asyncio.Event()
    powers_off = False

    def end(power_off: bool) -> None:
        nonlocal powers_off
        powers_off = powers_off or power_off
        plain.should_exit = secure.should_exit = True
        ends.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, end, True)
    loop.add_signal_handler(signal.SIGINT, end, False)
    doors = [
        await names_server.serve_tcp(sockets["dns"], zones),
        await front_door.serve_http(sockets["front"], zones, network),
        await front_door.serve_tls(sockets["front_tls"], zones, network),
    ]
    udp = await names_server.serve_udp(sockets["dns_udp"], zones)
    cloud.jobs.resume()
    log.info("%s is up: API %s, network %s", instance.name, settings.ports.api, network)
    for_api = [sockets[name] for name in ("api", "droplets") if name in sockets]
    await asyncio.gather(plain.serve(for_api), secure.serve([sockets["https"]]), ends.wait())
    udp.close()
    for door in doors:
        door.close()
    await asyncio.to_thread(cloud.close)
    if powers_off:
        await asyncio.to_thread(fleet.suspend)
    log.info("%s has ended", instance.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
