"""The package `digitalocean`: a table of resource types over DigitalOcean's HTTP API."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localengine.provider import (
    UNKNOWN,
    CheckFailures,
    Diff,
    Log,
    PartialFailure,
    ProviderError,
)
from localengine.providers import names, schema
from localengine.providers.base import META, BaseProvider
from localengine.providers.digitalocean.api import Access, Api
from localengine.providers.digitalocean.attachments import (
    ReservedIp,
    ReservedIpAssignment,
    Volume,
    VolumeAttachment,
)
from localengine.providers.digitalocean.domain import DnsRecord, Domain
from localengine.providers.digitalocean.droplet import Droplet
from localengine.providers.digitalocean.firewall import Firewall
from localengine.providers.digitalocean.functions import FUNCTIONS
from localengine.providers.digitalocean.row import Found, Row
from localengine.providers.digitalocean.simple import Project, SshKey, Tag, Vpc

SETTINGS = ("apiEndpoint", "token", "httpRetryMax", "httpRetryWaitMin", "httpRetryWaitMax")


class DigitalOceanProvider(BaseProvider):
    """Makes resources at DigitalOcean, or wherever `apiEndpoint` says that its API is."""

    package = "digitalocean"

    def __init__(self, log: Log, cancel: threading.Event) -> None:
        super().__init__(log, cancel)
        self._api: Api | None = None
        self._rows: Mapping[str, Row] = _rows()

    def types(self) -> frozenset[str]:
        """Every resource type token."""
        return frozenset(self._rows)

    def invokes(self) -> frozenset[str]:
        """Every function token."""
        return frozenset(FUNCTIONS)

    def configure(self, inputs: dict[str, Any]) -> None:
        """Take endpoint, token and retry settings; the environment stands in for the first two.

        Makes no request. Raises ProviderError for a setting that is unknown or wrong.
        """
        given = {name: _plain(value) for name, value in self._settings(inputs, SETTINGS).items()}
        if UNKNOWN in given.values():
            return
        environment = os.environ
        access = Access(
            endpoint=given.get("apiEndpoint") or environment.get("DIGITALOCEAN_API_URL") or Access.endpoint,
            token=given.get("token")
            or environment.get("DIGITALOCEAN_TOKEN")
            or environment.get("DIGITALOCEAN_ACCESS_TOKEN", ""),
        )
        try:
            access = replace(
                access,
                retries=int(given.get("httpRetryMax", Access.retries)),
                shortest_wait=float(given.get("httpRetryWaitMin", Access.shortest_wait)),
                longest_wait=float(given.get("httpRetryWaitMax", Access.longest_wait)),
            )
        except ValueError:
            raise ProviderError(
                "digitalocean: httpRetryMax and httpRetryWaitMin/Max must be numbers"
            ) from None
        if not access.endpoint.startswith(("http://", "https://")):
            raise ProviderError(f"digitalocean:apiEndpoint is {access.endpoint!r}, not an http(s) URL")
        self._api = Api(access, self.cancel)

    def check(self, type: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """Validate the inputs, and make up a name where none is given. Raises CheckFailures."""
        row = self._row(type)
        inputs = schema.check(row.fields, news)
        failures = row.wrong(olds, inputs)
        if failures:
            raise CheckFailures(failures)
        if row.automatic_name and "name" in row.fields and "name" not in inputs:
            name = names.automatic("name", olds, longest=row.automatic_name)
            inputs["name"] = name.lower() if isinstance(row, Volume) else name
            inputs[names.DEFAULTS] = ["name"]
        return inputs

    def diff(
        self,
        type: str,
        id: str,
        old_inputs: dict[str, Any],
        old_outputs: dict[str, Any],
        news: dict[str, Any],
    ) -> Diff:
        """Compare with what was found last.

        What keeps its given name can't be there twice: the old one goes first.
        """
        del id
        row = self._row(type)
        found = schema.diff(row.fields, old_inputs, old_outputs, news)
        given = row.automatic_name and "name" not in news.get(names.DEFAULTS, ())
        same_name = news.get("name") == old_outputs.get("name", old_inputs.get("name"))
        return replace(found, delete_before_replace=bool(found.replaces and given and same_name))

    def create(
        self, type: str, news: dict[str, Any], *, preview: bool, timeout: float | None
    ) -> tuple[str, dict[str, Any]]:
        """Make it and wait until it is ready."""
        row = self._row(type)
        inputs = schema.with_defaults(row.fields, news)
        if preview:
            return "", {name: row.kept(name, value) for name, value in inputs.items()}
        api = self._connected()
        deadline = api.deadline(timeout or row.create_timeout)
        given = _given(news)
        id, found = row.make(api, given, deadline)
        try:
            found = row.settle(api, id, given, deadline)
        except ProviderError as error:
            raise PartialFailure(id, _outputs(row, id, found, given), [str(error)]) from None
        return id, _outputs(row, id, found, given)

    def update(
        self,
        type: str,
        id: str,
        old_inputs: dict[str, Any],
        old_outputs: dict[str, Any],
        news: dict[str, Any],
        *,
        preview: bool,
        timeout: float | None,
    ) -> dict[str, Any]:
        """Compare with what there is now, and change what differs."""
        row = self._row(type)
        given = _given(news)
        if preview:
            changed = self.diff(type, id, old_inputs, old_outputs, news).changed
            unknown = {name for cause in changed for name in row.unknown_after.get(cause, ())}
            wanted = {
                name: row.kept(name, value) for name, value in schema.with_defaults(row.fields, news).items()
            }
            removed = {name: None for name in changed if name not in wanted}
            return old_outputs | wanted | removed | dict.fromkeys(unknown, UNKNOWN)
        api = self._connected()
        deadline = api.deadline(timeout or row.update_timeout)
        found = row.find(api, id, old_outputs | given)
        if found is None:
            raise ProviderError(
                f"{type} {id} is no longer there; `refresh` takes it out of the stack's state"
            )
        row.change(api, id, found, given, deadline)
        return _outputs(row, id, row.settle(api, id, given, deadline), given)

    def read(
        self, type: str, id: str, inputs: dict[str, Any], outputs: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Look it up as it is now."""
        row = self._row(type)
        own, told = (id, {}) if outputs or inputs else row.from_id(id)
        known = inputs | outputs or told
        found = row.find(self._connected(), own, known)
        if found is None:
            return None
        now = _outputs(row, own, found, known)
        return schema.refreshed_inputs(row.fields, inputs, now), now

    def delete(
        self, type: str, id: str, inputs: dict[str, Any], outputs: dict[str, Any], *, timeout: float | None
    ) -> None:
        """Remove it and wait until it is gone."""
        row = self._row(type)
        api = self._connected()
        row.remove(api, id, inputs | outputs, api.deadline(timeout or row.delete_timeout))

    def invoke(self, token: str, args: dict[str, Any]) -> dict[str, Any]:
        """Look something up. Raises CheckFailures, ProviderError."""
        function = FUNCTIONS.get(token)
        if function is None:
            return super().invoke(token, args)
        return function.answer(self._connected(), schema.check(function.fields, args))

    def _row(self, type: str) -> Row:
        try:
            return self._rows[type]
        except KeyError:
            raise self._no_such("resource type", type, self.types()) from None

    def _connected(self) -> Api:
        if self._api is None:
            raise ProviderError("digitalocean: its endpoint or token is not known before the update")
        return self._api


def _outputs(row: Row, id: str, found: Found, known: Mapping[str, Any]) -> dict[str, Any]:
    """All outputs: what the API tells, in the program's spelling where it is the same, and what it keeps."""
    told = schema.spelled_as_given(row.fields, known, row.outputs(found, known))
    kept = {
        name: row.kept(name, value)
        for name, value in schema.with_defaults(row.fields, known).items()
        if name in row.fields and name not in told
    }
    meta = {META: f'{{"schema_version":"{row.schema_version}"}}'} if row.schema_version else {}
    return {"id": id, **kept, **told, **meta}


def _given(news: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs without the engine's own notes."""
    return {name: value for name, value in news.items() if not name.startswith("__")}


def _plain(value: Any) -> Any:
    """A setting as text; explicit providers get theirs as JSON."""
    if isinstance(value, str) and value[:1] == '"':
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _rows() -> dict[str, Row]:
    rows: list[Row] = [
        DnsRecord(),
        Domain(),
        Droplet(),
        Firewall(),
        Project(),
        ReservedIp(),
        ReservedIpAssignment(),
        SshKey(),
        Tag(),
        Volume(),
        VolumeAttachment(),
        Vpc(),
    ]
    return {_token(type(row).__name__): row for row in rows}


def _token(name: str) -> str:
    return f"digitalocean:index/{name[0].lower()}{name[1:]}:{name}"
