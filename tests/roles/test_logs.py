"""A host that sends its logs over TLS, and one that keeps them: what arrives, and what stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.roles.log_hosts import KEEPER, LogHosts
from tests.roles.test_roles import changes
from tests.support.machines import machines_for, own_name

ROTATE = "logrotate --force --state /var/lib/seatrial-logs/status /etc/seatrial-logrotate.conf"
LISTENING = "ss --listening --tcp --udp --numeric --no-header --processes | grep rsyslogd || true"


@pytest.fixture(scope="module")
def made(fleet_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogHosts]:
    """The two hosts, fresh."""
    with machines_for("logs", tmp_path_factory.mktemp(f"logs-{fleet_image}")) as machines:
        yield LogHosts(own_name("logs"), machines, fleet_image)


@pytest.fixture
def hosts(made: LogHosts) -> LogHosts:
    """The hosts with their roles applied."""
    for said in made.applied.values():
        assert said.status == 0, said.err
    return made


def refused(hosts: LogHosts, why: str) -> None:
    """Wait until the sender says why it has not sent since it was last started."""
    said = "journalctl _SYSTEMD_INVOCATION_ID=$(systemctl show -p InvocationID --value rsyslog)"
    hosts.sender.root(f"for _ in $(seq 100); do {said} | grep '{why}' && exit; sleep 0.2; done; exit 1")


def test_applied_once_more_in_full_neither_host_finds_anything_to_change(hosts: LogHosts) -> None:
    for host, bundle in ((hosts.keeper, hosts.keeper_bundle()), (hosts.sender, hosts.sender_bundle())):
        host.root("rm /var/lib/seatrial/applied/*")
        again = host.apply(bundle)
        assert again.status == 0, again.err
        assert changes(again.out) == 0, again.out


def test_what_programs_say_arrives_in_a_file_of_their_own_with_time_and_host(hosts: LogHosts) -> None:
    hosts.send("gunicorn", "Not Found: /möbel", "Traceback (most recent call last):", '  File "x.py", line 1')
    hosts.sender.root("logger --socket /run/systemd/journal/dev-log --tag haproxy 'GET / HTTP/1.1'")
    lines = hosts.wait_for("gunicorn", 3)
    assert [line.split("]: ", 1)[1] for line in lines] == [
        "Not Found: /möbel",
        "Traceback (most recent call last):",
        '  File "x.py", line 1',
    ]
    (request,) = hosts.wait_for("haproxy", 1)
    time, host, _ = request.split(" ", 2)
    assert time.endswith("+00:00") and host == "app-1" and request.endswith("GET / HTTP/1.1")


def test_the_syslog_host_keeps_its_own_log_beside_the_others(hosts: LogHosts) -> None:
    hosts.keeper.root("echo hello | systemd-cat -t own")
    (line,) = hosts.wait_for("own", 1, host=KEEPER)
    assert line.endswith("hello")


def test_the_sending_host_writes_no_logs_beyond_its_journal_and_listens_nowhere(hosts: LogHosts) -> None:
    written = hosts.sender.root("find /var/log -type f -not -path '*/journal/*' -newer /etc/rsyslog.conf")
    assert [name for name in written.splitlines() if "apt" not in name] == []
    assert hosts.sender.root(LISTENING) == ""


def test_the_syslog_host_listens_on_its_private_address_alone(hosts: LogHosts) -> None:
    (only,) = hosts.keeper.root(LISTENING).splitlines()
    assert f" {hosts.keeper.private_address}:6514 " in only


def test_nothing_is_lost_while_the_syslog_host_is_down_and_nobody_waits_for_it(hosts: LogHosts) -> None:
    hosts.send("outage", "before")
    hosts.wait_for("outage", 1)
    hosts.keeper.root("systemctl stop rsyslog.service")
    hosts.send("dropped", "lost at most, with the connection")
    lines = [f"meanwhile {number}" for number in range(2000)]
    hosts.send("outage", *lines)
    hosts.sender.root("systemctl restart rsyslog.service")
    assert hosts.sender.root("du -sk /var/spool/rsyslog | cut -f1").strip() in {"4", "8"}, "no second queue"
    hosts.keeper.root("systemctl start rsyslog.service")
    kept = [line.split("meanwhile ")[1] for line in hosts.wait_for("outage", 2001) if "meanwhile" in line]
    assert sorted({int(number) for number in kept}) == list(range(2000))


def test_a_host_that_reboots_while_the_syslog_host_is_down_sends_what_it_had(hosts: LogHosts) -> None:
    hosts.keeper.root("systemctl stop rsyslog.service")
    hosts.send("dropped", "lost at most, with the connection")
    hosts.send("reboot", "kept 1", "kept 2")
    hosts.sender.reboot()
    hosts.send("reboot", "kept 3")
    hosts.keeper.root("systemctl start rsyslog.service")
    lines = hosts.wait_for("reboot", 3)
    assert {line[-6:] for line in lines} >= {"kept 1", "kept 2", "kept 3"}, lines


def test_a_host_of_another_name_gets_nothing_and_the_right_one_gets_it_later(hosts: LogHosts) -> None:
    other = hosts.certificate_for("log-9")
    assert hosts.keeper.apply(hosts.keeper_bundle(certificate=other)).status == 0
    assert hosts.sender.apply(hosts.sender_bundle(syslog_certificate=other)).status == 0
    hosts.send("misnamed", "a secret")
    refused(hosts, "not permitted to talk")
    assert hosts.kept("misnamed") == []
    assert hosts.keeper.apply(hosts.keeper_bundle()).status == 0
    assert hosts.sender.apply(hosts.sender_bundle()).status == 0
    (line,) = hosts.wait_for("misnamed", 1)
    assert line.endswith("a secret")


def test_what_does_not_come_over_tls_is_not_kept(hosts: LogHosts) -> None:
    message = "<13>1 2026-01-01T00:00:00Z app-1 forged - - - plain"
    hosts.sender.root(
        f"exec 5<>/dev/tcp/{hosts.keeper.private_address}/6514; echo '{message}' >&5; sleep 0.5"
    )
    hosts.send("after", "well")
    hosts.wait_for("after", 1)
    assert hosts.kept("forged") == []


def test_a_name_that_points_elsewhere_stays_in_the_folder_of_logs(hosts: LogHosts) -> None:
    hosts.sender.root(
        "logger --socket /run/systemd/journal/dev-log --tag '../../../../tmp/x' leads elsewhere"
    )
    hosts.send("after-it", "well")
    hosts.wait_for("after-it", 1)
    found = hosts.keeper.root("grep -rl --exclude-dir=journal 'leads elsewhere' /var/log /tmp").split()
    assert {path.rsplit("/", 1)[0] for path in found} == {"/var/log/seatrial/app-1"}


def test_rotation_loses_no_line_and_keeps_the_days_that_are_wanted(hosts: LogHosts) -> None:
    hosts.keeper.root("systemctl start seatrial-logs.service")
    hosts.sender.root(
        "systemd-run --quiet --unit=talker --collect -p SyslogIdentifier=talker "
        "sh -c 'for n in $(seq 1500); do echo line $n; sleep 0.004; done'"
    )
    for _ in range(3):
        hosts.wait_for("talker", 1)
        hosts.keeper.root(f"sleep 1; runuser -u _syslog -- {ROTATE}")
    lines = hosts.wait_for("talker", 1500)
    assert [line.split("line ")[1] for line in lines] == [str(number) for number in range(1, 1501)]
    names = hosts.keeper.root("ls /var/log/seatrial/app-1/talker*").split()
    assert sum(name.endswith(".gz") for name in names) == 2, names
    hosts.keeper.root("touch -d '29 days ago' $(ls /var/log/seatrial/app-1/talker.log-*.gz | head -n 1)")
    hosts.keeper.root("touch -d '31 days ago' $(ls /var/log/seatrial/app-1/talker.log-*.gz | tail -n 1)")
    hosts.keeper.root("systemctl start seatrial-logs.service")
    left = set(hosts.keeper.root("ls /var/log/seatrial/app-1/talker*").split())
    assert {name for name in names if name.endswith(".gz")} - left == {sorted(names)[2]}, (names, left)


def test_the_oldest_logs_make_room_before_the_disk_is_full(hosts: LogHosts) -> None:
    folder = "/var/log/seatrial/app-1"
    hosts.keeper.root(
        f"for n in 1 2 3; do f={folder}/big.log-2026010$n-000000; head -c 300k /dev/urandom >$f;"
        f' chown _syslog:_syslog $f; touch -d "2 days ago $n hours" $f; done'
    )
    size = int(hosts.keeper.root("du -sk /var/log/seatrial | cut -f1"))
    hosts.keeper.root(f"runuser -u _syslog -- seatrial-logs {size - 400}")
    left = hosts.keeper.root(f"cd {folder}; ls big*").split()
    assert left == ["big.log-20260103-000000"]
    assert hosts.keeper.root("systemctl is-enabled seatrial-logs.timer").strip() == "enabled"


def test_both_ends_are_shut_in_and_the_key_is_for_the_syslog_host_alone(hosts: LogHosts) -> None:
    for host in (hosts.keeper, hosts.sender):
        # In tenths of systemd's exposure level, of which less is better.
        verdict = host.run("systemd-analyze security --no-pager --threshold=15 rsyslog.service")
        assert verdict.status == 0, verdict.out.splitlines()[-1]
        assert host.must("ps -o user= -C rsyslogd").split() == ["_syslog"]
        assert "logs" not in (failed := host.must("systemctl --failed --quiet --plain --no-legend")), failed
    assert not hosts.keeper.succeeds("runuser -u nobody -- cat /etc/rsyslog.d/server.key")
    assert not hosts.keeper.succeeds("runuser -u nobody -- ls /var/log/seatrial")
    assert not hosts.sender.succeeds("test -e /etc/rsyslog.d/server.key")


def test_the_syslog_host_is_back_after_a_reboot_even_where_its_private_address_is_late(
    hosts: LogHosts,
) -> None:
    hosts.keeper.reboot_before_the_private_address_is_up()
    for number in range(60):
        hosts.send("again", f"line {number}")
        if hosts.kept("again"):
            return
    pytest.fail("nothing arrives any more")


SERVICE = """
import socket, ssl, sys
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain("/run/service.pem", "/etc/rsyslog.d/server.key")
server = socket.create_server(("0.0.0.0", 16514))
while True:
    plain, _ = server.accept()
    try:
        with context.wrap_socket(plain, server_side=True) as secure, open("/run/received", "ab", 0) as out:
            while data := secure.recv(65536):
                out.write(data)
    except OSError as error:
        print(error, file=sys.stderr)
"""
TRUST = "cat >/usr/local/share/ca-certificates/service.crt; update-ca-certificates"


def test_an_outside_service_is_checked_by_name_against_the_systems_authorities(hosts: LogHosts) -> None:
    name = "logs.example.test"
    certificate = hosts.certificate_for("*.example.test")
    hosts.keeper.root("cat >/run/service.py", SERVICE)
    hosts.keeper.root("cat >/run/service.pem", certificate)
    hosts.keeper.root(
        "touch /run/received; systemd-run --quiet --unit=service --collect python3 /run/service.py"
    )
    hosts.sender.root(f"echo '{hosts.keeper.private_address} {name} logs.example.org' >>/etc/hosts")
    to_service = {"syslog_certificate": "", "syslog_from": "shop-test-app-1"}
    token = 'logs@41058 token="abc+/="'  # noqa: S105 - for this test alone

    def send_to(server: str, line: str) -> None:
        bundle = hosts.sender_bundle(
            token=token, syslog_server=f"{server}:16514", syslog_name=server, **to_service
        )
        said = hosts.sender.apply(bundle)
        assert said.status == 0, said.err
        hosts.send("outside", line)

    send_to(name, "first")
    refused(hosts, "certificate")
    send_to("logs.example.org", "second")
    hosts.sender.root(f"{TRUST}; systemctl restart rsyslog", certificate)
    refused(hosts, "not permitted to talk")
    assert hosts.keeper.root("cat /run/received") == ""
    send_to(name, "third")
    hosts.keeper.root("for _ in $(seq 200); do grep -q third /run/received && exit; sleep 0.2; done; exit 1")
    received = hosts.keeper.root("grep --text -B2 third /run/received")
    length, rest = next(line for line in received.splitlines() if "third" in line).split(" ", 1)
    assert len(rest) + 1 == int(length), "octet counting"
    assert rest.startswith("<") and rest.split(" ", 1)[0].endswith(">1")
    assert " shop-test-app-1 outside " in rest and rest.endswith(f"[{token}] third")
    everything = hosts.keeper.root("cat /run/received")
    assert "first" in everything and "second" in everything
    assert not hosts.sender.succeeds("runuser -u nobody -- cat /etc/rsyslog.d/message.conf")


def test_without_the_setting_nothing_is_sent_any_more(hosts: LogHosts) -> None:
    said = hosts.sender.apply(hosts.sender_bundle("base"))
    assert said.status == 0, said.err
    assert hosts.sender.run("systemctl is-active rsyslog").out.strip() == "inactive"
    assert hosts.sender.run("systemctl is-enabled rsyslog").out.strip() == "disabled"
    assert not hosts.sender.succeeds("test -e /etc/rsyslog.d/message.conf")
    again = hosts.sender.apply(hosts.sender_bundle())
    assert again.status == 0, again.err
    hosts.send("back", "here")
    hosts.wait_for("back", 1)
