"""Compressed static files: which there are, which are shared, and what a build can't make of them."""

from __future__ import annotations

import gzip
from pathlib import Path

from provisioning.onhost import build

SHEET = "body { color: black }\n" * 100


def folder(path: Path, sheet: str = SHEET) -> Path:
    """The static files of a release."""
    path.mkdir()
    (path / "site.css").write_text(sheet)
    return path


def test_a_file_that_did_not_change_is_shared_with_the_release_before(tmp_path: Path) -> None:
    before, after = folder(tmp_path / "before"), folder(tmp_path / "after")
    assert build.compress(before, before) == build.compress(after, before) == 1
    assert (after / "site.css.gz").samefile(before / "site.css.gz")


def test_a_file_that_changed_is_compressed_anew(tmp_path: Path) -> None:
    before, after = folder(tmp_path / "before"), folder(tmp_path / "after", SHEET.replace("black", "red"))
    build.compress(before, before)
    build.compress(after, before)
    assert b"red" in gzip.decompress((after / "site.css.gz").read_bytes())


def test_links_are_neither_read_nor_written_through(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SHEET)
    static = folder(tmp_path / "static")
    (static / "leak.css").symlink_to(secret)
    (static / "site.css.gz").symlink_to(tmp_path / "planted")
    assert build.compress(static, static) == 0
    assert not (static / "leak.css.gz").exists()
    assert not (tmp_path / "planted").exists()
