from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from localcloud.app import create_app
from localcloud.cloud import Cloud
from localcloud.store import Store
from tests.localcloud.client import Client
from tests.localcloud.recording import RecordingFleet

TOKEN = "a-token"  # noqa: S105


@pytest.fixture
def fleet() -> RecordingFleet:
    return RecordingFleet()


@pytest.fixture
def cloud(tmp_path: Path, fleet: RecordingFleet) -> Iterator[Cloud]:
    cloud = Cloud(Store(tmp_path / "state.json"), fleet)
    yield cloud
    cloud.close()


@pytest.fixture
def api(cloud: Cloud) -> Iterator[Client]:
    with TestClient(create_app(cloud, TOKEN), headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        yield Client(http)


@pytest.fixture
def make_droplet(api: Client) -> Callable[..., dict[str, Any]]:
    """Makes a droplet and waits until it is active."""

    def make(name: str = "web", **fields: Any) -> dict[str, Any]:
        asked = {"name": name, "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-13-x64"} | fields
        made = api.post("/v2/droplets", asked, expect=202)
        api.until_done(made["links"]["actions"][0]["id"])
        return dict(api.get(f"/v2/droplets/{made['droplet']['id']}")["droplet"])

    return make
