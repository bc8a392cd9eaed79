"""The file backend: where stacks, their history and their locks are kept, in the official layout."""

from __future__ import annotations

import getpass
import gzip
import hashlib
import json
import os
import socket
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from localengine import state
from localengine.errors import EngineError
from localengine.secrets import Secrets
from localengine.state import Json, Operation, Resource, State

VERSION = "v3.272.0"
ORGANIZATION = "organization"
_SUPPORTED = (3, 4)
_COMPRESSED = (".gz", ".zst")


def root_from(environment: Mapping[str, str], project_folder: Path) -> Path:
    """Return the folder that PULUMI_BACKEND_URL names (`file://...`), or the project's own.

    Raises EngineError for any other kind of backend.
    """
    url = environment.get("PULUMI_BACKEND_URL", "")
    if not url:
        return project_folder / ".seatrial" / "pulumi"
    scheme, separator, path = url.partition("://")
    if not separator or scheme != "file":
        raise EngineError(f"PULUMI_BACKEND_URL: the local engine knows file://<folder> only, not {url!r}")
    return (project_folder / Path(unquote(path.partition("?")[0])).expanduser()).resolve()


def now() -> str:
    """The time as state files have it: RFC 3339, UTC, microseconds."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def write_whole(path: Path, text: str) -> None:
    """Replace the file's content so that a reader, or a crash, sees the old or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _compressed(file: Path) -> list[Path]:
    """The other names a state file has where the CLI has compressed it."""
    return [file.with_name(file.name + suffix) for suffix in _COMPRESSED]


@dataclass(frozen=True)
class Lock:
    """Who holds a stack, and since when."""

    path: Path
    pid: int
    user: str
    host: str
    since: str

    @property
    def abandoned(self) -> bool:
        """Whether its holder ran on this machine and lives no more."""
        if self.host != socket.gethostname():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    def __str__(self) -> str:
        return f"process {self.pid} of {self.user}@{self.host}, since {self.since}"


class Backend:
    """Stacks of one project in one folder."""

    def __init__(self, root: Path, project: str) -> None:
        self.root = root
        self.project = project
        self._base = root / ".pulumi"

    def _stack_file(self, stack: str) -> Path:
        return self._base / "stacks" / self.project / f"{stack}.json"

    def stacks(self) -> list[str]:
        """The names of the project's stacks, sorted."""
        folder = self._base / "stacks" / self.project
        found = [path.name for suffix in ("", *_COMPRESSED) for path in folder.glob(f"*.json{suffix}")]
        return sorted({name.rpartition(".json")[0] for name in found if not name.startswith(".")})

    def exists(self, stack: str) -> bool:
        """Say whether the stack has been created."""
        return stack in self.stacks()

    def read(self, stack: str) -> dict[str, Json]:
        """Return the newest checkpoint file's `checkpoint` part. Raises EngineError where there is none."""
        file = self._stack_file(stack)
        found = [path for path in (file, *_compressed(file)) if path.exists()]
        if not found:
            known = ", ".join(self.stacks()) or "none yet"
            raise EngineError(f"no stack named {stack!r} found (stacks of {self.project}: {known})")
        newest = max(found, key=lambda path: path.stat().st_mtime_ns)
        if newest.suffix == ".zst":
            raise EngineError(f"{newest}: the local engine cannot read zstd-compressed state")
        try:
            raw = gzip.decompress(newest.read_bytes()) if newest.suffix == ".gz" else newest.read_bytes()
            document = json.loads(raw)
            version, checkpoint = document["version"], document["checkpoint"]
        except (ValueError, KeyError, OSError) as error:
            raise EngineError(
                f"{newest} is damaged ({error}); the write before it is in {file.name}.bak"
            ) from None
        if version not in _SUPPORTED or document.get("features"):
            raise EngineError(
                f"{newest} needs a newer engine (checkpoint version {version}): use the pulumi CLI"
            )
        return dict(checkpoint)

    def write(self, stack: str, latest: Json, *, backup: bool = True) -> None:
        """Replace the stack's checkpoint; the file before stays as `.bak`."""
        file = self._stack_file(stack)
        if backup and file.exists():
            # A second name, then a rename: there is no moment without the file.
            second = file.with_name(f".{file.name}.{os.getpid()}.bak")
            second.unlink(missing_ok=True)
            second.hardlink_to(file)
            second.replace(file.with_name(file.name + ".bak"))
        write_whole(file, self._checkpoint_text(stack, latest))
        for other in _compressed(file):
            # What the CLI wrote compressed is older now, and would be a second stack of the same name to it.
            if other.exists():
                other.replace(other.with_name(other.name + ".bak"))
        meta = self._base / "meta.yaml"
        if not meta.exists():
            write_whole(meta, "version: 1\n")

    def _checkpoint_text(self, stack: str, latest: Json) -> str:
        checkpoint = {"stack": f"{ORGANIZATION}/{self.project}/{stack}", "latest": latest}
        return json.dumps({"version": 3, "checkpoint": checkpoint}, indent=4) + "\n"

    def remove(self, stack: str) -> None:
        """Forget the stack: its checkpoint goes, history and backups stay."""
        file = self._stack_file(stack)
        for path in (file, *_compressed(file)):
            path.unlink(missing_ok=True)
            path.with_name(path.name + ".bak").unlink(missing_ok=True)

    def record(self, stack: str, history: Mapping[str, Json], latest: Json) -> None:
        """Add one finished run to the stack's history, with the state it left."""
        stamp = time.time_ns()
        folder = self._base / "history" / self.project / stack
        write_whole(folder / f"{stack}-{stamp}.history.json", json.dumps(history, indent=4))
        text = self._checkpoint_text(stack, latest)
        write_whole(folder / f"{stack}-{stamp}.checkpoint.json", text)
        write_whole(self._base / "backups" / self.project / stack / f"{stack}.{stamp}.json", text)

    def locks(self, stack: str) -> list[Lock]:
        """Return the locks that lie on the stack."""
        found = []
        for path in sorted(self._lock_folder(stack).glob("*.json")):
            try:
                data = json.loads(path.read_text())
                found.append(
                    Lock(path, int(data["pid"]), data["username"], data["hostname"], data["timestamp"])
                )
            except FileNotFoundError:
                continue
            except (ValueError, KeyError):
                found.append(Lock(path, 0, "unknown", "unknown", "unknown"))
        return found

    def _lock_folder(self, stack: str) -> Path:
        return self._base / "locks" / ORGANIZATION / self.project / stack

    def lock(self, stack: str) -> tuple[Path, list[Lock]]:
        """Take the stack; return the lock's file and the abandoned locks that were removed for it.

        Raises EngineError where someone else holds it.
        """
        path = self._lock_folder(stack) / f"{uuid.uuid4()}.json"
        own = {
            "pid": os.getpid(),
            "username": getpass.getuser(),
            "hostname": socket.gethostname(),
            "timestamp": now(),
        }
        write_whole(path, json.dumps(own))
        others = [lock for lock in self.locks(stack) if lock.path != path]
        holders = [lock for lock in others if not lock.abandoned]
        if holders:
            path.unlink(missing_ok=True)
            lines = "; ".join(str(lock) for lock in holders)
            raise EngineError(
                f"the stack {stack!r} is locked by {lines}: wait for it to end, or free the stack with "
                f"`python -m localengine cancel -s {stack}`"
            )
        for lock in others:
            lock.path.unlink(missing_ok=True)
        return path, others

    def cancel(self, stack: str) -> list[Lock]:
        """Remove every lock on the stack; return them."""
        locks = self.locks(stack)
        for lock in locks:
            lock.path.unlink(missing_ok=True)
        return locks


def to_latest(resources: list[Json], pending: list[Json], salt: str, metadata: Mapping[str, Json]) -> Json:
    """Put serialized resources and operations together to a checkpoint's `latest`."""
    manifest = {"time": now(), "magic": hashlib.sha256(VERSION.encode()).hexdigest(), "version": VERSION}
    latest: dict[str, Any] = {"manifest": manifest}
    if salt:
        latest["secrets_providers"] = {"type": "passphrase", "state": {"salt": salt}}
    if resources:
        latest["resources"] = resources
    if pending:
        latest["pending_operations"] = pending
    latest["metadata"] = dict(metadata)
    return latest


def salt_of(checkpoint: Mapping[str, Json]) -> str:
    """Return the salt the checkpoint's secrets are made with, or "".

    Raises EngineError where they are not the passphrase manager's.
    """
    provider = (checkpoint.get("latest") or {}).get("secrets_providers") or {}
    kind = provider.get("type", "passphrase")
    if kind != "passphrase":
        raise EngineError(
            f"the stack's secrets are kept by {kind!r}; the local engine knows passphrases only"
        )
    return str((provider.get("state") or {}).get("salt") or "")


def from_checkpoint(checkpoint: Mapping[str, Json], secrets: Secrets) -> State:
    """Read a checkpoint's resources and pending operations."""
    latest = checkpoint.get("latest") or {}
    return State(
        resources=tuple(state.from_json(item, secrets.decrypt) for item in latest.get("resources") or ()),
        pending=tuple(
            Operation(state.from_json(item["resource"], secrets.decrypt), item["type"])
            for item in latest.get("pending_operations") or ()
        ),
        metadata=latest.get("metadata") or {},
    )


class Serializer:
    """Serializes resources, each one once for as long as it stays the same."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._done: dict[int, tuple[Resource, Json]] = {}

    def __call__(self, resource: Resource) -> Json:
        known = self._done.get(id(resource))
        if known and known[0] is resource:
            return known[1]
        data = state.to_json(resource, self._secrets.encrypt)
        self._done[id(resource)] = (resource, data)
        return data
