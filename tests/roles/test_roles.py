"""All roles on one real host, in the order in which a host lives: first application, use, changes, reboot."""

from __future__ import annotations

import json
import re

import pytest

from tests.roles import content
from tests.roles.conftest import Provisioned
from tests.roles.content import NAME, SITE, bundle
from tests.roles.host import Host

DATABASE = SITE
LAST_LINE = re.compile(r"seatrial: applied [0-9a-f]{12} changed=(\d+)")
PSQL = f"psql --host /run/postgresql --username {DATABASE} --no-psqlrc --tuples-only --no-align {DATABASE}"


def changes(report: str) -> int:
    """The number on the report's last line."""
    match = LAST_LINE.fullmatch(report.splitlines()[-1])
    assert match, report
    return int(match.group(1))


def test_the_first_application_reports_in_a_few_lines_what_each_role_changed(
    provisioned: Provisioned,
) -> None:
    first = provisioned.first
    assert first.status == 0, first.err
    lines = first.out.splitlines()
    assert len(lines) <= 20
    assert [line.split(":")[0] for line in lines] == [
        "packages",
        "base",
        "database",
        "cache",
        "app",
        "seatrial",
    ]
    assert changes(first.out) > 0
    assert first.err == ""


def test_the_same_bundle_again_does_nothing_at_all(provisioned: Provisioned, host: Host) -> None:
    before = host.root("journalctl -t seatrial | wc -l")
    again = host.apply(provisioned.bundle)
    assert (again.status, again.out) == (0, f"seatrial: applied {provisioned.bundle.digest[:12]} changed=0\n")
    assert host.root("journalctl -t seatrial | wc -l") == before


def test_applied_once_more_in_full_the_roles_find_nothing_to_change(
    provisioned: Provisioned, host: Host
) -> None:
    host.root("rm /var/lib/seatrial/applied/*")
    again = host.apply(provisioned.bundle)
    assert again.status == 0, again.err
    assert changes(again.out) == 0, again.out


def test_everything_runs_and_will_after_a_reboot(host: Host) -> None:
    units = "nginx redis-server postgresql ssh unattended-upgrades systemd-journald"
    assert set(host.must(f"systemctl is-active {units}").split()) == {"active"}
    assert set(host.must("systemctl is-enabled nginx redis-server postgresql ssh").split()) == {"enabled"}
    assert host.must("systemctl --failed --quiet --plain --no-legend") == ""
    assert not host.succeeds("test -e /usr/sbin/policy-rc.d")


def test_only_ssh_and_http_can_be_reached_from_elsewhere(host: Host) -> None:
    listening = [line.split()[4] for line in host.root("ss -Htuln").splitlines()]
    outside = {address for address in listening if not address.startswith(("127.", "[::1]"))}
    assert {address.rsplit(":", 1)[1] for address in outside} == {"22", "80"}, listening


def test_ssh_takes_the_known_key_and_nothing_else(host: Host) -> None:
    said = host.root("sshd -T")
    for line in (
        "permitrootlogin no",
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "authenticationmethods publickey",
        "hostkey /etc/ssh/ssh_host_ed25519_key",
        "allowusers seatrial",
    ):
        assert line in said.splitlines(), said
    weak = re.findall(r"^(?:ciphers|macs|kexalgorithms) .*?(sha1|cbc|md5|nistp|group1[,\s]).*$", said, re.M)
    assert weak == []


def test_the_journal_outlives_a_reboot_and_is_bounded(host: Host) -> None:
    assert host.succeeds("ls /var/log/journal/*/system.journal")
    assert "SystemMaxUse=500M" in host.root("systemd-analyze cat-config systemd/journald.conf")


def test_the_clock_is_utc_and_the_locale_utf8(host: Host) -> None:
    assert host.must("date +%Z").strip() == "UTC"
    assert host.must("env -i bash -lc '. /etc/default/locale; echo $LANG'").strip() == "C.UTF-8"


def test_secrets_are_where_only_root_and_the_site_read_them_and_nowhere_else(host: Host) -> None:
    assert host.root(f"stat -c '%a %U:%G' /etc/{SITE}/site.json /etc/{SITE}/site.env").splitlines() == [
        f"640 root:{SITE}",
        f"640 root:{SITE}",
    ]
    site = json.loads(host.root(f"cat /etc/{SITE}/site.json"))
    assert site["secret_key"] == content.SECRET_KEY
    assert site["server_names"] == [NAME]
    assert site["environment"] == {"MOTTO": content.MOTTO}
    assert not host.succeeds(f"runuser -u nobody -- cat /etc/{SITE}/site.json")
    spilled = "grep --recursive --files-with-matches --fixed-strings --no-messages"
    for secret in (content.SECRET_KEY, content.PASSWORD):
        # The pattern comes on stdin, or the journal would have it from sudo's own note of this command.
        found = host.must(f"sudo -n {spilled} --file=- /etc /var /run /tmp /srv /root || true", secret)
        assert found.split() == [f"/etc/{SITE}/site.json"], found
        logged = host.must("grep --fixed-strings --file=- <(sudo -n journalctl --output=cat) || true", secret)
        assert logged == ""


def test_redis_answers_the_site_alone_and_keeps_to_its_bounds(host: Host) -> None:
    ask = "redis-cli -s /run/redis/redis-server.sock"
    assert host.root(f"runuser -u {SITE} -- {ask} ping").strip() == "PONG"
    assert not host.succeeds(f"runuser -u nobody -- {ask} ping | grep PONG")
    assert not host.succeeds(f"runuser -u {SITE}-build -- {ask} ping | grep PONG")
    for key, value in {"maxmemory": str(512 * 2**20), "maxmemory-policy": "allkeys-lru", "save": ""}.items():
        assert host.root(f"{ask} config get {key}").split("\n")[1] == value


def test_postgres_lets_the_site_in_by_its_password_and_nobody_else(host: Host) -> None:
    def login(user: str, password: str) -> bool:
        return host.succeeds(f"PGPASSWORD={password} runuser -u {user} -- {PSQL} --command 'select 1'")

    assert login(SITE, content.PASSWORD)
    assert not login(SITE, "another")
    assert not host.succeeds(
        f"runuser -u {SITE} -- psql --host /run/postgresql --username postgres -c 'select 1'"
    )
    assert host.root("runuser -u postgres -- psql -Atc 'show listen_addresses'").strip() == ""
    made = "create table t (x text); insert into t values ('ä'); select x from t; drop table t"
    assert "ä" in host.root(f'PGPASSWORD={content.PASSWORD} {PSQL} --command "{made}"')


def test_a_release_in_a_slot_is_served_through_nginx_under_the_sites_names_only(host: Host) -> None:
    host.root(content.RELEASE, content.REPORTER)
    answer = json.loads(host.must(f"curl -sS --fail -H 'Host: {NAME}:8080' http://127.0.0.1/"))
    assert answer["host"] == f"{NAME}:8080"
    assert answer["forwarded_for"] == "127.0.0.1"
    assert answer["forwarded_proto"] == "http"
    assert answer["motto"] == content.MOTTO
    assert answer["release"] == "one"
    for stranger in ("elsewhere.example.test", host.address):
        answered = host.run(f"curl -sS -i -H 'Host: {stranger}' http://127.0.0.1/")
        assert answered.status in (52, 56)  # an empty reply, or a reset
        assert answered.out == ""
    forged = host.must(f"curl -sS -H 'Host: {NAME}' -H 'X-Forwarded-For: 9.9.9.9' http://127.0.0.1/")
    assert json.loads(forged)["forwarded_for"] == "127.0.0.1"


def test_the_site_may_do_its_work_and_no_more(host: Host) -> None:
    may = json.loads(host.must(f"curl -sS --fail -H 'Host: {NAME}' http://127.0.0.1/"))["may"]
    assert {what for what, allowed in may.items() if not allowed} == {
        "write its code",
        "write another release",
        "write its configuration",
        "become root",
    }


def test_static_files_of_both_releases_are_served_and_cached_as_their_names_allow(host: Host) -> None:
    def get(path: str, *options: str) -> str:
        return host.must(f"curl -sS --fail -i {' '.join(options)} -H 'Host: {NAME}' http://127.0.0.1{path}")

    hashed = get("/static/app.0123456789ab.css")
    assert "immutable" in hashed
    assert hashed.endswith("new\n")
    assert get("/static/app.ba9876543210.css").endswith("old\n")
    assert "Content-Encoding: gzip" in get("/static/app.0123456789ab.css", "--compressed")
    assert "must-revalidate" in get("/static/plain.css")
    upload = get("/media/pictures/one.txt")
    assert upload.endswith("an upload")
    assert "default-src 'none'" in upload


def test_only_nginx_and_the_site_reach_gunicorns_socket(host: Host) -> None:
    ask = f"curl -sS --fail -o /dev/null --unix-socket /run/{SITE}-blue/gunicorn.sock http://x/"
    assert host.succeeds(f"runuser -u www-data -- {ask} -H 'X-Forwarded-For: x' -H 'X-Forwarded-Proto: http'")
    assert not host.succeeds(f"runuser -u nobody -- {ask}")
    assert not host.succeeds(f"runuser -u {SITE}-build -- {ask}")


def test_who_comes_while_gunicorn_starts_again_after_a_kill_waits_and_is_answered(host: Host) -> None:
    kill = "systemctl kill --kill-whom=all --signal=KILL gunicorn@blue"
    ask = f"curl -sS -o /dev/null -w '%{{http_code}} ' -H 'Host: {NAME}' http://127.0.0.1/"
    assert host.root(f"{kill}; for _ in 1 2 3; do {ask}; done").split() == ["200"] * 3


def test_a_slot_that_was_stopped_has_no_process_and_no_socket_left(host: Host) -> None:
    running = "pgrep --count --full 'gunicor[n] .*blue'"
    # The workers of a master that was killed stay until they notice it.
    host.root("systemctl kill --kill-whom=main --signal=KILL gunicorn@blue")
    assert int(host.root(running)) > 0
    stop = "from onhost import slots; from onhost.commands import Runner; slots._stop(Runner(), 'blue')"
    host.root(f'cd /usr/local/lib/seatrial && python3 -c "{stop}"')
    assert host.root(f"{running} || true").strip() == "0"
    assert not host.succeeds(f"test -e /run/{SITE}-blue/gunicorn.sock")
    host.root("systemctl start gunicorn@blue")
    assert host.succeeds(f"curl -sS --fail -o /dev/null -H 'Host: {NAME}' http://127.0.0.1/")


@pytest.mark.parametrize(("unit", "most"), [("gunicorn@blue", 12), ("nginx", 25), ("redis-server", 12)])
def test_each_service_is_shut_in(host: Host, unit: str, most: int) -> None:
    # In tenths of systemd's exposure level, of which less is better.
    verdict = host.run(f"systemd-analyze security --no-pager --threshold={most} {unit}.service")
    assert verdict.status == 0, verdict.out.splitlines()[-1]


def test_a_change_that_was_interrupted_is_finished_by_the_next_application(host: Host) -> None:
    changed = bundle(server_names=f"{NAME} www.{NAME}")
    ask = f"curl -sS --fail -o /dev/null -H 'Host: www.{NAME}' http://127.0.0.1/"
    obstacle = "/run/systemd/system/nginx.service.d/obstacle.conf"
    host.root(
        f"mkdir -p {obstacle.rsplit('/', 1)[0]}; "
        f"printf '[Service]\\nExecReload=\\nExecReload=/bin/false\\n' >{obstacle}; systemctl daemon-reload"
    )
    failed = host.apply(changed)
    assert failed.status != 0
    assert "nginx.service did not reload" in failed.err
    assert "role app failed" in failed.err or "seatrial:" in failed.err.splitlines()[-1]
    assert len(failed.err.splitlines()) <= 31
    assert not host.succeeds(ask)
    assert (
        host.must(f"curl -sS --fail -o /dev/null -w '%{{http_code}}' -H 'Host: {NAME}' http://127.0.0.1/")
        == "200"
    )

    host.root(f"rm {obstacle}; systemctl daemon-reload")
    finished = host.apply(changed)
    assert finished.status == 0, finished.err
    assert "nginx.service reload" in finished.out
    assert host.succeeds(ask)


def test_a_new_password_replaces_the_old_one_everywhere(host: Host) -> None:
    result = host.apply(bundle(password="another-password-9876543210"))
    assert result.status == 0, result.err
    assert "database: 1 changed: database password" in result.out
    assert host.succeeds(f"PGPASSWORD=another-password-9876543210 {PSQL} --command 'select 1'")
    assert not host.succeeds(f"PGPASSWORD={content.PASSWORD} {PSQL} --command 'select 1'")
    assert "another-password-9876543210" in host.root(f"cat /etc/{SITE}/site.json")


def test_who_a_visitor_is_and_how_he_came_is_believed_of_an_edge_alone(host: Host) -> None:
    result = host.apply(bundle(edge_addresses="127.0.0.1"))
    assert result.status == 0, result.err
    said = f"-H 'Host: {NAME}' -H 'X-Forwarded-For: 203.0.113.7' -H 'X-Forwarded-Proto: https'"
    of_the_edge = json.loads(host.must(f"curl -sS --fail {said} http://127.0.0.1/"))
    assert of_the_edge["forwarded_for"] == "203.0.113.7"
    assert (of_the_edge["forwarded_proto"], of_the_edge["scheme"]) == ("https", "https")
    of_another = json.loads(host.must(f"curl -sS --fail {said} http://{host.address}/"))
    assert of_another["forwarded_for"] == host.address
    assert of_another["forwarded_proto"] == "http"


def test_after_a_reboot_the_site_is_back_with_all_that_it_needs(host: Host) -> None:
    host.reboot()
    host.must("for _ in $(seq 60); do systemctl is-system-running --wait && break; sleep 0.5; done || true")
    may = json.loads(host.must(f"curl -sS --fail -H 'Host: {NAME}' http://127.0.0.1/"))["may"]
    assert may["reach redis"]
    assert may["reach postgres"]
    assert host.must("systemctl --failed --quiet --plain --no-legend") == ""
