"""Random values that are made once and kept in the stack: `random:index/...`."""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from localengine.provider import CheckFailure
from localengine.providers import schema
from localengine.providers.base import Computed, ComputedProvider
from localengine.providers.schema import Field, Fields
from localengine.values import has_unknown

SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
BCRYPT_LONGEST = 72
"""bcrypt takes no more bytes than these."""

KEEPERS = Field(kind="map", item=Field(), replaces=True)


def _switch() -> Field:
    return Field(kind="bool", default=True, replaces=True)


def _least() -> Field:
    return Field(kind="int", default=0, replaces=True, wrong=schema.between(0, 10_000))


CHARACTERS: dict[str, Field] = {
    "length": Field(kind="int", required=True, replaces=True, wrong=schema.between(1, 10_000)),
    "keepers": KEEPERS,
    "lower": _switch(),
    "upper": _switch(),
    "number": Field(kind="bool", computed=True, replaces=True),
    "numeric": Field(kind="bool", computed=True, replaces=True),
    "special": _switch(),
    "minLower": _least(),
    "minUpper": _least(),
    "minNumeric": _least(),
    "minSpecial": _least(),
    "overrideSpecial": Field(replaces=True),
    "result": Field(output=True),
}


def characters(inputs: Mapping[str, Any]) -> str:
    """Random text as the properties of RandomString ask for it."""
    sets = {
        "lower": string.ascii_lowercase,
        "upper": string.ascii_uppercase,
        "numeric": string.digits,
        "special": inputs.get("overrideSpecial") or SPECIAL,
    }
    chosen = [
        secrets.choice(letters) for name, letters in sets.items() for _ in range(inputs[f"min{name.title()}"])
    ]
    every = "".join(letters for name, letters in sets.items() if _wanted(inputs, name))
    chosen += [secrets.choice(every) for _ in range(inputs["length"] - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def _wanted(inputs: Mapping[str, Any], name: str) -> bool:
    if name == "numeric":
        return bool(inputs.get("numeric", inputs.get("number", True)))
    return bool(inputs[name])


class RandomString(Computed):
    """Random text; not secret."""

    fields: ClassVar[Fields] = CHARACTERS
    schema_version = 2

    def wrong(self, inputs: Mapping[str, Any]) -> list[CheckFailure]:
        """At least one kind of characters, no more asked of each than fits, and one answer about numbers."""
        if has_unknown(dict(inputs)):
            return []
        failures = []
        if not any(_wanted(inputs, name) for name in ("lower", "upper", "numeric", "special")):
            failures.append(
                CheckFailure("lower", "at least one of lower, upper, numeric, special must be true")
            )
        least = sum(inputs[name] for name in ("minLower", "minUpper", "minNumeric", "minSpecial"))
        if least > inputs["length"]:
            failures.append(
                CheckFailure("length", f"{inputs['length']} is less than the {least} asked for by min*")
            )
        if inputs.get("number", inputs.get("numeric")) != inputs.get("numeric", inputs.get("number")):
            failures.append(CheckFailure("number", "is the old name of numeric and must not differ from it"))
        return failures

    def make(self, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Make the text; it is the id too."""
        result = characters(inputs)
        numeric = _wanted(inputs, "numeric")
        return result, {"result": result, "number": numeric, "numeric": numeric}


class RandomPassword(RandomString):
    """Random text, kept secret, and its bcrypt hash."""

    fields: ClassVar[Fields] = CHARACTERS | {"bcryptHash": Field(output=True)}
    secret = frozenset({"result", "bcryptHash"})
    schema_version = 3

    def make(self, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Make the password; the id says nothing of it."""
        import bcrypt

        result, outputs = super().make(inputs)
        hashed = bcrypt.hashpw(result.encode()[:BCRYPT_LONGEST], bcrypt.gensalt(rounds=10))
        return "none", outputs | {"bcryptHash": hashed.decode()}


class RandomId(Computed):
    """Random bytes in several spellings, each with the prefix."""

    fields: ClassVar[Fields] = {
        "byteLength": Field(kind="int", required=True, replaces=True, wrong=schema.between(1, 10_000)),
        "keepers": KEEPERS,
        "prefix": Field(replaces=True),
        **{name: Field(output=True) for name in ("b64Std", "b64Url", "dec", "hex")},
    }

    def make(self, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Make the bytes; the id is their URL-safe base64 without the prefix."""
        value = secrets.token_bytes(inputs["byteLength"])
        prefix = inputs.get("prefix", "")
        id = base64.urlsafe_b64encode(value).decode().rstrip("=")
        return id, {
            "b64Std": prefix + base64.b64encode(value).decode(),
            "b64Url": prefix + id,
            "dec": prefix + str(int.from_bytes(value, "big")),
            "hex": prefix + value.hex(),
        }


class RandomBytes(Computed):
    """Random bytes, kept secret."""

    fields: ClassVar[Fields] = {
        "length": Field(kind="int", required=True, replaces=True, wrong=schema.between(1, 10_000)),
        "keepers": KEEPERS,
        "base64": Field(output=True),
        "hex": Field(output=True),
    }
    secret = frozenset({"base64", "hex"})

    def make(self, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Make the bytes. The official provider's id is the value itself; this one gives nothing away."""
        value = secrets.token_bytes(inputs["length"])
        return "none", {"base64": base64.b64encode(value).decode(), "hex": value.hex()}


class RandomUuid(Computed):
    """A random (version 4) UUID."""

    fields: ClassVar[Fields] = {"keepers": KEEPERS, "result": Field(output=True)}

    def make(self, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Make the UUID; it is the id too."""
        del inputs
        result = str(uuid.uuid4())
        return result, {"result": result}


class RandomProvider(ComputedProvider):
    """The package `random`."""

    package = "random"
    rows: ClassVar[Mapping[str, Computed]] = {
        "random:index/randomBytes:RandomBytes": RandomBytes(),
        "random:index/randomId:RandomId": RandomId(),
        "random:index/randomPassword:RandomPassword": RandomPassword(),
        "random:index/randomString:RandomString": RandomString(),
        "random:index/randomUuid:RandomUuid": RandomUuid(),
    }
