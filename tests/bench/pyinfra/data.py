"""PostgreSQL and Redis on the private address."""

from pyinfra import config, host
from pyinfra.facts.postgresql import PostgresqlDatabases, PostgresqlRoles
from pyinfra.operations import apt, files, postgresql, systemd

config.SUDO = True
POSTGRESQL = "/etc/postgresql/17/main"

if "data" in host.groups:
    facts = {
        "data_host": host.data.private_address,
        "private_network": host.data.private_network,
        "redis_password": host.data.redis_password,
    }

    apt.packages(name="PostgreSQL and Redis", packages=["postgresql", "redis-server"])
    settings = files.template(
        name="PostgreSQL's settings",
        src="../templates/postgresql.conf.j2",
        dest=f"{POSTGRESQL}/conf.d/site.conf",
        mode="644",
        **facts,
    )
    access = files.template(
        name="Who may connect to PostgreSQL",
        src="../templates/pg_hba.conf.j2",
        dest=f"{POSTGRESQL}/pg_hba.conf",
        user="postgres",
        group="postgres",
        mode="640",
        **facts,
    )
    systemd.service(
        name="Restart PostgreSQL",
        service="postgresql@17-main",
        restarted=True,
        _if=lambda: settings.did_change() or access.did_change(),
    )
    cache = files.template(
        name="Redis' settings",
        src="../templates/redis.conf.j2",
        dest="/etc/redis/site.conf",
        user="redis",
        group="redis",
        mode="640",
        **facts,
    )
    included = files.line(
        name="Redis reads them", path="/etc/redis/redis.conf", line="include /etc/redis/site.conf"
    )
    systemd.service(
        name="Restart Redis",
        service="redis-server",
        restarted=True,
        _if=lambda: cache.did_change() or included.did_change(),
    )
    # With a password given, the operation would set it in every run.
    if "todo" not in (host.get_fact(PostgresqlRoles, _sudo_user="postgres") or {}):
        postgresql.role(
            name="Database user", role="todo", password=host.data.database_password, _sudo_user="postgres"
        )
    if "todo" not in (host.get_fact(PostgresqlDatabases, _sudo_user="postgres") or {}):
        postgresql.database(name="Database", database="todo", owner="todo", _sudo_user="postgres")
