"""What this machine's kernel lets a droplet have: capabilities, cgroups, processors. Reads, never acts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

# In the kernel's order: the position is the number (capability.h).
CAPABILITIES = tuple(
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "  # noqa: SIM905
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT "
    "SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE "
    "AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ "
    "PERFMON BPF CHECKPOINT_RESTORE".split()
)

# NET_ADMIN keeps the firewall out of the droplet's reach; the others act on the machine, not the droplet:
# its kernel, its clock, its log.
DENIED = ("NET_ADMIN", "SYS_MODULE", "SYS_RAWIO", "SYS_TIME", "SYSLOG")


def missing_capabilities(status: str) -> list[str]:
    """The capabilities that no process here can have, from the text of /proc/self/status."""
    for line in status.splitlines():
        if line.startswith("CapBnd:"):
            bound = int(line.split()[1], 16)
            return [name for number, name in enumerate(CAPABILITIES) if not bound >> number & 1]
    return []


def dropped_capabilities() -> list[str]:
    """What a droplet must not ask for, because it may not or cannot have it."""
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    known = CAPABILITIES[: last + 1]
    missing = missing_capabilities(Path("/proc/self/status").read_text())
    return [name for name in known if name in missing or name in DENIED]


def cgroup_v2_only() -> bool:
    """Whether /sys/fs/cgroup is the unified hierarchy itself."""
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()


def processors(hostname: str, vcpus: int) -> str:
    """The processors for a droplet, as a cpuset; empty where it asks for all there are or more.

    A set, not a share of time, because it is what `nproc` inside counts.
    """
    return choose_processors(hostname, vcpus, sorted(os.sched_getaffinity(0)))


def choose_processors(hostname: str, vcpus: int, available: Sequence[int]) -> str:
    """`vcpus` of the available ones; those of `app-1` and `app-2`, which are busy together, differ."""
    if vcpus >= len(available):
        return ""
    group, _, number = hostname.rpartition("-")
    # Where a kind begins is all the same, as long as it stays so: those with longer names further on.
    start = (len(group) + int(number if number.isdecimal() else 0)) * vcpus
    return ",".join(str(cpu) for cpu in sorted(available[(start + i) % len(available)] for i in range(vcpus)))
