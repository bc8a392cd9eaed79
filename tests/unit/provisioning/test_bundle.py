from __future__ import annotations

import base64
import gzip
import io
import shlex
import subprocess
import tarfile
from pathlib import Path

import pytest

from provisioning.bundle import Bundle, render

ALL = ("base", "cache", "database", "app")
VARIABLES = {
    "site_name": "my-shop",
    "server_names": "shop.example.test www.shop.example.test",
    "url": "https://shop.example.test",
    "database": "postgres",
    "cache": "redis",
    "memory_mb": "2048",
    "cpus": "2",
    "stack": "staging",
}
SECRETS = {"secret_key": "the-secret-key", "database_password": "the-password", "env.TOKEN": "the-token"}


def bundle(
    *,
    roles: tuple[str, ...] = ALL,
    variables: dict[str, str] | None = None,
    secrets: dict[str, str] | None = None,
) -> Bundle:
    return render(
        host="web",
        roles=roles,
        variables={**VARIABLES, **(variables or {})},
        secrets={**SECRETS, **(secrets or {})},
    )


def members(rendered: Bundle) -> list[tarfile.TarInfo]:
    packed = base64.b64decode(rendered.stdin.split("\n", 2)[2])
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return archive.getmembers()


def files(rendered: Bundle) -> dict[str, str]:
    packed = gzip.decompress(base64.b64decode(rendered.stdin.split("\n", 2)[2]))
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {name: archive.extractfile(name).read().decode() for name in archive.getnames()}  # type: ignore[union-attr]


def script(rendered: Bundle) -> str:
    return base64.b64decode(rendered.stdin.split("\n", 1)[0]).decode()


def test_the_same_settings_give_the_same_bundle_whatever_their_order() -> None:
    again = render(
        host="web",
        roles=list(reversed(ALL)),
        variables=dict(reversed(VARIABLES.items())),
        secrets=dict(reversed(SECRETS.items())),
    )
    assert again == bundle()


@pytest.mark.parametrize(
    "changed",
    [
        {"variables": {"server_names": "other.example.test"}},
        {"variables": {"memory_mb": "4096"}},
        {"variables": {"envname.SECRET_KEY": "DJANGO_KEY"}},
        {"secrets": {"secret_key": "another"}},
        {"secrets": {"database_password": "another"}},
        {"secrets": {"env.TOKEN": "another"}},
        {"secrets": {"env.NEW": "the-token"}},
        {"roles": ("base", "app")},
    ],
)
def test_whatever_changes_on_the_host_changes_the_digest(changed: dict[str, dict[str, str]]) -> None:
    assert bundle(**changed).digest != bundle().digest  # type: ignore[arg-type]


def test_the_archive_holds_no_time_and_no_user_of_the_machine_that_made_it() -> None:
    found = members(bundle())
    assert [member.name for member in found] == sorted(member.name for member in found)
    assert {(member.mtime, member.uid, member.gid, member.uname, member.mode) for member in found} == {
        (0, 0, 0, "", 0o644)
    }


def test_a_host_gets_the_files_of_its_roles_alone() -> None:
    names = set(files(bundle(roles=("base", "cache"))))
    assert {name.split("/")[0] for name in names} == {"base", "cache", "shared", "packages", "variables.sh"}


def test_packages_of_all_roles_are_asked_for_at_once() -> None:
    packages = files(bundle())["packages"].split()
    assert {"nginx", "postgresql", "redis-server", "unattended-upgrades"} <= set(packages)
    assert packages == sorted(set(packages))


def test_the_host_program_goes_along_with_the_app_role() -> None:
    assert "shared/onhost/__main__.py" in files(bundle())
    assert not any("onhost" in name for name in files(bundle(roles=("base", "cache"))))


def test_no_placeholder_is_left_in_what_is_installed() -> None:
    installed = {name: text for name, text in files(bundle()).items() if "onhost" not in name}
    assert [name for name, text in installed.items() if "@{" in text] == []
    assert "server_name shop.example.test www.shop.example.test;" in installed["app/files/nginx-site.conf"]
    assert "User=my-shop\n" in installed["app/files/gunicorn@.service"]
    assert "workers = 4\n" in installed["app/files/gunicorn.py"]
    assert "maxmemory 512mb\n" in installed["cache/files/redis.conf"]


def test_no_secret_is_in_the_command_or_in_the_archive_or_shown_by_accident() -> None:
    rendered = bundle()
    everywhere = rendered.command + "".join(files(rendered).values()) + repr(rendered)
    assert [secret for secret in SECRETS.values() if secret in everywhere] == []


def test_the_password_itself_does_not_go_to_a_host_that_only_has_the_database() -> None:
    line = bundle(roles=("base", "database")).stdin.split("\n", 2)[1]
    names = [pair.split("=", 1)[0] for pair in line.split()]
    assert names == ["database_verifier"]
    assert b"the-password" not in base64.b64decode(line.split("=", 1)[1])


def test_the_command_names_the_bundle_limits_its_own_time_and_is_short_enough_to_be_quoted() -> None:
    words = shlex.split(bundle().command)
    assert words[:3] == ["sudo", "-n", "timeout"]
    assert words[-2:] == [bundle().digest, "base"]
    assert len(bundle().command) < 250


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ValueError, match="site_name") as raised:
        render(
            host="web",
            roles=["base", "app", "edgy"],
            variables={**VARIABLES, "site_name": "My Shop", "cpus": "two", "colour": "blue"},
            secrets={"database_password": "x", "pin": "1"},
        )
    assert str(raised.value).splitlines() == [
        "unknown role 'edgy'; there are base, database, cache, edge, failover, app, syslog, sender",
        "unknown variable colour",
        "variable site_name is 'My Shop': it must be "
        "a lower-case letter, then up to 23 letters, digits or hyphens",
        "variable cpus is 'two': it must be a number",
        "secret secret_key is missing",
        "unknown secret pin",
    ]


@pytest.mark.parametrize("server_names", ["a.test;b.test", "a.test\nb.test", "", "a.test  b.test", "$host"])
def test_names_that_nginx_could_read_otherwise_are_refused(server_names: str) -> None:
    with pytest.raises(ValueError, match="server_names"):
        bundle(variables={"server_names": server_names})


def test_a_host_name_in_the_variables_cannot_become_a_command(tmp_path: Path) -> None:
    hostile = bundle(variables={"stack": "$(touch hit); 'x"})
    (tmp_path / "variables.sh").write_text(files(hostile)["variables.sh"])
    said = subprocess.run(
        ["bash", "-euc", '. ./variables.sh; printf %s "$stack"'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "$(touch hit); 'x"
    assert not (tmp_path / "hit").exists()
