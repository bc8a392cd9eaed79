"""Database and cache of a host that other hosts use, over the private network."""

from __future__ import annotations

from tests.roles.content import PASSWORD, SITE
from tests.roles.fleet import REDIS_PASSWORD, Fleet

# What a client of Redis's protocol sends and gets; the arguments are the address, then commands.
_REDIS = """
import socket, sys
connection = socket.create_connection((sys.argv[1], 6379), 5)
for line in sys.stdin:
    connection.sendall(line.strip().encode() + b"\\r\\n")
    print(connection.recv(4096).decode().split("\\r\\n")[0].split(" ")[0])
"""


def redis(fleet: Fleet, *commands: str) -> list[str]:
    """The first word of Redis's answer to each command, sent by an app host."""
    program = f"python3 -c '{_REDIS}' {fleet.data.private_address}"
    return fleet.apps["app-1"].must(program, "".join(f"{command}\n" for command in commands)).split()


def login(fleet: Fleet, password: str, user: str = SITE, database: str = SITE) -> bool:
    """Whether PostgreSQL lets somebody in over the private network."""
    where = f"--host {fleet.data.private_address} --username {user} --no-psqlrc"
    return fleet.data.succeeds(f"PGPASSWORD={password} psql {where} --command 'select 1' {database}")


def listening(fleet: Fleet) -> set[str]:
    """What can be reached from elsewhere on the data host."""
    found = {line.split()[3] for line in fleet.data.root("ss -Htln").splitlines()}
    return {address for address in found if not address.startswith(("127.", "[::1]"))}


def test_database_and_cache_listen_on_the_private_address_alone(fleet: Fleet) -> None:
    private = fleet.data.private_address
    assert listening(fleet) == {"0.0.0.0:22", "[::]:22", f"{private}:5432", f"{private}:6379"}


def test_redis_lets_app_hosts_use_the_cache_by_its_password_and_not_rule_the_server(fleet: Fleet) -> None:
    assert redis(fleet, "GET x") == ["-NOAUTH"]
    assert redis(fleet, "AUTH wrong", "GET x") == ["-WRONGPASS", "-NOAUTH"]
    login = f"AUTH {REDIS_PASSWORD}"
    assert redis(fleet, login, "SET x 1 EX 60", "INCRBY x 2", "PEXPIRE x 900", "DEL x", "FLUSHDB") == [
        "+OK",
        "+OK",
        ":3",
        ":1",
        ":1",
        "+OK",
    ]
    ruling = ("CONFIG GET *", "ACL LIST", "KEYS *", "FLUSHALL", "SHUTDOWN", "REPLICAOF x 1", "MODULE LIST")
    assert redis(fleet, login, *ruling) == ["+OK", *["-NOPERM"] * len(ruling)]


def test_postgres_lets_the_site_in_by_its_password_and_nobody_else(fleet: Fleet) -> None:
    assert login(fleet, PASSWORD)
    assert not login(fleet, "wrong")
    assert not login(fleet, PASSWORD, user="postgres")
    assert not login(fleet, PASSWORD, database="postgres")
    reach = f"timeout 3 bash -c '</dev/tcp/{fleet.data.private_address}/5432'"
    assert fleet.apps["app-1"].succeeds(reach)


def test_both_are_back_after_a_reboot_even_where_the_private_address_is_late(fleet: Fleet) -> None:
    before = listening(fleet)
    fleet.data.reboot_before_the_private_address_is_up()
    assert listening(fleet) == before
    assert login(fleet, PASSWORD)
    assert redis(fleet, f"AUTH {REDIS_PASSWORD}", "PING") == ["+OK", "+PONG"]
    assert fleet.data.must("systemctl --failed --quiet --plain --no-legend") == ""
