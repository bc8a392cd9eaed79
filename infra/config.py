"""Where a stack's configuration is read: all keys of the project's namespace, as Pulumi hands them on."""

from __future__ import annotations

import pulumi
from pulumi.runtime import get_config_env, is_config_secret
from pulumi.runtime.config import CONFIG

from infra.complaints import NAMESPACE
from infra.settings import Settings, load


def read() -> Settings:
    """The settings of the running stack.

    Raises infra.settings.SettingsError, which names every wrong setting. Unlike `pulumi.Config`, which can
    only be asked for known keys, this sees misspelt ones.
    """
    prefix = f"{NAMESPACE}:"
    everything = {**get_config_env(), **CONFIG.get()}
    ours = {key.removeprefix(prefix): value for key, value in everything.items() if key.startswith(prefix)}
    secret = [name for name in ours if is_config_secret(prefix + name)]
    return load(ours, stack=pulumi.get_stack(), secret=secret)
