"""Asks git, never a person: every question answers at once, or with one line that says what is wrong."""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_QUIET = {
    # Nobody is there to type a password: a private repository without a key is an error, not a question.
    "GIT_TERMINAL_PROMPT": "0",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=15"


class GitError(Exception):
    """What git could not do, in one line."""


def is_url(repository: str) -> bool:
    """Whether a repository is named by a URL (https://, ssh://, git@host:path), not by a path."""
    if repository.startswith("file://"):
        return False
    return "://" in repository or re.match(r"^[\w.-]+@[\w.-]+:(?!/{2})", repository) is not None


def is_work_tree(folder: Path) -> bool:
    """Whether a folder is kept in git: at its top, or below it with files of its own."""
    try:
        run(["rev-parse", "--git-dir"], cwd=folder)
        return bool(run(["ls-tree", "HEAD", "--", "."], cwd=folder).strip()) or (folder / ".git").exists()
    except GitError as error:
        if "another user" in str(error):
            raise
        return (folder / ".git").exists()


def local_commit(folder: Path, revision: str) -> str:
    """The commit that a revision means in a work tree; a branch known only from its remote counts too."""
    for name in (revision, f"origin/{revision}"):
        try:
            return run(["rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"], cwd=folder).strip()
        except GitError:
            continue
    refs = {}
    for line in run(["for-each-ref", "--format=%(objectname) %(refname)"], cwd=folder).splitlines():
        sha, _, name = line.partition(" ")
        refs[name] = sha
    if revision == "HEAD":
        raise GitError(f"the git repository '{folder}' has no commit yet; commit the site's code first")
    names = near(refs, revision)
    raise GitError(
        f"revision '{revision}' is not in '{folder}'" + (f"; there are: {', '.join(names)}" if names else "")
    )


def is_dirty(folder: Path) -> bool:
    """Whether the work tree has changes that are not committed."""
    return bool(run(["status", "--porcelain", "--", "."], cwd=folder).strip())


def subject(folder: Path, sha: str) -> str:
    """The first line of a commit's message."""
    return run(["log", "-1", "--format=%s", sha], cwd=folder).strip()[:120]


def submodules(folder: Path, sha: str) -> list[str]:
    """The paths of a commit's submodules."""
    lines = run(["ls-tree", "-r", sha], cwd=folder).splitlines()
    return [line.partition("\t")[2] for line in lines if line.startswith("160000 ")]


def archive(folder: Path, sha: str) -> bytes:
    """A commit's files as a gzip-compressed tar; of a folder below the top, only what is in it."""
    argv = ["-c", "tar.tar.gz.command=gzip -c4n", "archive", "--format=tar.gz", sha]
    return _call(argv, cwd=folder).stdout


def remote_refs(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The branches and tags of a repository, name to commit (annotated tags resolved), and HEAD."""
    output = run(["ls-remote", "--", url], env=environment, url=url)
    refs: dict[str, str] = {}
    for line in output.splitlines():
        sha, _, name = line.partition("\t")
        refs[name.removesuffix("^{}")] = sha
    return refs


def pick(refs: Mapping[str, str], revision: str) -> str | None:
    """The commit that a revision names among a remote's refs: a branch, then a tag, then a (short) commit."""
    for name in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}"):
        if name in refs:
            return refs[name]
    if may_be_commit(revision):
        found = {sha for sha in refs.values() if sha.startswith(revision.lower())}
        if len(found) == 1:
            return found.pop()
    return None


def may_be_commit(revision: str) -> bool:
    """Whether a revision looks like a commit: 7 to 40 hexadecimal digits."""
    return re.fullmatch(r"[0-9a-fA-F]{7,40}", revision) is not None


def near(refs: Mapping[str, str], revision: str) -> list[str]:
    """Up to five branches and tags, those that look most like `revision` first."""
    names = [name.split("/", 2)[2] for name in refs if name.startswith(("refs/heads/", "refs/tags/"))]
    alike = difflib.get_close_matches(revision, names, n=5, cutoff=0.5)
    return (alike + [name for name in names if name not in alike])[:5]


def find_commit(url: str, revision: str, cache: Path, environment: Mapping[str, str]) -> str | None:
    """A commit that no branch or tag ends with, by its (short) hash; None where it does not exist."""
    named = f"{revision}^{{commit}}"
    with _store(url, cache) as store:
        try:
            return run(["rev-parse", "--verify", "--quiet", named], cwd=store).strip()
        except GitError:
            run(["fetch", "--quiet", "--tags", *_unshallow(store), url, "+refs/heads/*:refs/heads/*"],
                cwd=store, env=environment, url=url)  # fmt: skip
        try:
            return run(["rev-parse", "--verify", "--quiet", named], cwd=store).strip()
        except GitError:
            return None


def bring(url: str, sha: str, cache: Path, environment: Mapping[str, str]) -> Path:
    """Have a commit of a remote repository in the cache; returns the bare repository it is in."""
    with _store(url, cache) as store:
        if _has(store, sha):
            return store
        try:
            # Most servers give a single commit by its hash; the others, all that branches and tags hold.
            run(["fetch", "--quiet", "--depth=1", url, sha], cwd=store, env=environment, url=url)
        except GitError:
            run(["fetch", "--quiet", "--tags", url, "+refs/heads/*:refs/heads/*"],
                cwd=store, env=environment, url=url)  # fmt: skip
        if not _has(store, sha):
            raise GitError(f"commit {sha[:12]} is no longer in {url}")
        return store


def run(
    arguments: list[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    url: str | None = None,
) -> str:
    """Run git and return what it prints. Raises GitError."""
    return _call(arguments, cwd=cwd, env=env, url=url).stdout.decode("utf-8", "replace")


_PRIVATE = (
    "{url} can't be read: it does not exist, or it is private and no key was given "
    "(`config set --secret seatrial:deploy_key`, with its git@... URL)"
)
_UNREADABLE = (
    "could not read username",
    "authentication failed",
    "permission denied (publickey",
    "does not appear to be a git repository",
    "repository not exported",
    "could not read from remote",
    "not found",
    "http 404",
    "returned error: 404",
)
_MEANINGS = (
    (
        ("could not resolve host",),
        "{url} can't be reached: there is no such host, or no name resolution here",
    ),
    (
        ("connection refused", "timed out", "failed to connect", "couldn't connect", "no route to host"),
        "{url} can't be reached: its host does not answer",
    ),
    (("certificate",), "{url} can't be read: its certificate is not trusted by this machine"),
    (
        ("host key verification failed",),
        "the host key of {host} is not known here; check it, then: ssh-keyscan {host} >> ~/.ssh/known_hosts",
    ),
    (
        ("dubious ownership",),
        "the repository belongs to another user; allow it with: "
        "git config --global --add safe.directory {quoted}",
    ),
    (_UNREADABLE, _PRIVATE),
)


def explain(stderr: str, url: str | None) -> str:
    """One line for what git said."""
    lowered = " ".join(stderr.split()).lower()
    words = {
        "url": url or "the repository",
        "host": re.sub(r"^(\w+://)?([^@/]*@)?|[:/].*$", "", url or ""),
        "quoted": (re.search(r"'([^']+)'", stderr) or [stderr, "<path>"])[1],
    }
    for signs, meaning in _MEANINGS:
        if any(sign in lowered for sign in signs):
            return meaning.format(**words)
    lines = stderr.strip().splitlines()
    return f"git: {lines[-1] if lines else 'it failed without a word'}"


def _call(
    arguments: list[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    url: str | None = None,
) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, **_QUIET, "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", _SSH)}
    # A caller inside a git hook names its own repository to every git it starts.
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        environment.pop(name, None)
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env={**environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=600,
        )
    except FileNotFoundError:
        raise GitError(
            "git is not installed on this machine; install it (Debian: apt-get install git)"
        ) from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git did not finish within 10 minutes ({url or arguments[0]})") from None
    except subprocess.CalledProcessError as error:
        raise GitError(explain(error.stderr.decode("utf-8", "replace"), url)) from None


@contextmanager
def _store(url: str, cache: Path) -> Iterator[Path]:
    """The bare repository that keeps what was fetched from a URL, for one process at a time.

    Two stacks that go up at once fetch the same site, and git fails where it finds another one at it.
    """
    store = cache / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.git"
    store.mkdir(parents=True, exist_ok=True)
    with store.with_suffix(".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not (store / "HEAD").is_file():
            run(["init", "--quiet", "--bare", "."], cwd=store)
        yield store


def _unshallow(store: Path) -> list[str]:
    return ["--unshallow"] if (store / "shallow").is_file() else []


def _has(store: Path, sha: str) -> bool:
    try:
        run(["cat-file", "-e", f"{sha}^{{commit}}"], cwd=store)
    except GitError:
        return False
    return True
