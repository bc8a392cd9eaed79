"""Watches an instance's droplets end by themselves, for one that reboots from inside has to come back."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from docker.errors import DockerException

from localcloud.containers import DROPLET_LABEL, PART_LABEL
from localcloud.engine import LABEL, connect
from localcloud.machine_types import MachineError

# The kernel ends the first process of a PID namespace with SIGHUP when that asks for a reboot, and
# with SIGINT when it asks for power off; Docker adds 128.
_REBOOTED = "129"


class Watcher:
    """Calls `on_death(droplet, rebooting)` for each droplet that ends by itself, and `on_connect()` each
    time the engine can be heard again after it could not.

    One that Docker was told to end, or that ends with Docker itself, does not end by itself.
    """

    def __init__(
        self,
        docker_host: str,
        instance: str,
        on_death: Callable[[int, bool], None],
        on_connect: Callable[[], None],
    ) -> None:
        self._docker_host = docker_host
        self._instance = instance
        self._on_death = on_death
        self._on_connect = on_connect
        self._ended = threading.Event()
        self._stream: Any = None
        self._thread = threading.Thread(target=self._run, name=f"watch-{instance}", daemon=True)

    def start(self) -> None:
        """Begins to listen, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Stops listening."""
        self._ended.set()
        if self._stream is not None:
            with contextlib.suppress(Exception):
                self._stream.close()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        lost = False
        while not self._ended.is_set():
            try:
                self._listen(lost)
            except (DockerException, MachineError, OSError, ValueError, AttributeError):
                # The stream was cut: by close(), or because the engine went away.
                lost = True
            self._ended.wait(1)

    def _listen(self, lost: bool) -> None:
        client = connect(self._docker_host)
        try:
            self._stream = client.events(
                decode=True,
                filters={
                    "event": ["kill", "die"],
                    "label": [f"{LABEL}={self._instance}", f"{PART_LABEL}=droplet"],
                },
            )
            if lost:
                self._on_connect()
            killed: set[str] = set()
            for event in self._stream:
                if self._ended.is_set():
                    return
                attributes = event["Actor"]["Attributes"]
                if event["Action"] == "kill":
                    killed.add(event["Actor"]["ID"])
                    continue
                if event["Actor"]["ID"] in killed:
                    killed.discard(event["Actor"]["ID"])
                    continue
                threading.Thread(
                    target=self._on_death,
                    args=(int(attributes[DROPLET_LABEL]), attributes.get("exitCode") == _REBOOTED),
                    daemon=True,
                ).start()
        finally:
            client.close()
