# ruff: noqa: ARG002 - the seam's methods have more parameters than a file needs
"""A provider of real things for the engine's tests: each resource is a JSON file in one folder.

Inputs steer it: `name` (a change replaces), `text` (a change updates), `first` (replaced by deleting the old
one first), `fail` (what to fail at), `slow` (seconds to take), `meet` (how many creations must be under way
at once). Run as a program it is the engine's command line with this provider.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localengine.cli import main
from localengine.provider import (
    UNKNOWN,
    CheckFailure,
    CheckFailures,
    Diff,
    Log,
    PartialFailure,
    Provider,
    ProviderError,
    current_urn,
)

FILE = "files:index:File"


class Files:
    """Makes files; writes down every call in `calls` of its folder."""

    package = "files"
    version = "1.0.0"

    def __init__(self, log: Log, cancel: threading.Event, meeting: threading.Barrier) -> None:
        self.log = log
        self.cancel = cancel
        self.meeting = meeting
        self.folder = Path()

    def types(self) -> frozenset[str]:
        return frozenset({FILE})

    def invokes(self) -> frozenset[str]:
        return frozenset({"files:index:look"})

    def configure(self, inputs: dict[str, Any]) -> None:
        self.folder = Path(inputs.get("folder") or os.environ["FILES_FOLDER"])

    def check(self, type: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        failures = [
            CheckFailure(key, "only small letters are allowed")
            for key in ("name", "text")
            if isinstance(news.get(key), str) and news[key] != news[key].lower()
        ]
        if failures:
            raise CheckFailures(failures)
        return {"name": olds.get("name") or current_urn().rpartition("::")[2], **news}

    def diff(
        self,
        type: str,
        id: str,
        old_inputs: dict[str, Any],
        old_outputs: dict[str, Any],
        news: dict[str, Any],
    ) -> Diff:
        changed = tuple(key for key in {**old_inputs, **news} if old_inputs.get(key) != news.get(key))
        replaces = tuple(key for key in changed if key in ("name", "under"))
        return Diff(changed, replaces, bool(news.get("first")))

    def _note(self, verb: str, id: str) -> None:
        with (self.folder / "calls").open("a") as file:
            file.write(f"{verb} {id}\n")

    def _write(self, id: str, news: dict[str, Any]) -> dict[str, Any]:
        (self.folder / f"{id}.json").write_text(json.dumps(news))
        return {**news, "path": f"{id}.json", "size": len(str(news.get("text", "")))}

    def _act(self, verb: str, news: dict[str, Any]) -> None:
        if news.get("meet"):
            self.meeting.wait(timeout=20)
        for _ in range(int(float(news.get("slow", 0)) * 20)):
            time.sleep(0.05)
        for line in news.get("say") or ():
            self.log("", line)
        if news.get("fail") == verb:
            raise ProviderError(f"the disk said no to {news.get('text', 'this')}")

    def create(
        self, type: str, news: dict[str, Any], *, preview: bool, timeout: float | None
    ) -> tuple[str, dict[str, Any]]:
        if preview:
            return "", {**news, "path": UNKNOWN, "size": UNKNOWN}
        self._note("create-begin", news["name"])
        self._act("create", news)
        number = len(list(self.folder.glob(f"{news['name']}*.json")))
        id = f"{news['name']}-{number}" if number else news["name"]
        outputs = self._write(id, news)
        self._note("create", id)
        if news.get("fail") == "half":
            raise PartialFailure(id, outputs, ["the disk is slow"])
        return id, outputs

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
        if preview:
            return {**old_outputs, **news, "size": UNKNOWN}
        self._note("update", id)
        self._act("update", news)
        return self._write(id, news)

    def read(
        self, type: str, id: str, inputs: dict[str, Any], outputs: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        file = self.folder / f"{id}.json"
        if not file.exists():
            return None
        found = json.loads(file.read_text())
        return found, {**found, "path": file.name, "size": len(str(found.get("text", "")))}

    def delete(
        self, type: str, id: str, inputs: dict[str, Any], outputs: dict[str, Any], *, timeout: float | None
    ) -> None:
        self._act("delete", inputs)
        (self.folder / f"{id}.json").unlink(missing_ok=True)
        self._note("delete", id)

    def invoke(self, token: str, args: dict[str, Any]) -> dict[str, Any]:
        file = self.folder / f"{args['id']}.json"
        if not file.exists():
            raise ProviderError(f"there is no file {args['id']!r}")
        return dict(json.loads(file.read_text()))

    def secret_outputs(self, type: str) -> frozenset[str]:
        return frozenset()


class Loader:
    """Loads the provider as the engine loads its own."""

    def __init__(self) -> None:
        self._meeting = threading.Barrier(2)

    def __call__(self, log: Log, cancel: threading.Event) -> Mapping[str, Provider]:
        return {"files": Files(log, cancel, self._meeting)}


if __name__ == "__main__":
    sys.exit(main(load=Loader()))
