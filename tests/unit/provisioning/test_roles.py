from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from provisioning.bundle import ROLES
from tests.unit.provisioning.test_bundle import ALL, bundle, files, script
from tests.unit.provisioning.test_bundle_logs import KEEPER, SENDER
from tests.unit.provisioning.test_failover_config import PAIR, PAIR_SECRETS

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "provisioning/roles"
ACTING = re.compile(
    r"^\s*(cp|mv -f|useradd|usermod|groupadd|systemctl (restart|reload|enable)|apt-get) ", re.M
)


@pytest.mark.parametrize(
    "roles",
    [
        ("base",),
        ("base", "app"),
        ("base", "cache", "database"),
        ("base", "edge"),
        ("base", "edge", "failover"),
        ALL,
        ("base", "syslog"),
        ("base", "sender"),
    ],
)
def test_what_runs_on_the_host_is_clean_as_one_script(roles: tuple[str, ...], tmp_path: Path) -> None:
    edge = PAIR if "edge" in roles else {}
    rendered = bundle(
        roles=roles,
        variables={**edge, **SENDER, **KEEPER},
        secrets={**PAIR_SECRETS, "syslog_key": "k"},
    )
    content = files(rendered)
    order = [role for role in ROLES if role in roles]
    parts = [
        "#!/usr/bin/env bash\nset -euo pipefail\nwork=/run/x files=/run/x/files secrets=\n",
        content["variables.sh"],
        content["shared/lib.sh"],
        *(content[f"{role}/role.sh"] for role in order),
    ]
    (tmp_path / "whole.sh").write_text("".join(parts))
    (tmp_path / "command.sh").write_text("#!/usr/bin/env bash\n" + script(rendered))
    subprocess.run([ROOT / "tools/need.sh", "shellcheck=shellcheck"], check=True)
    # SC2034: a variable that this choice of roles doesn't use.
    checked = subprocess.run(
        ["shellcheck", "--exclude=SC2034", tmp_path / "whole.sh", tmp_path / "command.sh"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("role", ROLES)
def test_a_role_says_what_should_be_and_leaves_the_doing_to_the_shared_words(role: str) -> None:
    assert ACTING.findall((FOLDER / role / "role.sh").read_text()) == []


def test_every_role_has_its_packages_and_its_script() -> None:
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()} - {"shared"}
    assert folders == set(ROLES)
    for role in ROLES:
        assert (FOLDER / role / "packages").read_text().split()
        assert (FOLDER / role / "role.sh").is_file()


def test_the_running_site_cannot_gain_rights_and_may_write_to_two_folders_only() -> None:
    unit = files(bundle())["app/files/gunicorn@.service"].splitlines()
    for line in (
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "ReadWritePaths=/srv/my-shop/shared /var/cache/my-shop",
        "IPAddressDeny=169.254.169.254",
    ):
        assert line in unit


def test_a_slot_that_stops_gives_its_requests_the_time_that_gunicorn_grants_them() -> None:
    content = files(bundle())
    granted = re.search(r"graceful_timeout = (\d+)", content["app/files/gunicorn.py"])
    stopped = re.search(r"TimeoutStopSec=(\d+)", content["app/files/gunicorn@.service"])
    assert granted and stopped
    assert int(stopped[1]) == int(granted[1]) + 5
