from __future__ import annotations

from pathlib import Path

import pytest

from localengine.provider import Archive, Asset, CheckFailures, Provider, ProviderError
from tests.localengine.providers.lifecycle import make
from tests.localengine.providers.sshd import Sshd

COPY = "command:remote:CopyToRemote"


def test_text_and_files_land_where_they_are_told_to(command: Provider, sshd: Sshd, tmp_path: Path) -> None:
    there = tmp_path / "there"
    text = make(
        command,
        COPY,
        connection=sshd.connection(),
        source=Asset("text", "hello"),
        remotePath=f"{there}/deep/er/text",
    )
    assert (there / "deep/er/text").read_text() == "hello"
    assert len(text.id) == 8 and text.diff().changed == ()

    source = tmp_path / "file"
    source.write_bytes(b"\x00\xff" * 100_000)
    file = make(
        command,
        COPY,
        connection=sshd.connection(),
        source=Asset("path", str(source)),
        remotePath=str(there / "deep"),
    )
    assert (there / "deep/file").read_bytes() == source.read_bytes()
    source.write_text("new")
    assert file.diff(source=Asset("path", str(source))).changed == ("source",)
    assert file.diff(triggers=[1]).replaces == ("triggers",)
    file.update(source=Asset("path", str(source))).delete()
    assert (there / "deep/file").read_text() == "new", "files stay"
    with pytest.raises(ProviderError, match="is a folder on the host"):
        text.update(remotePath=str(there))


def test_folders_are_copied_whole(command: Provider, sshd: Sshd, tmp_path: Path) -> None:
    source, there = tmp_path / "source", tmp_path / "there"
    (source / "sub").mkdir(parents=True)
    (source / "a").write_text("a")
    (source / "sub" / "b").write_text("b")
    for path, expected in ((str(source), there / "source"), (f"{source}/", there)):
        made = make(
            command, COPY, connection=sshd.connection(), source=Archive("path", path), remotePath=str(there)
        )
        assert (expected / "a").read_text() == "a" and (expected / "sub/b").read_text() == "b"
    (source / "sub" / "b").write_text("c")
    assert made.diff(source=Archive("path", f"{source}/")).changed == ("source",)
    members = Archive("assets", {"x/y": Asset("text", "y"), "z": Asset("path", str(source / "a"))})
    make(command, COPY, connection=sshd.connection(), source=members, remotePath=str(there))
    assert (there / "x/y").read_text() == "y" and (there / "z").read_text() == "a"


def test_what_can_not_be_copied_is_told(command: Provider, sshd: Sshd, tmp_path: Path) -> None:
    for source, reason in (
        (Asset("path", str(tmp_path / "no")), "can't read .*no: No such file"),
        (Asset("uri", "https://example.test/x"), "no URI"),
        ("text", "a str is not an asset or an archive"),
    ):
        with pytest.raises(CheckFailures, match=reason):
            command.check(
                COPY,
                {},
                {"connection": sshd.connection(), "source": source, "remotePath": str(tmp_path / "x")},
            )
    with pytest.raises(ProviderError, match="copying to /proc/x/y: "):
        make(
            command,
            COPY,
            connection=sshd.connection(),
            source=Asset("text", "x"),
            remotePath="/proc/x/y",
        )
