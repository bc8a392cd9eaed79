"""Droplets as a user meets them: what they are, what their power button does, whom they reach."""

from __future__ import annotations

import contextlib

import paramiko

from localcloud.host_config import BUNDLE, read_host_config
from localcloud.machines import Machines
from tests.localcloud.machines.lab import Lab, eventually, permit, reachable, walls


def test_a_droplet_is_the_system_that_was_asked_for(lab: Lab) -> None:
    assert lab.run(1, "hostname") == "web-1"
    assert lab.run(1, ". /etc/os-release; echo $VERSION_ID") == "13"
    assert lab.run(1, "cat /root/from-user-data") == "here"
    assert lab.run(1, "cloud-init status") == "status: done"
    assert lab.run(1, "systemctl --failed --plain --no-legend") == ""
    assert lab.run(1, "ip -4 -br address show eth0 | awk '{print $3}'") == f"{lab.public(1)}/24"
    assert lab.run(1, "ip -4 -br address show eth1 | awk '{print $3}'") == f"{lab.inner(1, 'left')}/24"


def test_a_droplet_can_be_entered_with_a_key_only(lab: Lab) -> None:
    with contextlib.closing(paramiko.Transport((lab.public(1), 22))) as transport:
        transport.start_client(timeout=10)
        try:
            transport.auth_none("root")
        except paramiko.BadAuthenticationType as refusal:
            assert refusal.allowed_types == ["publickey"]
        else:
            raise AssertionError("root may log in with nothing at all")


def test_each_droplet_is_a_machine_of_its_own(lab: Lab) -> None:
    identities = {lab.run(id, "cat /etc/machine-id") for id in (1, 2, 3)}
    assert len(identities) == 3


def test_a_droplet_trusts_the_authorities_this_machine_trusts_beyond_its_distribution(lab: Lab) -> None:
    bundle = "".join(lab.run(1, f"cat {BUNDLE}").split())
    assert bundle.count("BEGINCERTIFICATE") > 50
    for authority in read_host_config().extra_authorities:
        assert "".join(authority.split()) in bundle


def test_packages_install_and_their_services_run(lab: Lab) -> None:
    # Redis' unit has user, mount and process namespaces of its own: it is the one hardest to please.
    lab.run(2, "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy redis-server")
    assert lab.run(2, "systemctl is-active redis-server") == "active"
    assert lab.run(2, "redis-cli ping") == "PONG"


def test_droplets_of_one_private_network_reach_each_other_and_those_of_another_do_not(lab: Lab) -> None:
    lab.listen(1, 8001)
    inner, public = (f"http://{address}:8001/" for address in (lab.inner(1, "left"), lab.public(1)))
    assert lab.gets(2, inner)
    assert lab.gets(2, public)
    assert not lab.gets(3, inner)
    assert lab.gets(3, public)


def test_a_droplet_has_the_size_it_was_given_and_takes_another(lab: Lab) -> None:
    def memory() -> int:
        paths = "/sys/fs/cgroup/memory.max /sys/fs/cgroup/memory$(awk -F: '$2==\"memory\"{print $3}' "
        paths += "/proc/1/cgroup | sed 's,/init.scope$,,')/memory.limit_in_bytes"
        return int(lab.run(3, f"cat {paths} 2>/dev/null", check=False).split()[0])

    assert lab.run(3, "nproc") == "1"
    assert memory() == 512 * 1024 * 1024
    lab.machines.resize(3, "three", 1024, 64)
    assert memory() == 1024 * 1024 * 1024
    assert lab.run(3, "nproc") == lab.run(3, "nproc --all")


def test_power_off_and_on_keep_disk_and_address_and_in_order_lets_services_finish(lab: Lab) -> None:
    lab.run(
        1,
        "printf '[Service]\\nExecStart=/bin/sleep infinity\\nExecStop=/bin/cp /etc/hostname /root/end\\n'"
        " > /etc/systemd/system/last.service; systemctl start last; echo kept > /root/kept; sync",
    )
    for graceful in (True, False):
        lab.machines.power_off(1, graceful)
        assert lab.machines.status(1) == "off"
        assert not reachable(lab.public(1), 22)
        lab.machines.power_on(1)
        assert lab.machines.status(1) == "active"
        lab.wait(1)
        assert lab.run(1, "cat /root/kept") == "kept"
        finished = lab.run(1, "cat /root/end 2>/dev/null; rm -f /root/end")
        assert finished == ("web-1" if graceful else "")


def test_a_reboot_from_inside_comes_back_and_a_power_off_from_inside_stays_off(lab: Lab) -> None:
    before = lab.run(1, "stat -c %Y /proc/1; date +%s%N > /run/boot; cat /run/boot")
    lab.run(1, "systemctl reboot", check=False)
    eventually("the droplet has booted anew", lambda: _boot_mark(lab) not in ("", before.splitlines()[1]))
    lab.run(1, "systemctl poweroff", check=False)
    eventually("the droplet is off", lambda: lab.machines.status(1) == "off")
    assert not reachable(lab.public(1), 22)
    lab.machines.power_on(1)
    lab.wait(1)


def test_a_reboot_from_outside_comes_back(lab: Lab) -> None:
    lab.run(1, "touch /run/mark")
    lab.machines.reboot(1)
    lab.wait(1)
    assert lab.run(1, "test -e /run/mark || echo gone") == "gone"


def test_doing_what_is_done_already_changes_nothing(lab: Lab) -> None:
    lab.run(1, "touch /run/mark")
    lab.machines.create(lab.spec(1))
    lab.machines.power_on(1)
    assert lab.run(1, "test -e /run/mark && echo there") == "there"
    lab.machines.delete(99)
    lab.machines.power_off(99, True)
    assert lab.machines.status(99) == "missing"


def test_an_added_address_answers_and_moves_to_another_droplet_at_once(lab: Lab) -> None:
    lab.listen(1, 8002)
    spare = f"{lab.prefix}.200"
    lab.machines.add_public_address(1, spare)
    assert reachable(spare, 8002)
    assert lab.gets(3, f"http://{spare}:8002/")
    lab.machines.remove_public_address(1, spare)
    assert not reachable(spare, 8002)
    lab.machines.add_public_address(2, spare)
    assert reachable(spare, 22)
    assert not reachable(spare, 8002)
    lab.machines.power_off(2, False)
    lab.machines.power_on(2)
    eventually("the added address is there after a power cycle", lambda: reachable(spare, 22))
    lab.machines.remove_public_address(2, spare)
    assert not reachable(spare, 22)


def test_droplets_come_back_with_their_firewall_after_the_machine_was_restarted(lab: Lab) -> None:
    lab.listen(1, 8003)
    lab.machines.set_firewall(1, walls([permit("tcp", 22)], []))
    lab.machines.close()
    for part in ("droplet", "net"):  # as a machine's power cut ends them
        lab.kill(part, 1)
    again = Machines(lab.instance, lab.state)
    again.start()
    again.close()
    lab.wait(1)
    assert not reachable(lab.public(1), 8003)
    lab.machines.set_firewall(1, None)
    assert reachable(lab.public(1), 8003)


def test_a_suspended_cloud_goes_on_where_it_was(lab: Lab) -> None:
    lab.machines.power_off(3, False)
    lab.machines.suspend()
    assert [lab.machines.status(id) for id in (1, 2, 3)] == ["off"] * 3
    lab.machines.start()
    assert [lab.machines.status(id) for id in (1, 2, 3)] == ["active", "active", "off"]
    lab.machines.power_on(3)
    for id in (1, 2, 3):
        lab.wait(id)


def test_debian_12_is_there_too(lab: Lab) -> None:
    lab.create(lab.spec(4, image="debian-12-x64"))
    assert lab.run(4, ". /etc/os-release; echo $VERSION_ID") == "12"
    assert lab.run(4, "systemctl --failed --plain --no-legend") == ""
    lab.machines.delete(4)
    assert lab.machines.status(4) == "missing"
    assert not reachable(lab.public(4), 22)


def _boot_mark(lab: Lab) -> str:
    with contextlib.suppress(OSError, paramiko.SSHException):
        return lab.run(1, "cat /run/boot 2>/dev/null || echo none", check=False)
    return ""
