from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from localengine.provider import Provider
from localengine.providers import load
from tests.localengine.providers.api_server import ApiServer
from tests.localengine.providers.sshd import Sshd


@pytest.fixture
def cancel() -> threading.Event:
    return threading.Event()


@pytest.fixture
def lines() -> list[str]:
    """What the providers log."""
    return []


@pytest.fixture
def providers(cancel: threading.Event, lines: list[str]) -> dict[str, Provider]:
    return load(lambda _urn, line: lines.append(line), cancel)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiServer]:
    """The local cloud's API on a free port, with droplets that are only noted down."""
    with ApiServer.started(tmp_path / "cloud") as server:
        yield server


@pytest.fixture
def digitalocean(providers: dict[str, Provider], api: ApiServer) -> Provider:
    provider = providers["digitalocean"]
    provider.configure(
        {"apiEndpoint": api.url, "token": api.token, "httpRetryWaitMin": "0.05", "version": "4.84.1"}
    )
    return provider


@pytest.fixture
def offline(providers: dict[str, Provider]) -> Provider:
    """The digitalocean provider where no request is to be made."""
    provider = providers["digitalocean"]
    provider.configure({"apiEndpoint": "http://127.0.0.1:9", "token": "t", "httpRetryMax": "0"})
    return provider


@pytest.fixture
def plain(api: ApiServer) -> Iterator[httpx.Client]:
    """Raw HTTP to the same API."""
    with httpx.Client(base_url=api.url, headers={"Authorization": f"Bearer {api.token}"}) as client:
        yield client


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A real SSH server on loopback with keys of its own."""
    with Sshd.started(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def command(providers: dict[str, Provider]) -> Provider:
    provider = providers["command"]
    provider.configure({"version": "1.2.1"})
    return provider
