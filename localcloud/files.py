"""Files for a container's file system, and the tar archive that carries them there."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class File:
    """A file of root's at an absolute path, or a symbolic link where `link` is set."""

    path: str
    content: bytes = b""
    mode: int = 0o644
    link: str = ""


def pack(files: Iterable[File]) -> bytes:
    """A tar archive of the files for `/`, the same bytes for the same files.

    Directories get no entry of their own (the extractor makes those that are missing), so none that
    is there already changes its mode.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in sorted(files, key=lambda item: item.path):
            info = tarfile.TarInfo(str(PurePosixPath(file.path).relative_to("/")))
            info.mode = file.mode
            if file.link:
                info.type = tarfile.SYMTYPE
                info.linkname = file.link
                archive.addfile(info)
            else:
                info.size = len(file.content)
                archive.addfile(info, io.BytesIO(file.content))
    return buffer.getvalue()
