"""Where the code comes from: every kind of source, and what a wrong one is told."""

from __future__ import annotations

import io
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from provisioning import source
from provisioning.source import SourceError


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ana", "-c", "user.email=ana@example.test"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "work" / "shop.git"
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "manage.py").write_text("first")
    (folder / "site").mkdir()
    (folder / "site" / "urls.py").write_text("urls")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "First")
    git(folder, "tag", "-a", "v1", "-m", "one")
    git(folder, "checkout", "--quiet", "-b", "feature/search")
    (folder / "manage.py").write_text("second")
    git(folder, "commit", "--quiet", "-am", "Second: with search")
    git(folder, "checkout", "--quiet", "main")
    return folder


@pytest.fixture
def served(repository: Path) -> Iterator[str]:
    """The repository's URL at a real git server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = repository.parent
    program = Path(git(repository, "--exec-path")) / "git-daemon"
    daemon = subprocess.Popen(
        [program, "--export-all", "--listen=127.0.0.1", f"--port={port}", f"--base-path={base}", base],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"git://127.0.0.1:{port}/shop.git"
    finally:
        daemon.terminate()
        daemon.wait()


def names(archive: Iterator[bytes]) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive)), mode="r:gz") as tar:
        found = {}
        for entry in tar.getmembers():
            content = tar.extractfile(entry) if entry.isfile() else None
            if content:
                found[entry.name] = content.read().decode()
        return found


@pytest.mark.parametrize("revision", ["HEAD", "main", "v1", "refs/heads/main"])
def test_a_branch_or_tag_of_a_url_is_turned_into_its_commit(
    repository: Path, served: str, tmp_path: Path, revision: str
) -> None:
    commit = source.resolve(served, revision, cache=tmp_path / "cache")
    assert commit.sha == git(repository, "rev-parse", "main")
    assert commit.subject == "First"
    assert not commit.dirty


def test_a_commit_of_a_url_is_found_by_its_full_and_by_its_short_hash(
    repository: Path, served: str, tmp_path: Path
) -> None:
    tip = git(repository, "rev-parse", "feature/search")
    old = git(repository, "rev-parse", "main")
    git(repository, "commit", "--quiet", "--allow-empty", "-m", "Third")
    for sha in (tip, old):
        for revision in (sha, sha[:9]):
            assert source.resolve(served, revision, cache=tmp_path / "cache").sha == sha


def test_the_archive_of_a_url_is_the_exact_commit(repository: Path, served: str, tmp_path: Path) -> None:
    commit = source.resolve(served, "feature/search", cache=tmp_path / "cache")
    assert commit.subject == "Second: with search"
    files = names(source.archive(served, commit.sha, cache=tmp_path / "other cache"))
    assert files == {"manage.py": "second", "site/urls.py": "urls"}
    assert git(repository, "rev-parse", "HEAD") != commit.sha


def test_two_stacks_that_take_the_same_site_at_once_do_not_disturb_each_other(
    repository: Path, served: str, tmp_path: Path
) -> None:
    for number in range(6):
        git(repository, "commit", "--quiet", "--allow-empty", "-m", str(number))
    commits = git(repository, "log", "--format=%H").split()

    def take(commit: str) -> str:
        return names(source.archive(served, commit, cache=tmp_path / "cache"))["manage.py"]

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(take, commits)) == {"first"}


def test_a_revision_that_is_not_there_is_named_with_those_that_look_like_it(
    served: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=r"'feature/serach' is not in .*there are: feature/search"):
        source.resolve(served, "feature/serach", cache=tmp_path / "cache")
    with pytest.raises(SourceError, match="'deadbeef' is not in"):
        source.resolve(served, "deadbeef", cache=tmp_path / "cache")


def test_a_repository_that_is_not_there_is_told_in_one_line(served: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist, or it is private") as told:
        source.resolve(served.replace("shop", "no-shop"), cache=tmp_path / "cache")
    assert "\n" not in str(told.value)


def test_a_private_repository_without_a_key_is_an_error_and_not_a_question(tmp_path: Path) -> None:
    class Private(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Private)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/ana/shop.git"
        with pytest.raises(SourceError, match=r"private and no key was given .*deploy_key"):
            source.resolve(url, cache=tmp_path / "cache")
    finally:
        server.shutdown()
        server.server_close()


def test_a_host_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="its host does not answer"):
        source.resolve("http://127.0.0.1:9/shop.git", cache=tmp_path / "cache")


def test_git_that_is_missing_is_told(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="git is not installed on this machine"):
        source.resolve(str(repository))


def test_a_work_tree_gives_its_commit_and_says_what_does_not_go(repository: Path) -> None:
    assert not source.resolve(str(repository)).dirty
    (repository / "manage.py").write_text("not committed")
    commit = source.resolve(str(repository))
    assert commit.dirty
    assert names(source.archive(str(repository), commit.sha))["manage.py"] == "first"


def test_a_folder_below_the_top_of_a_work_tree_goes_alone(repository: Path) -> None:
    commit = source.resolve(str(repository / "site"))
    assert names(source.archive(str(repository / "site"), commit.sha)) == {"urls.py": "urls"}


def test_a_work_tree_names_its_revisions_where_one_is_wrong(repository: Path) -> None:
    with pytest.raises(SourceError, match=r"'v2' is not in .*there are: .*v1"):
        source.resolve(str(repository), "v2")


def test_a_work_tree_without_a_commit_is_told(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(SourceError, match="has no commit yet"):
        source.resolve(str(tmp_path))


def test_submodules_are_refused_by_name(repository: Path) -> None:
    sha = git(repository, "rev-parse", "HEAD")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{sha},vendor/theme")
    git(repository, "commit", "--quiet", "-m", "A submodule")
    with pytest.raises(SourceError, match=r"submodules \(vendor/theme\)"):
        source.archive(str(repository), source.resolve(str(repository)).sha)


def test_a_plain_folder_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    (folder / "shop").mkdir(parents=True)
    (folder / "manage.py").write_text("plain")
    (folder / "shop" / "urls.py").write_text("urls")
    before = source.resolve(str(folder))
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "manage.pyc").write_bytes(b"x")
    (folder / ".venv").mkdir()
    (folder / ".venv" / "big").write_text("x")
    assert source.resolve(str(folder)) == before
    assert names(source.archive(str(folder), before.sha)) == {"manage.py": "plain", "shop/urls.py": "urls"}
    (folder / "manage.py").write_text("changed")
    assert source.resolve(str(folder)).sha != before.sha
    with pytest.raises(SourceError, match="was changed while it was being released"):
        source.archive(str(folder), before.sha)


def test_a_plain_folder_has_no_revisions(tmp_path: Path) -> None:
    (tmp_path / "manage.py").write_text("plain")
    with pytest.raises(SourceError, match="plain folder, no git repository: it has no revision 'main'"):
        source.resolve(str(tmp_path), "main")


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no folder '.*nowhere' on this machine"):
        source.resolve(str(tmp_path / "nowhere"))
