"""One row of the table: what a resource type's properties are and how the API handles it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from localengine.provider import UNKNOWN, CheckFailure, ProviderError
from localengine.providers import schema
from localengine.providers.digitalocean.api import Api, ApiError, polls
from localengine.providers.schema import Field, Fields
from localengine.providers.waiting import Deadline

Found = dict[str, Any]
"""A resource as the API shows it."""

MINUTES = 60.0
LOST_AFTER = 10
"""What can't be found so many times in a row after it was made was given up by the cloud."""

TAG = Field(
    wrong=lambda tag: (
        None
        if re.fullmatch(r"[a-zA-Z0-9:_-]{1,255}", tag)
        else f"{tag!r} may hold letters, digits, : - _ only"
    )
)
TAGS = Field(kind="set", item=TAG, same=schema.same_words)


class Row:
    """A resource type whose objects live at `path` and come wrapped as `envelope`.

    What is here suits most types; the others override what they do differently. `known` is what is known of
    the resource from elsewhere: its wanted inputs, or the outputs of the state.
    """

    fields: ClassVar[Fields] = {}
    path = ""
    envelope = ""
    automatic_name = 255
    """The longest automatic name; 0 for types that are never named automatically."""
    schema_version = 0
    create_timeout = update_timeout = 60 * MINUTES
    delete_timeout = 10 * MINUTES
    unknown_after: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """The outputs that nobody can foretell when an input changes."""

    def wrong(self, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[CheckFailure]:
        """What is wrong with inputs that are right one by one."""
        del olds, inputs
        return []

    def make(self, api: Api, inputs: Mapping[str, Any], deadline: Deadline) -> tuple[str, Found]:
        """Make it; return its id. What takes longer is `settle`'s."""
        found = self.unwrap(api.post(self.path, self.body(inputs), deadline))
        return self.id_of(found), found

    def settle(self, api: Api, id: str, inputs: Mapping[str, Any], deadline: Deadline) -> Found:
        """Wait until it is what it should be, after it was made or changed; return it as it is then."""
        waits = polls(deadline, f"waiting for {self.path}/{id} to appear")
        for _ in range(LOST_AFTER):
            found = self.find(api, id, inputs)
            if found is not None:
                return found
            next(waits)
        raise ProviderError(f"{self.path}/{id} was made, but is not there")

    def find(self, api: Api, id: str, known: Mapping[str, Any]) -> Found | None:
        """Return it as it is now, or None where it is gone."""
        del known
        answer = api.find(f"{self.path}/{id}")
        return None if answer is None else self.unwrap(answer)

    def change(self, api: Api, id: str, found: Found, inputs: Mapping[str, Any], deadline: Deadline) -> None:
        """Make it what `inputs` want; `found` is how it is now."""
        del found
        api.put(f"{self.path}/{id}", self.body(inputs), deadline)

    def remove(self, api: Api, id: str, known: Mapping[str, Any], deadline: Deadline) -> None:
        """Remove it, and wait until it is gone. One that is gone already is no error."""
        del known
        api.delete(f"{self.path}/{id}", deadline)

    def body(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What is sent to make or change it."""
        return {_snake(name): value for name, value in inputs.items() if value is not None}

    def outputs(self, found: Found, known: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs that the API tells. All others stay as they are known."""
        del known
        return {name: found[_snake(name)] for name in self.fields if found.get(_snake(name)) is not None}

    def kept(self, name: str, value: Any) -> Any:
        """An input as the outputs hold it."""
        del name
        return value

    def from_id(self, id: str) -> tuple[str, dict[str, Any]]:
        """For a resource looked up by id alone: its id in the API, and what else the id tells."""
        return id, {}

    def unwrap(self, answer: Mapping[str, Any]) -> Found:
        """The object in an answer."""
        return dict(answer[self.envelope])

    def id_of(self, found: Found) -> str:
        """The id that the resource has in Pulumi."""
        return str(found["id"])


def retag(api: Api, kind: str, id: str, before: list[str], wanted: list[str], deadline: Deadline) -> None:
    """Take tags off a resource (`kind` is droplet or volume) and put others on it."""
    body = {"resources": [{"resource_id": id, "resource_type": kind}]}
    old, new = {tag.casefold(): tag for tag in before}, {tag.casefold(): tag for tag in wanted}
    for tag in old.keys() - new.keys():
        api.delete(f"v2/tags/{old[tag]}/resources", deadline, body)
    for tag in new.keys() - old.keys():
        api.post("v2/tags", {"name": new[tag]}, deadline)
        api.post(f"v2/tags/{new[tag]}/resources", body, deadline)


def retry_on(error: ApiError, statuses: tuple[int, ...], text: str = "") -> bool:
    """Whether an answer is one that only means: not yet."""
    return error.status in statuses and text in error.message


def is_known(value: Any) -> bool:
    """Whether a value is given, and not only later."""
    return value is not None and value is not UNKNOWN


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
