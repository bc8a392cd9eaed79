"""Which values stay secret after a provider, which knows no secrets, has handled them."""

from __future__ import annotations

from collections.abc import Collection

from localengine.values import Properties, Secret, Value, for_provider, has_secret, secret


def restore(original: Value, checked: Value) -> Value:
    """Put the secret marks of `original` back on what a provider's check made of it."""
    if isinstance(checked, Secret):
        return checked
    if isinstance(original, Secret):
        return secret(restore(original.value, checked))
    if isinstance(original, dict) and isinstance(checked, dict):
        return {key: restore(original.get(key), item) for key, item in checked.items()}
    if isinstance(original, list) and isinstance(checked, list) and len(original) == len(checked):
        return [restore(before, item) for before, item in zip(original, checked, strict=True)]
    return secret(checked) if has_secret(original) else checked


def mark(outputs: Properties, inputs: Properties, always: Collection[str]) -> Properties:
    """Mark the outputs that must be secret: those in `always`, and those whose input held a secret."""
    marked: Properties = {}
    for key, value in outputs.items():
        given = inputs.get(key)
        if has_secret(given):
            same = for_provider(value) == for_provider(given)
            marked[key] = secret(given if same else value)
        else:
            marked[key] = secret(value) if key in always else value
    return marked
