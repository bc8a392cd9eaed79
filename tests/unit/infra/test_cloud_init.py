"""The first boot of a droplet."""

from __future__ import annotations

from typing import Any

import yaml

from infra import cloud_init

GIVEN = {
    "hostname": "shop-staging-web",
    "authorized_key": "ssh-ed25519 AAAAaccess\n",
    "host_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----\n",
    "host_key_public": "ssh-ed25519 AAAAhost\n",
}


def rendered() -> dict[str, Any]:
    text = cloud_init.render(**GIVEN)
    assert text.startswith("#cloud-config\n")
    config = yaml.safe_load(text)
    assert isinstance(config, dict)
    return config


def test_there_is_one_user_who_logs_in_by_key_alone_and_may_use_sudo() -> None:
    (user,) = rendered()["users"]
    assert user["name"] == "seatrial"
    assert user["ssh_authorized_keys"] == ["ssh-ed25519 AAAAaccess"]
    assert user["lock_passwd"] is True
    assert "NOPASSWD" in user["sudo"]


def test_root_and_passwords_are_refused_by_ssh() -> None:
    config = rendered()
    (sshd,) = config["write_files"]
    assert config["disable_root"] is True
    assert config["ssh_pwauth"] is False
    assert sshd["path"].startswith("/etc/ssh/sshd_config.d/")
    assert "PermitRootLogin no\n" in sshd["content"]
    assert "PasswordAuthentication no\n" in sshd["content"]


def test_the_known_host_key_is_the_only_one() -> None:
    config = rendered()
    assert config["ssh_deletekeys"] is True
    assert config["ssh_keys"] == {
        "ed25519_private": GIVEN["host_key"],
        "ed25519_public": "ssh-ed25519 AAAAhost",
    }
    (sshd,) = config["write_files"]
    host_keys = [line for line in sshd["content"].splitlines() if line.startswith("HostKey ")]
    assert host_keys == ["HostKey /etc/ssh/ssh_host_ed25519_key"]


def test_it_stays_below_what_the_cloud_takes() -> None:
    assert len(cloud_init.render(**{**GIVEN, "host_key": "x" * 4000}).encode()) < 16384
