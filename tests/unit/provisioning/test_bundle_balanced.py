from __future__ import annotations

import json

import pytest

from provisioning.sitefile import redis_acl, site_json
from provisioning.sizing import size_for
from tests.unit.provisioning.test_bundle import SECRETS, VARIABLES, bundle, files

DATA = {"topology": "balanced", "private_address": "10.116.0.3", "private_network": "10.116.0.0/20"}
APP = {
    "topology": "balanced",
    "private_address": "10.116.0.4",
    "database_host": "10.116.0.3",
    "redis_host": "10.116.0.3",
    "edge_addresses": "10.116.0.2 10.116.0.8",
}
PASSWORDS = {"redis_password": "the-redis-password"}


def test_database_and_cache_listen_for_the_private_network_where_other_hosts_use_them() -> None:
    content = files(bundle(roles=("base", "database", "cache"), variables=DATA, secrets=PASSWORDS))
    assert "listen_addresses = '10.116.0.3'\n" in content["database/files/postgresql.conf"]
    rules = content["database/files/pg_hba.conf"].splitlines()
    assert [line.split() for line in rules if line.startswith("host")] == [
        ["host", "my_shop", "my_shop", "10.116.0.0/20", "scram-sha-256"]
    ]
    redis = content["cache/files/redis.conf"].splitlines()
    assert {"bind 10.116.0.3", "port 6379", "aclfile /etc/redis/seatrial.acl"} <= {*redis}


def test_on_a_single_host_nothing_but_sockets_is_listened_on() -> None:
    content = files(bundle())
    assert "listen_addresses = ''\n" in content["database/files/postgresql.conf"]
    assert not any(line.startswith("host") for line in content["database/files/pg_hba.conf"].splitlines())
    assert "port 0\n" in content["cache/files/redis.conf"]
    assert "X-Forwarded-Proto $scheme;" in content["app/files/nginx-site.conf"]
    assert "real_ip" not in content["app/files/nginx-site.conf"]


def test_an_app_host_is_told_where_database_and_cache_are() -> None:
    site = json.loads(
        site_json({**VARIABLES, **APP}, {**SECRETS, "redis_password": "p@ss/word"}),
    )
    assert (site["database"]["host"], site["database"]["port"]) == ("10.116.0.3", "5432")
    assert site["cache"] == {"url": "redis://:p%40ss%2Fword@10.116.0.3:6379/0"}


def test_an_app_host_believes_its_edges_and_nobody_else() -> None:
    nginx = files(bundle(roles=("base", "app"), variables=APP, secrets=PASSWORDS))[
        "app/files/nginx-site.conf"
    ]
    trusted = [line for line in nginx.splitlines() if line.startswith("set_real_ip_from")]
    assert trusted == ["set_real_ip_from 10.116.0.2;", "set_real_ip_from 10.116.0.8;"]
    assert "X-Forwarded-Proto $visitor_scheme;" in nginx


def test_the_redis_user_is_kept_from_the_server_and_its_password_from_the_file() -> None:
    acl = redis_acl("the-redis-password")
    assert "the-redis-password" not in acl
    assert acl.endswith(" +@all -@admin -@dangerous +flushdb +info\n")


@pytest.mark.parametrize(
    "roles",
    [("base", "app"), ("base", "database", "cache"), ("base",)],
)
def test_one_more_app_host_changes_nothing_on_the_other_hosts(roles: tuple[str, ...]) -> None:
    def digest(app_servers: str) -> str:
        variables = {**DATA, **APP, "app_servers": app_servers, "rate_limit": str(len(app_servers))}
        secrets = {**PASSWORDS, "stats_password": f"s{len(app_servers)}"}
        return bundle(roles=roles, variables=variables, secrets=secrets).digest

    assert digest("app-1=10.116.0.4") == digest("app-1=10.116.0.4 app-2=10.116.0.5")


def test_what_a_role_lacks_is_said_with_the_role_that_needs_it() -> None:
    with pytest.raises(ValueError, match="variable") as raised:
        bundle(roles=("edge", "cache"), variables={"topology": "balanced"})
    assert str(raised.value).splitlines() == [
        "variable app_servers is missing: the role edge needs it here",
        "variable private_address is missing: the role edge needs it here",
        "variable private_address is missing: the role cache needs it here",
        "variable private_network is missing: the role cache needs it here",
        "secret redis_password is missing",
        "secret stats_password is missing",
    ]


def test_a_shared_database_takes_many_hosts_without_asking_how_many() -> None:
    sizes = {memory: size_for(memory_mb=memory, cpus=2, shared=True) for memory in (1024, 2048, 16384)}
    assert [size.postgres_connections for size in sizes.values()] == [128, 256, 1000]


@pytest.mark.parametrize("memory_mb", [512, 1024, 16384])
def test_the_edge_may_open_two_files_for_each_visitor(memory_mb: int) -> None:
    size = size_for(memory_mb=memory_mb, cpus=1)
    assert 2 * size.edge_connections < size.edge_files < 20000
