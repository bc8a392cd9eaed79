"""What the cloud remembers, and how it takes up after a restart what it had begun."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from localcloud.app import create_app
from localcloud.cloud import Cloud
from localcloud.errors import refused
from localcloud.machine_types import MachineError
from localcloud.store import StateUnreadable, Store
from tests.localcloud.client import Client
from tests.localcloud.conftest import TOKEN
from tests.localcloud.recording import RecordingFleet

ASKED = {"name": "web", "region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-13-x64"}


@contextmanager
def run(path: Path, fleet: RecordingFleet) -> Iterator[tuple[Client, Cloud]]:
    """A cloud from its start to its end, on a state that may be there from before."""
    cloud = Cloud(Store(path), fleet)
    cloud.jobs.resume()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(create_app(cloud, TOKEN), headers=headers) as http:
        yield Client(http), cloud
    cloud.close()


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def test_everything_is_there_again_after_a_restart(tmp_path: Path, fleet: RecordingFleet) -> None:
    path = tmp_path / "state.json"
    with run(path, fleet) as (api, _):
        made = api.post("/v2/droplets", ASKED | {"tags": ["web"]}, expect=202)
        api.until_done(made["links"]["actions"][0]["id"])
        rule = {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["10.0.0.0/8"]}}
        api.post("/v2/firewalls", {"name": "wall", "inbound_rules": [rule], "tags": ["web"]}, expect=202)
        api.post("/v2/domains", {"name": "example.com"})
        paths = [f"/v2/{kind}" for kind in ("droplets", "firewalls", "tags", "vpcs", "domains", "actions")]
        before = {path: api.get(path) for path in paths}
    fleet.firewalls.clear()
    with run(path, fleet) as (api, _):
        assert {path: api.get(path) for path in paths} == before
        wait_for(lambda: fleet.firewalls.get(made["droplet"]["id"]) is not None)
    assert fleet.calls == ["start"]


def test_a_droplet_half_made_is_made_after_the_restart(tmp_path: Path, fleet: RecordingFleet) -> None:
    path = tmp_path / "state.json"
    with run(path, fleet) as (api, _):
        api.post("/control/faults", {"kind": "stuck_action"})
        made = api.post("/v2/droplets", ASKED, expect=202)
    assert fleet.specs == {}
    with run(path, fleet) as (api, _):
        assert api.until_done(made["links"]["actions"][0]["id"])["status"] == "completed"
        assert api.get(f"/v2/droplets/{made['droplet']['id']}")["droplet"]["status"] == "active"


def test_a_droplet_half_deleted_is_gone_after_the_restart(
    tmp_path: Path, fleet: RecordingFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    with run(path, fleet) as (api, cloud):
        made = api.post("/v2/droplets", ASKED, expect=202)
        api.until_done(made["links"]["actions"][0]["id"])
        id = made["droplet"]["id"]
        with monkeypatch.context() as patch:

            def fail(_: int) -> None:
                raise MachineError("Docker's engine does not answer")

            patch.setattr(fleet, "delete", fail)
            assert "does not answer" in api.delete(f"/v2/droplets/{id}", expect=500)["message"]
        api.get(f"/v2/droplets/{id}", expect=404)
        with cloud.store.read() as state:
            assert [failure.what for failure in state.failures] == [f"delete droplet {id}"]
    assert id in fleet.specs
    with run(path, fleet):
        wait_for(lambda: id not in fleet.specs)


def test_the_saved_state_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.json")
    with store.change() as state:
        state.tags.append("web")
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_what_is_refused_half_way_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.json")
    with store.change() as state:
        state.tags.append("kept")
    with pytest.raises(Exception, match="no"), store.change() as state:
        state.tags.append("dropped")
        raise refused("no")
    with store.read() as state:
        assert state.tags == ["kept"]


@pytest.mark.parametrize("text", ["", "{", json.dumps({"colour": "red"})])
def test_a_damaged_state_is_not_silently_begun_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(StateUnreadable, match="python -m localcloud reset"):
        Store(tmp_path / "state.json")
