"""Where a site's code comes from: a git repository by URL, a git work tree, or a plain folder."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from provisioning import deploykey, git

CACHE = Path(".seatrial") / "repositories"
_CHUNK = 256 * 1024
# What a plain folder holds beside its code; in a git repository, .gitignore says it.
_LEFT_OUT = {
    ".git",
    ".hg",
    ".svn",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    ".seatrial",
    ".tox",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".idea",
}


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One state of a site's code: `sha` is a git commit, or the digest of a plain folder's content."""

    sha: str
    subject: str
    dirty: bool = False
    """Whether a work tree has changes that are not in the commit, and so do not go."""


class SourceError(Exception):
    """The code can't be had: what is wrong, and what to do, in one line."""


def resolve(
    repository: str, revision: str = "HEAD", *, deploy_key: str | None = None, cache: Path = CACHE
) -> Commit:
    """Turn a branch, tag or (short) commit into the exact commit. Raises SourceError.

    For a URL the commit is brought into `cache`, so that `archive` needs no second trip.
    """
    try:
        path = _local(repository)
        if path is None:
            return _resolve_remote(repository, revision or "HEAD", deploy_key, cache)
        if not git.is_work_tree(path):
            if revision not in ("", "HEAD"):
                raise SourceError(
                    f"'{repository}' is a plain folder, no git repository: it has no revision '{revision}'; "
                    "leave seatrial:revision out"
                )
            digest = _folder_digest(path)
            return Commit(sha=digest, subject=f"folder {path.resolve().name}")
        sha = git.local_commit(path, revision or "HEAD")
        return Commit(sha=sha, subject=git.subject(path, sha), dirty=git.is_dirty(path))
    except (git.GitError, deploykey.KeyRefused) as error:
        raise SourceError(str(error)) from None


def archive(
    repository: str, commit: str, *, deploy_key: str | None = None, cache: Path = CACHE
) -> Iterator[bytes]:
    """The code of a commit as a gzip-compressed tar, in pieces. Raises SourceError before the first piece."""
    try:
        path = _local(repository)
        if path is not None and not git.is_work_tree(path):
            if _folder_digest(path) != commit:
                raise SourceError(
                    f"'{repository}' was changed while it was being released; run `make up` again"
                )
            return _pieces(_folder_archive(path))
        if path is None:
            with _key(deploy_key) as environment:
                path = git.bring(repository, commit, cache, environment)
        modules = git.submodules(path, commit)
        if modules:
            raise SourceError(
                f"the repository has submodules ({', '.join(modules[:3])}), which are not supported: "
                "put their content into the repository itself, or install it as a package"
            )
        return _pieces(git.archive(path, commit))
    except (git.GitError, deploykey.KeyRefused) as error:
        raise SourceError(str(error)) from None


def _local(repository: str) -> Path | None:
    """The path that a repository setting means on this machine; None for a URL."""
    if git.is_url(repository):
        return None
    path = Path(repository.removeprefix("file://")).expanduser()
    if not path.is_dir():
        raise SourceError(
            f"there is no folder '{repository}' on this machine; "
            "seatrial:repository is a git URL (https://..., git@host:path) or a path that exists"
        )
    return path


def _resolve_remote(url: str, revision: str, deploy_key: str | None, cache: Path) -> Commit:
    with _key(deploy_key) as environment:
        refs = git.remote_refs(url, environment)
        sha = git.pick(refs, revision)
        if sha is None and git.may_be_commit(revision):
            sha = git.find_commit(url, revision, cache, environment)
        if sha is None:
            near = git.near(refs, revision)
            raise SourceError(
                f"revision '{revision}' is not in {url}; "
                + (f"there are: {', '.join(near)}" if near else "it has no branches or tags yet")
            )
        store = git.bring(url, sha, cache, environment)
    return Commit(sha=sha, subject=git.subject(store, sha))


def _key(deploy_key: str | None) -> deploykey.Agent | nullcontext[dict[str, str]]:
    return deploykey.Agent(deploy_key) if deploy_key else nullcontext({})


def _folder_files(folder: Path) -> list[Path]:
    found = []
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if (
            not _LEFT_OUT & set(inner.parts)
            and path.suffix != ".pyc"
            and (path.is_file() or path.is_symlink())
        ):
            found.append(path)
    if not found:
        raise SourceError(f"the folder '{folder}' is empty")
    return found


def _folder_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in _folder_files(folder):
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        digest.update(f"{path.relative_to(folder)}\0{len(content)}\0{_mode(path):o}\0".encode() + content)
    return digest.hexdigest()[:40]


def _mode(path: Path) -> int:
    return 0o755 if path.lstat().st_mode & 0o100 else 0o644


def _folder_archive(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=4) as tar:
        for path in _folder_files(folder):
            entry = tar.gettarinfo(path, arcname=str(path.relative_to(folder)))
            entry.mode, entry.uid, entry.gid, entry.uname, entry.gname = _mode(path), 0, 0, "", ""
            if entry.isreg():
                with path.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)
    return buffer.getvalue()


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK))
