"""The package `command`: commands on this machine and on hosts, and files for hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from localengine.provider import UNKNOWN, Diff, Secret, current_urn
from localengine.providers import schema
from localengine.providers.base import BaseProvider
from localengine.providers.command import connection, copying, local, remote
from localengine.providers.names import resource_name, unique_id
from localengine.providers.waiting import Deadline

LOCAL, REMOTE, COPY = "command:local:Command", "command:remote:Command", "command:remote:CopyToRemote"
RUN = "command:local:run"

_FIELDS: Mapping[str, schema.Fields] = {LOCAL: local.FIELDS, REMOTE: remote.FIELDS, COPY: copying.FIELDS}


class CommandProvider(BaseProvider):
    """Runs commands when they are created, changed and deleted; what they did is not looked at afterwards."""

    package = "command"

    def types(self) -> frozenset[str]:
        """Every resource type token."""
        return frozenset(_FIELDS)

    def invokes(self) -> frozenset[str]:
        """Every function token."""
        return frozenset({RUN})

    def secret_outputs(self, type: str) -> frozenset[str]:
        """Connections are secret."""
        return frozenset() if type == LOCAL else frozenset({"connection"})

    def check(self, type: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """Validate the inputs, and complete the connection. Raises CheckFailures."""
        del olds
        inputs = schema.check(self._fields(type), news)
        if "connection" in inputs and inputs["connection"] is not UNKNOWN:
            inputs["connection"] = _complete(inputs["connection"])
        if type == COPY:
            inputs["source"] = copying.hashed(inputs["source"])
        return inputs

    def diff(
        self,
        type: str,
        id: str,
        old_inputs: dict[str, Any],
        old_outputs: dict[str, Any],
        news: dict[str, Any],
    ) -> Diff:
        """Compare the inputs: other triggers need a new resource, anything else runs the command again."""
        del id, old_outputs
        return schema.diff(self._fields(type), old_inputs, {}, news)

    def create(
        self, type: str, news: dict[str, Any], *, preview: bool, timeout: float | None
    ) -> tuple[str, dict[str, Any]]:
        """Run `create`, or copy."""
        self._fields(type)
        if preview:
            return "", _marked(news)
        outputs = self._act(type, news.get("create"), news, {}, timeout)
        return unique_id("" if type == COPY else resource_name()), _marked(news) | outputs

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
        """Run `update`, or else `create`, again; or copy again."""
        del id, old_inputs
        self._fields(type)
        command = news.get("update", news.get("create"))
        if preview:
            unknown = {} if type == COPY or command is None else {"stdout": UNKNOWN, "stderr": UNKNOWN}
            return _marked(news) | _said(old_outputs) | unknown
        return _marked(news) | _said(old_outputs) | self._act(type, command, news, old_outputs, timeout)

    def read(
        self, type: str, id: str, inputs: dict[str, Any], outputs: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """What the state knows: nothing of a command can be seen later."""
        del id
        self._fields(type)
        if "connection" not in inputs:
            return inputs, outputs
        return inputs | {"connection": _marked(inputs)["connection"]}, _marked(outputs)

    def delete(
        self, type: str, id: str, inputs: dict[str, Any], outputs: dict[str, Any], *, timeout: float | None
    ) -> None:
        """Run `delete` where there is one, with the inputs of the last run. Copied files stay."""
        del id
        self._fields(type)
        known = outputs | inputs
        if type != COPY and known.get("delete"):
            self._act(type, known["delete"], known, outputs, timeout)

    def invoke(self, token: str, args: dict[str, Any]) -> dict[str, Any]:
        """Run a command here, in previews too, and tell what it said. Raises CheckFailures, ProviderError."""
        if token != RUN:
            return super().invoke(token, args)
        inputs = schema.check({"command": schema.Field(required=True), **local.RUN_FIELDS}, args)
        return inputs | local.run(inputs["command"], inputs, {}, Deadline(None, self.cancel), self._shown())

    def _act(
        self,
        type: str,
        command: str | None,
        inputs: Mapping[str, Any],
        previous: Mapping[str, Any],
        timeout: float | None,
    ) -> dict[str, Any]:
        deadline, log = Deadline(timeout, self.cancel), self._shown()
        if type == COPY:
            copying.copy(inputs, deadline, log)
            return {}
        if command is None:
            return {"stdout": "", "stderr": ""} if not previous else {}
        run: Callable[..., dict[str, Any]] = local.run if type == LOCAL else remote.run
        return run(command, inputs, previous, deadline, log)

    def _shown(self) -> Callable[[str], None]:
        """Shows lines as this resource's, from the threads that read them too."""
        return partial(self.log, current_urn())

    def _fields(self, type: str) -> schema.Fields:
        try:
            return _FIELDS[type]
        except KeyError:
            raise self._no_such("resource type", type, self.types()) from None


def _complete(given: Mapping[str, Any]) -> dict[str, Any]:
    """A connection with its defaults, its own secrets marked as such inside it."""
    full = schema.with_defaults(connection.FIELDS, given)
    if isinstance(full.get("proxy"), dict):
        full["proxy"] = _complete(full["proxy"])
    return {name: _secret(value) if name in connection.SECRET else value for name, value in full.items()}


def _marked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs or outputs, with the secrets inside their connection marked."""
    given = values.get("connection")
    return dict(values) | ({"connection": _complete(given)} if isinstance(given, dict) else {})


def _secret(value: Any) -> Any:
    return value if value is UNKNOWN else Secret(value)


def _said(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: outputs[name] for name in ("stdout", "stderr", "assets", "archive") if name in outputs}
