"""Docker, as far as the droplets of one local cloud need it: which containers are theirs, and their state."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound

from localcloud.containers import DROPLET_LABEL, PART_LABEL
from localcloud.engine import LABEL, Say, answers, connect, ensure_docker
from localcloud.machine_types import MachineError


@contextmanager
def translated() -> Iterator[None]:
    """Docker's errors as ones for the user: raises MachineError."""
    try:
        yield
    except APIError as error:
        raise MachineError(f"Docker: {str(error.explanation or error).strip()}") from error
    except (DockerException, OSError) as error:
        raise MachineError(f"Docker's engine: {error}") from error


class DockerSeam:
    """The containers of `instance`, over a connection that is made when it is first needed."""

    def __init__(self, instance: str, tell: Say) -> None:
        self._instance = instance
        self._tell = tell
        self._connecting = threading.Lock()
        self._host = ""
        self._connected: docker.DockerClient | None = None

    @property
    def client(self) -> docker.DockerClient:
        """An engine that answers; it is started where there is none. Raises MachineError."""
        with self._connecting:
            # Another instance's reset may have ended an engine that had nothing of ours on it yet.
            if self._connected is None or not answers(self._connected):
                self._host = ensure_docker(self._tell)
                self._connected = connect(self._host)
            return self._connected

    @property
    def host(self) -> str:
        """Where that engine listens."""
        self.client  # noqa: B018 - connects
        return self._host

    def close(self) -> None:
        """End the connection."""
        self.client.close()
        self._connected = None

    def name(self, part: str, droplet: int) -> str:
        """The name of a droplet's container; `part` is droplet or net."""
        return f"{self._instance}-{part}-{droplet}"

    def containers(self, part: str) -> list[dict[str, Any]]:
        """All of one part, as Docker lists them."""
        labels = [f"{LABEL}={self._instance}", f"{PART_LABEL}={part}"]
        return list(self.client.api.containers(all=True, filters={"label": labels}))

    def droplets(self) -> list[int]:
        """The numbers of all droplets. Raises MachineError."""
        with translated():
            return sorted(int(item["Labels"][DROPLET_LABEL]) for item in self.containers("droplet"))

    def state(self, name: str) -> dict[str, Any] | None:
        """A container's state in Docker's words; None where there is none."""
        try:
            return dict(self.client.api.inspect_container(name)["State"])
        except NotFound:
            return None

    def is_running(self, name: str) -> bool:
        """Whether a container is there and runs."""
        state = self.state(name)
        return state is not None and bool(state["Running"])

    def remove(self, name: str) -> None:
        """Remove a container with its volumes, if it is there."""
        try:
            self.client.api.remove_container(name, force=True, v=True)
        except NotFound:
            return
