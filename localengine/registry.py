"""The configured providers of one run, by the URN of the provider resource."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping
from typing import TypeAlias

from localengine.errors import EngineError
from localengine.provider import Log, Provider
from localengine.urn import PROVIDER_PREFIX
from localengine.values import Properties, for_provider

Load: TypeAlias = Callable[[Log, threading.Event], Mapping[str, Provider]]


def load_packaged(log: Log, cancel: threading.Event) -> Mapping[str, Provider]:
    """Return fresh ones of the providers that come with the engine."""
    packaged = importlib.import_module("localengine.providers")
    providers: Mapping[str, Provider] = packaged.load(log, cancel)
    return providers


class Registry:
    """Makes providers, configures them, and finds them again."""

    def __init__(self, load: Load, log: Log, cancel: threading.Event) -> None:
        self._load = load
        self._log = log
        self._cancel = cancel
        self._lock = threading.RLock()
        self._catalogue: Mapping[str, Provider] | None = None
        self._configured: dict[str, Provider] = {}

    @property
    def catalogue(self) -> Mapping[str, Provider]:
        """One unconfigured provider of each package, to ask what it can do."""
        with self._lock:
            if self._catalogue is None:
                self._catalogue = self._load(self._log, self._cancel)
            return self._catalogue

    def lacks_package(self, package: str) -> str:
        """Say what is missing where no provider makes `package`'s resources, or ""."""
        if package in self.catalogue:
            return ""
        known = ", ".join(sorted(self.catalogue))
        return f"the local engine has no provider for the package {package!r} (it has {known})"

    def lacks_type(self, type: str) -> str:
        """Say what is missing where `type` cannot be made, or ""."""
        package = type.partition(":")[0]
        missing = self.lacks_package(package)
        if missing or type in self.catalogue[package].types():
            return missing
        return f"the local engine's {package} provider lacks the resource type {type}"

    def lacks_invoke(self, token: str) -> str:
        """Say what is missing where the function `token` cannot be answered, or ""."""
        package = token.partition(":")[0]
        missing = self.lacks_package(package)
        if missing or token in self.catalogue[package].invokes():
            return missing
        return f"the local engine's {package} provider lacks the function {token}"

    def configure(self, urn: str, type: str, inputs: Properties) -> Provider:
        """Configure the provider `urn` with a provider resource's inputs.

        Raises EngineError for an unknown package, ProviderError for wrong inputs.
        """
        package = type.removeprefix(PROVIDER_PREFIX)
        missing = self.lacks_package(package)
        if missing:
            raise EngineError(missing)
        provider = self._load(self._log, self._cancel)[package]
        plain = {key: value for key, value in inputs.items() if key not in ("version", "__internal")}
        provider.configure(for_provider(plain))
        with self._lock:
            self._configured[urn] = provider
        return provider

    def get(self, urn: str) -> Provider | None:
        """Return the configured provider `urn`, or None where this run has not configured it."""
        with self._lock:
            return self._configured.get(urn)

    def alias(self, old: str, new: str) -> None:
        """Let the provider `new` be found under its old name, too."""
        with self._lock:
            if new in self._configured:
                self._configured[old] = self._configured[new]
