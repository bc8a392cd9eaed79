"""The local cloud's HTTP API, served for real, in this process."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from localcloud.app import create_app
from localcloud.cloud import Cloud
from localcloud.store import Store
from tests.localcloud.recording import RecordingFleet

TOKEN = "a-token"  # noqa: S105


@dataclass(frozen=True)
class ApiServer:
    url: str
    token: str
    cloud: Cloud
    fleet: RecordingFleet

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder: Path) -> Iterator[ApiServer]:
        folder.mkdir()
        fleet = RecordingFleet()
        cloud = Cloud(Store(folder / "state.json"), fleet)
        config = uvicorn.Config(
            create_app(cloud, TOKEN), port=0, log_level="error", ws="none", lifespan="off"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the API's server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield cls(f"http://127.0.0.1:{port}", TOKEN, cloud, fleet)
        finally:
            server.should_exit = True
            thread.join(10)
            cloud.close()
