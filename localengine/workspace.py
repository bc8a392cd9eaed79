"""Opening a project and a stack: its files, its secrets, its state, its lock."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localengine import backend as backends
from localengine import config
from localengine.backend import Backend, Lock, Serializer
from localengine.config import Setting, StackFile
from localengine.errors import EngineError
from localengine.project import Project
from localengine.secrets import Secrets, passphrase_from
from localengine.state import Json, Operation, Resource, State
from localengine.urn import STACK_TYPE
from localengine.values import Properties

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass
class Workspace:
    """A project, and where its stacks are kept."""

    project: Project
    backend: Backend
    environment: Mapping[str, str]

    @classmethod
    def find(cls, folder: Path, environment: Mapping[str, str]) -> Workspace:
        """Find the project that `folder` lies in. Raises EngineError where there is none."""
        project = Project.find(folder)
        root = backends.root_from(environment, project.folder)
        return cls(project, Backend(root, project.name), environment)

    def name(self, given: str | None) -> str:
        """Return the stack's name: the one given, PULUMI_STACK, or the only one there is.

        Raises EngineError where none can be told.
        """
        stacks = self.backend.stacks()
        name = given or self.environment.get("PULUMI_STACK") or (stacks[0] if len(stacks) == 1 else "")
        if not name:
            known = f" ({', '.join(stacks)})" if stacks else ""
            raise EngineError(f"which stack? Name it with --stack{known}")
        name = name.rpartition("/")[2]
        if not _NAME.fullmatch(name):
            raise EngineError(
                f"stack name {name!r}: letters, digits, dots, dashes and underscores only, at most 100"
            )
        return name

    def open(self, name: str, config_file: Path | None, *, create: bool = False) -> Stack:
        """Open the stack. Raises EngineError where it is damaged, or missing without `create`."""
        file = StackFile(config_file or self.project.folder / f"Pulumi.{name}.yaml", self.project.name)
        if config_file is not None and not config_file.exists():
            raise EngineError(f"--config-file {config_file}: there is no such file")
        missing = create and not self.backend.exists(name)
        checkpoint = {} if missing else self.backend.read(name)
        passphrase = passphrase_from(self.environment)
        salt = backends.salt_of(checkpoint)
        own = Secrets(passphrase, file.salt or salt)
        theirs = own if salt in ("", own.state) else Secrets(passphrase, salt)
        return Stack(self, name, file, own, theirs, checkpoint)

    def outputs_of(self, full_name: str) -> Properties:
        """Return another stack's outputs (`stack`, or `organization/project/stack`), secrets marked.

        Raises EngineError where there is no such stack.
        """
        parts = full_name.split("/")
        project = parts[1] if len(parts) == 3 else self.project.name
        backend = Backend(self.backend.root, project)
        checkpoint = backend.read(parts[-1])
        secrets = Secrets(passphrase_from(self.environment), backends.salt_of(checkpoint))
        return outputs_of(backends.from_checkpoint(checkpoint, secrets).resources)


def outputs_of(resources: Sequence[Resource]) -> Properties:
    """Return the outputs of the stack that `resources` make up."""
    return next((item.outputs for item in resources if item.type == STACK_TYPE), {})


class Stack:
    """One stack: its configuration and its state."""

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        file: StackFile,
        secrets: Secrets,
        state_secrets: Secrets,
        checkpoint: Mapping[str, Json],
    ) -> None:
        """`secrets` encrypts from now on; `state_secrets` is what the state on disk is encrypted with."""
        self.workspace = workspace
        self.name = name
        self.file = file
        self.secrets = secrets
        self._state_secrets = state_secrets
        self._checkpoint = checkpoint
        self._serializer = Serializer(secrets)
        self._written = False
        self._latest: Json = checkpoint.get("latest")

    def settings(self) -> dict[str, Setting]:
        """The configuration, whole. Raises EngineError naming everything wrong with it."""
        return config.load(self.workspace.project, self.file, self.secrets)

    def state(self) -> State:
        """The state as it was when the stack was opened."""
        return backends.from_checkpoint(self._checkpoint, self._state_secrets)

    def reload(self) -> State:
        """The state as it is now, for a run that has taken the lock."""
        backend = self.workspace.backend
        if backend.exists(self.name):
            self._checkpoint = backend.read(self.name)
            self._latest = self._checkpoint.get("latest")
        else:
            self.save((), ())
        return self.state()

    def save(self, resources: Sequence[Resource], pending: Sequence[Operation]) -> None:
        """Write the state; the first write of a run keeps the file before it as `.bak`."""
        serialized = [self._serializer(item) for item in resources]
        operations = [{"resource": self._serializer(item.resource), "type": item.kind} for item in pending]
        metadata = (self._checkpoint.get("latest") or {}).get("metadata") or {}
        self._latest = backends.to_latest(serialized, operations, self.secrets.state, metadata)
        self.workspace.backend.write(self.name, self._latest, backup=not self._written)
        self._written = True

    def record(self, history: Mapping[str, Json]) -> None:
        """Add a finished run to the history."""
        self.workspace.backend.record(self.name, history, self._latest)

    @contextlib.contextmanager
    def locked(self) -> Iterator[tuple[Path, list[Lock]]]:
        """Hold the stack's lock; gives its file, and the abandoned locks that were in the way.

        Raises EngineError where another run holds it.
        """
        path, abandoned = self.workspace.backend.lock(self.name)
        try:
            yield path, abandoned
        finally:
            path.unlink(missing_ok=True)
