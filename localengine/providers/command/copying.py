"""Files and folders for a host: `command:remote:CopyToRemote`, over SFTP."""

from __future__ import annotations

import contextlib
import hashlib
import io
import posixpath
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from localengine.provider import UNKNOWN, Archive, Asset, CheckFailure, CheckFailures, ProviderError
from localengine.providers.command import connection
from localengine.providers.command.remote import CONNECTION
from localengine.providers.schema import Field, Fields
from localengine.providers.waiting import Deadline

if TYPE_CHECKING:
    from paramiko import SFTPClient

FIELDS: Fields = {
    "connection": CONNECTION,
    "remotePath": Field(required=True),
    "source": Field(kind="asset", required=True),
    "triggers": Field(kind="list", replaces=True),
}


def hashed(source: Any) -> Any:
    """The source with a digest of what it holds now, so that a changed file is a changed input.

    Raises CheckFailures where it can't be read.
    """
    if source is UNKNOWN or source.hash or (isinstance(source, Archive) and source.kind == "assets"):
        return source
    if source.kind == "text":
        return Asset("text", source.content, hashlib.sha256(source.content.encode()).hexdigest())
    if source.kind == "uri":
        raise CheckFailures([CheckFailure("source", "the local engine copies files and text only, no URI")])
    path = Path(source.content)
    try:
        return type(source)("path", source.content, _folder_digest(path) if path.is_dir() else _digest(path))
    except OSError as error:
        raise CheckFailures([CheckFailure("source", f"can't read {path}: {error.strerror}")]) from None


def copy(inputs: Mapping[str, Any], deadline: Deadline, log: Callable[[str], None]) -> None:
    """Copy the source to `remotePath`. Raises ProviderError.

    A folder that exists there takes the source in under its own name; missing folders are made. The name of
    a source folder that ends in / means what is in it.
    """
    target = str(inputs["remotePath"])
    with connection.connect(inputs["connection"], deadline, log) as client, client.open_sftp() as sftp:
        try:
            _copy(sftp, inputs["source"], target, deadline)
        except OSError as error:
            raise ProviderError(f"copying to {target}: {error.strerror or error}") from None


def _copy(sftp: SFTPClient, source: Asset | Archive, target: str, deadline: Deadline) -> None:
    if isinstance(source, Archive) and source.kind == "assets":
        for name, member in source.content.items():
            _make_folder(sftp, posixpath.dirname(posixpath.join(target, name)))
            _copy(sftp, member, posixpath.join(target, name), deadline)
        return
    if source.kind == "text":
        if _is_folder(sftp, target):
            raise ProviderError(f"remotePath: {target} is a folder on the host; text needs a file's name")
        _write(sftp, io.BytesIO(source.content.encode()), target, deadline)
        return
    path = Path(source.content)
    if path.is_dir():
        inside = str(source.content).endswith("/")
        _copy_folder(sftp, path, target if inside else posixpath.join(target, path.name), deadline)
        return
    with path.open("rb") as file:
        _write(
            sftp, file, posixpath.join(target, path.name) if _is_folder(sftp, target) else target, deadline
        )


def _copy_folder(sftp: SFTPClient, folder: Path, target: str, deadline: Deadline) -> None:
    _make_folder(sftp, target)
    for path in _files(folder):
        with path.open("rb") as file:
            _write(sftp, file, posixpath.join(target, path.relative_to(folder).as_posix()), deadline)


def _write(sftp: SFTPClient, file: BinaryIO, target: str, deadline: Deadline) -> None:
    deadline.check(f"copying {target}")
    _make_folder(sftp, posixpath.dirname(target))
    sftp.putfo(file, target, confirm=True)


def _make_folder(sftp: SFTPClient, folder: str) -> None:
    if folder in ("", "/") or _is_folder(sftp, folder):
        return
    _make_folder(sftp, posixpath.dirname(folder))
    with contextlib.suppress(FileExistsError):
        sftp.mkdir(folder)


def _is_folder(sftp: SFTPClient, path: str) -> bool:
    try:
        return stat.S_ISDIR(sftp.stat(path).st_mode or 0)
    except FileNotFoundError:
        return False


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder_digest(folder: Path) -> str:
    lines = [f"{path.relative_to(folder).as_posix()}\0{_digest(path)}\n" for path in _files(folder)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
