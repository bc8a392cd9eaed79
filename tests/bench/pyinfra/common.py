"""What every host has."""

from pyinfra import config
from pyinfra.operations import apt, files, systemd

config.SUDO = True

apt.packages(
    name="Base packages",
    packages=["ca-certificates", "curl", "tzdata", "systemd-timesyncd", "unattended-upgrades"],
    update=True,
    cache_time=3600,
)
files.link(name="Time zone", path="/etc/localtime", target="/usr/share/zoneinfo/Etc/UTC", force=True)
files.put(
    name="Security updates by themselves",
    src="../templates/apt.conf",
    dest="/etc/apt/apt.conf.d/80site",
    mode="644",
)
kept = files.put(
    name="The journal is kept",
    src="../templates/journald.conf",
    dest="/etc/systemd/journald.conf.d/site.conf",
    mode="644",
)
systemd.service(name="Restart journald", service="systemd-journald", restarted=True, _if=kept.did_change)
