"""The user data of a new droplet: just enough for the first SSH connection to be safe. Pure."""

from __future__ import annotations

import yaml

from infra.names import SSH_USER

_SSHD = """\
# The host key that was known before the host was; no other is offered.
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""


def render(*, hostname: str, authorized_key: str, host_key: str, host_key_public: str) -> str:
    """The `#cloud-config` of a host.

    It makes one user, who logs in with `authorized_key` and may use sudo, closes root's login, and puts the
    given Ed25519 host key (private part in OpenSSH format) in place of all that the image or the first boot
    would make.
    """
    config = {
        "hostname": hostname,
        "preserve_hostname": False,
        "disable_root": True,
        "ssh_pwauth": False,
        "users": [
            {
                "name": SSH_USER,
                "gecos": "Seatrial",
                "shell": "/bin/bash",
                "lock_passwd": True,
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "ssh_authorized_keys": [authorized_key.strip()],
            }
        ],
        "ssh_deletekeys": True,
        "ssh_keys": {
            "ed25519_private": host_key.rstrip("\n") + "\n",
            "ed25519_public": host_key_public.strip(),
        },
        "write_files": [
            {"path": "/etc/ssh/sshd_config.d/10-seatrial.conf", "permissions": "0644", "content": _SSHD}
        ],
    }
    return "#cloud-config\n" + yaml.safe_dump(config, sort_keys=False, width=1000)
