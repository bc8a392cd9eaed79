"""The local engine's providers: stand-ins for the official ones, for the types this project uses."""

from __future__ import annotations

import threading

from localengine.provider import Log, Provider
from localengine.providers.command import CommandProvider
from localengine.providers.digitalocean import DigitalOceanProvider
from localengine.providers.random import RandomProvider
from localengine.providers.tls import TlsProvider


def load(log: Log, cancel: threading.Event) -> dict[str, Provider]:
    """Return fresh, unconfigured providers by package name.

    `log(urn, line)` shows a line of progress. Setting `cancel` ends all waiting, with a ProviderError.
    """
    made: list[Provider] = [
        CommandProvider(log, cancel),
        DigitalOceanProvider(log, cancel),
        RandomProvider(log, cancel),
        TlsProvider(log, cancel),
    ]
    return {provider.package: provider for provider in made}
