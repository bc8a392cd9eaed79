"""The droplets of one local cloud, as containers. The seam that the HTTP API stands on."""

from __future__ import annotations

import threading
from collections import defaultdict
from pathlib import Path

from localcloud import containers, net_container, networks
from localcloud.docker_seam import DockerSeam, translated
from localcloud.engine import (
    LABEL,
    Say,
    answers,
    find_docker,
    locked,
    may_hold_containers,
    say,
    stop_if_unused,
)
from localcloud.files import pack
from localcloud.firewall_rules import DOCKER_RESOLVER
from localcloud.images import USUAL, ensure_image
from localcloud.machine_types import PUBLIC_NETWORK, Firewall, MachineError, MachineSpec, PowerState
from localcloud.records import Record, Records
from localcloud.seed import resolvers_of, seed_files
from localcloud.watcher import Watcher

DEFAULT_INSTANCE = "seatrial"
_RESOLV_CONF = (
    Path("/etc/resolv.conf"),
    Path("/run/systemd/resolve/resolv.conf"),
    Path("/run/NetworkManager/no-stub-resolv.conf"),
)
_POWER_OFF_SECONDS = 30


class Machines:
    """Every method is synchronous, may be called from any thread and again with the same arguments.

    Nothing happens before the first call. From the first droplet that is made or powered on, or from
    `start()`, until `close()`, one that reboots from inside is brought back.

    Every method raises `MachineError`, one line for the user, where Docker cannot do what it should.
    """

    def __init__(self, instance: str, state_dir: Path, tell: Say = say) -> None:
        self._instance = instance
        self._tell = tell
        self._docker = DockerSeam(instance, tell)
        self._records = Records(state_dir / "machines")
        self._networking = threading.Lock()
        self._watching = threading.Lock()
        self._locks: defaultdict[int, threading.RLock] = defaultdict(threading.RLock)
        self._watcher: Watcher | None = None
        self._told_limits = False

    # -- the instance ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Makes sure that an engine runs, powers on every droplet that is meant to be on, and watches."""
        self._watch()
        self._resume()

    def suspend(self) -> None:
        """Powers every droplet off in order, to be on again at the next `start()`."""
        self.close()
        if find_docker() is None:
            return
        running = [number for number in self._docker.droplets() if self.status(number) == "active"]
        threads = [threading.Thread(target=self._halt, args=(number, True)) for number in running]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with translated():
            for container in self._docker.containers("net"):
                self._docker.client.api.stop(container["Id"], timeout=0)

    def close(self) -> None:
        """Stops watching. Droplets go on as they are."""
        with self._watching:
            watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.close()

    def reset(self) -> None:
        """Removes all droplets and networks of this instance, and our own engine with the last of them."""
        self.close()
        self._records.clear()
        if not may_hold_containers():
            return
        with translated():
            for part in ("droplet", "net"):
                for container in self._docker.containers(part):
                    self._docker.remove(container["Id"])
            for network in self._docker.client.api.networks(filters={"label": f"{LABEL}={self._instance}"}):
                networks.remove_by_id(self._docker.client, network["Id"])
        self._docker.close()
        stop_if_unused(self._tell)

    @property
    def docker_host(self) -> str:
        """Where the engine under the droplets listens."""
        return self._docker.host

    # -- networks -------------------------------------------------------------------------------------

    def ensure_public_network(self) -> str:
        """Makes the network of the public addresses where it is missing; its range, such as 198.18.0.0/24.

        This machine has its first address and reaches every droplet from it.
        """
        with self._networking, translated():
            while True:
                client = self._docker.client
                # Until it has our network, another instance's reset may end the engine as one unused.
                with locked("engine"):
                    if not answers(client):
                        continue
                    found = networks.cidr_of(client, self._instance, PUBLIC_NETWORK)
                    if found:
                        return found
                    taken = networks.taken(client)
                    cidr = networks.free_public(self._instance == DEFAULT_INSTANCE, taken)
                    networks.ensure(client, self._instance, PUBLIC_NETWORK, cidr, internal=False)
                    return cidr

    def ensure_network(self, name: str, cidr: str, internal: bool) -> None:
        """Makes a network; droplets on an internal one reach each other and nothing else through it."""
        with self._networking, translated():
            networks.ensure(self._docker.client, self._instance, name, cidr, internal=internal)

    def remove_network(self, name: str) -> None:
        """Removes a network on which no droplet is left."""
        with self._networking, translated():
            networks.remove(self._docker.client, self._instance, name)

    # -- droplets -------------------------------------------------------------------------------------

    def prepare_image(self) -> None:
        """Make the usual image now, where it is missing: from a terminal, on which sudo can ask.

        Raises:
            MachineError: it could not be made.
        """
        with translated():
            ensure_image(USUAL, self._docker.client, self._tell)

    def create(self, spec: MachineSpec) -> None:
        """Makes and starts a droplet. Its networks must be there.

        A firewall set for its id before is in force before it starts. Takes a second or two, and about
        40 more where the image is missing; sshd answers a few seconds later.
        """
        with self._locks[spec.id], translated():
            self._watch()
            if self.status(spec.id) != "missing":
                self._power_on(spec.id)
                return
            image = ensure_image(spec.image, self._docker.client, self._tell)
            self._docker.remove(self._docker.name("droplet", spec.id))
            self._docker.remove(self._docker.name("net", spec.id))
            try:
                self._make(spec, image)
            except BaseException:
                self._docker.remove(self._docker.name("droplet", spec.id))
                self._docker.remove(self._docker.name("net", spec.id))
                raise

    def power_on(self, id: int) -> None:
        """Starts a droplet that is off."""
        with self._locks[id], translated():
            self._watch()
            self._records.change(id, on=True)
            self._power_on(id)

    def power_off(self, id: int, graceful: bool) -> None:
        """Ends a droplet: as its power button does and in order, or at once as when the plug is pulled.

        In order takes up to 30 s, then the plug is pulled.
        """
        with self._locks[id]:
            self._records.change(id, on=False)
            self._halt(id, graceful)

    def reboot(self, id: int) -> None:
        """Ends a droplet in order and starts it again."""
        with self._locks[id], translated():
            self._records.change(id, on=True)
            self._halt(id, True)
            self._power_on(id)

    def resize(self, id: int, hostname: str, memory_mb: int, vcpus: int) -> None:
        """Gives a droplet another size. Memory is in MiB."""
        with self._locks[id], translated():
            limits = containers.limits(self._docker.client, hostname, memory_mb, vcpus)
            if "cpuset_cpus" in limits and not limits["cpuset_cpus"]:
                limits["cpuset_cpus"] = containers.all_processors()
            if "mem_limit" in limits:
                # The two must grow together: swap counts memory in.
                limits["memswap_limit"] = 2 * limits["mem_limit"]
            if limits:
                self._docker.client.api.update_container(self._docker.name("droplet", id), **limits)

    def delete(self, id: int) -> None:
        """Removes a droplet with its disk, firewall and addresses."""
        with self._locks[id], translated():
            self._records.forget(id)
            self._docker.remove(self._docker.name("droplet", id))
            self._docker.remove(self._docker.name("net", id))

    def status(self, id: int) -> PowerState:
        """Whether the droplet is on, off, or not there."""
        with translated():
            state = self._docker.state(self._docker.name("droplet", id))
        return "missing" if state is None else "active" if state["Running"] else "off"

    # -- what is around a droplet -----------------------------------------------------------------------

    def set_firewall(self, id: int, firewall: Firewall | None) -> None:
        """Puts exactly these rules in force, at once and in one step; None opens everything.

        Connections that are up and stay allowed go on. May be called before `create()`.
        """
        with self._locks[id], translated():
            self._records.change(id, firewall=firewall)
            if self._docker.is_running(self._docker.name("net", id)):
                self._apply_firewall(id, firewall)

    def add_public_address(self, id: int, addr: str) -> None:
        """Gives a droplet one more public address, taking its traffic from whichever had it before."""
        with self._locks[id], translated():
            record = self._records.get(id)
            addresses = tuple(dict.fromkeys((*record.extra_addresses, addr)))
            self._records.change(id, extra_addresses=addresses)
            if self._docker.is_running(self._docker.name("net", id)):
                net_container.add_address(self._docker.client, self._docker.name("net", id), addr)

    def remove_public_address(self, id: int, addr: str) -> None:
        """Takes an added public address away."""
        with self._locks[id], translated():
            record = self._records.get(id)
            left = tuple(known for known in record.extra_addresses if known != addr)
            self._records.change(id, extra_addresses=left)
            if self._docker.is_running(self._docker.name("net", id)):
                net_container.remove_address(self._docker.client, self._docker.name("net", id), addr)

    # -- inside ---------------------------------------------------------------------------------------

    def _watch(self) -> None:
        with self._watching:
            if self._watcher is None:
                self._watcher = Watcher(self.docker_host, self._instance, self._on_death, self._resume)
                self._watcher.start()

    def _make(self, spec: MachineSpec, image: str) -> None:
        net, droplet = self._docker.name("net", spec.id), self._docker.name("droplet", spec.id)
        public = networks.docker_name(self._instance, PUBLIC_NETWORK)
        private = networks.docker_name(self._instance, spec.private_network)
        containers.create_net(self._docker.client, self._instance, net, image, spec, public, private)
        self._docker.client.api.start(net)
        self._records.change(spec.id, on=True)
        self._restore_network(spec.id)
        identity = containers.create_droplet(self._docker.client, self._instance, droplet, net, image, spec)
        resolvers = _resolvers() or (DOCKER_RESOLVER,)
        self._docker.client.api.put_archive(identity, "/", pack(seed_files(spec, resolvers)))
        self._tell_limits()
        self._docker.client.api.start(identity)

    def _power_on(self, droplet: int) -> None:
        net, name = self._docker.name("net", droplet), self._docker.name("droplet", droplet)
        if self._docker.state(name) is None:
            raise MachineError(f"droplet {droplet} is not there")
        if not self._docker.is_running(net):
            if self._docker.is_running(name):  # it runs in the network of a net container that is gone
                self._docker.client.api.kill(name)
            self._docker.client.api.start(net)
            self._restore_network(droplet)
        net_container.plug_in(self._docker.client, net)
        self._docker.client.api.start(name)

    def _halt(self, droplet: int, graceful: bool) -> None:
        with translated():
            name, net = self._docker.name("droplet", droplet), self._docker.name("net", droplet)
            if self._docker.is_running(name):
                if not graceful and self._docker.is_running(net):
                    # Before its processes end, or the kernel would close their connections for all to see.
                    net_container.unplug(self._docker.client, net)
                self._docker.client.api.stop(name, timeout=_POWER_OFF_SECONDS if graceful else 0)

    def _restore_network(self, droplet: int) -> None:
        """Firewall and addresses, in a net container that has just started, before its droplet does."""
        record = self._records.get(droplet)
        if record.firewall is not None:
            self._apply_firewall(droplet, record.firewall)
        for address in record.extra_addresses:
            net_container.add_address(self._docker.client, self._docker.name("net", droplet), address)

    def _apply_firewall(self, droplet: int, firewall: Firewall | None) -> None:
        name = self._docker.name("net", droplet)
        net_container.apply_firewall(self._docker.client, name, firewall, docker_resolver=not _resolvers())

    def _resume(self) -> None:
        """Brings every droplet to the power state it is meant to have."""
        for droplet in self._docker.droplets():
            with self._locks[droplet]:
                try:
                    if self._records.get(droplet).on and self.status(droplet) != "missing":
                        with translated():
                            self._power_on(droplet)
                except MachineError as error:
                    self._tell(f"droplet {droplet} could not be started: {error}")

    def _on_death(self, droplet: int, rebooting: bool) -> None:
        """A droplet has ended. What was done to it by a method here is settled once its lock is free."""
        with self._locks[droplet]:
            record: Record = self._records.get(droplet)
            if not record.on or self.status(droplet) != "off":
                return
            if rebooting:
                try:
                    with translated():
                        self._power_on(droplet)
                except MachineError as error:
                    self._tell(f"droplet {droplet} did not come back from its reboot: {error}")
            else:
                self._records.change(droplet, on=False)

    def _tell_limits(self) -> None:
        if self._told_limits:
            return
        self._told_limits = True
        missing = containers.missing_limits(self._docker.client)
        if missing:
            self._tell(f"the kernel here cannot limit {' or '.join(missing)}: droplets may use all there is")


def _resolvers() -> tuple[str, ...]:
    return resolvers_of(path.read_text() for path in _RESOLV_CONF if path.is_file())
