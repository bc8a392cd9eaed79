"""Everything on every host (`fab deploy`), and new code alone (`fab release`).

Fabric runs commands; that a second run changes nothing is up to this file. What it does change, it says.
"""

import hashlib
import io
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from fabric import Connection, task
from jinja2 import Environment, FileSystemLoader
from paramiko import RejectPolicy

FLEET = json.loads(Path(os.environ["FLEET"]).read_text())
VALUES = FLEET["values"]
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    keep_trailing_newline=True,
    trim_blocks=True,
)
MANAGE = "set -a && . /etc/todo/site.env && /srv/todo/venv/bin/python manage.py"
PATIENCE = 30


def connect(role: str) -> dict[str, Connection]:
    """A connection to each host of a role, by its name."""
    connections = {}
    for name, host in FLEET["hosts"][role].items():
        connection = Connection(
            host["address"], user=FLEET["user"], connect_kwargs={"key_filename": FLEET["key_file"]}
        )
        connection.client.load_host_keys(FLEET["known_hosts"])
        connection.client.set_missing_host_key_policy(RejectPolicy())
        connections[name] = connection
    return connections


def at_once(work: Callable[[str, Connection], None], connections: dict[str, Connection]) -> None:
    """The same on several hosts."""
    with ThreadPoolExecutor(max_workers=10) as pool:
        for _ in pool.map(work, connections, connections.values()):
            pass


def root(connection: Connection, script: str, user: str = "root", warn: bool = False) -> Any:
    """Run a shell script as a user."""
    quoted = script.replace("'", "'\\''")
    return connection.run(f"sudo -n -u {user} bash -euc '{quoted}'", hide=True, warn=warn)


def changed(connection: Connection, what: str) -> None:
    """Say what was changed."""
    print(f"changed: {connection.host}: {what}", flush=True)


def packages(connection: Connection, *names: str) -> None:
    """Install what is missing."""
    installed = root(
        connection, f"dpkg-query -W -f '${{db:Status-Status}}\\n' {' '.join(names)} 2>/dev/null || true"
    )
    if installed.stdout.split().count("installed") == len(names):
        return
    fresh = root(
        connection,
        "find /var/lib/apt/lists -maxdepth 0 -mmin -60 | grep . && ls /var/lib/apt/lists/*Packages*",
        warn=True,
    )
    if fresh.failed:
        root(connection, "apt-get -q update")
    root(
        connection,
        f"DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends {' '.join(names)}",
    )
    changed(connection, f"packages {' '.join(names)}")


def install(
    connection: Connection,
    template: str,
    path: str,
    owner: str = "root:root",
    mode: str = "644",
    **facts: Any,
) -> bool:
    """Put a file there unless it is there already; whether it was put."""
    text = TEMPLATES.get_template(template).render(**facts)
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest in root(connection, f"sha256sum {path} 2>/dev/null || true").stdout:
        return False
    name = f"/tmp/{digest}"
    root(connection, f"rm -f {name}")
    connection.put(io.StringIO(text), name)
    user, group = owner.split(":")
    root(connection, f"install -D -o {user} -g {group} -m {mode} {name} {path} && rm {name}")
    changed(connection, path)
    return True


def common(_: str, connection: Connection) -> None:
    """What every host has."""
    packages(connection, "ca-certificates", "curl", "tzdata", "systemd-timesyncd", "unattended-upgrades")
    root(connection, "ln -sfn /usr/share/zoneinfo/Etc/UTC /etc/localtime")
    install(connection, "apt.conf", "/etc/apt/apt.conf.d/80site")
    if install(connection, "journald.conf", "/etc/systemd/journald.conf.d/site.conf"):
        root(connection, "systemctl restart systemd-journald")


def data_host(name: str, connection: Connection) -> None:
    """PostgreSQL and Redis on the private address."""
    packages(connection, "postgresql", "redis-server")
    facts = {**VALUES, "data_host": FLEET["hosts"]["data"][name]["private_address"]}
    postgresql = "/etc/postgresql/17/main"
    settings = install(connection, "postgresql.conf.j2", f"{postgresql}/conf.d/site.conf", **facts)
    access = install(
        connection, "pg_hba.conf.j2", f"{postgresql}/pg_hba.conf", "postgres:postgres", "640", **facts
    )
    if settings or access:
        root(connection, "systemctl restart postgresql@17-main")
    cache = install(connection, "redis.conf.j2", "/etc/redis/site.conf", "redis:redis", "640", **facts)
    line = "include /etc/redis/site.conf"
    if root(connection, f"grep -qxF '{line}' /etc/redis/redis.conf", warn=True).failed:
        root(connection, f"echo '{line}' >>/etc/redis/redis.conf")
        cache = True
        changed(connection, "/etc/redis/redis.conf")
    if cache:
        root(connection, "systemctl restart redis-server")
    ask = 'psql -tAc "SELECT 1 FROM pg_{}"'
    if not root(connection, ask.format("roles WHERE rolname = 'todo'"), "postgres").stdout.strip():
        statement = io.StringIO(f"CREATE ROLE todo LOGIN PASSWORD '{VALUES['database_password']}'")
        connection.run("sudo -n -u postgres psql -q -v ON_ERROR_STOP=1", hide=True, in_stream=statement)
        changed(connection, "database user")
    if not root(connection, ask.format("database WHERE datname = 'todo'"), "postgres").stdout.strip():
        root(connection, "createdb --owner=todo todo", "postgres")
        changed(connection, "database")


def app_host(_: str, connection: Connection) -> None:
    """What the site needs on its hosts."""
    packages(connection, "git", "libpq5", "nginx", "python3-venv")
    if root(connection, "id todo", warn=True).failed:
        root(connection, "useradd --system --home-dir /srv/todo --shell /usr/sbin/nologin todo")
        changed(connection, "user todo")
    root(connection, "install -d -o todo -g www-data -m 755 /srv/todo /srv/todo/releases /srv/todo/media")
    (edge,) = FLEET["hosts"]["edge"].values()
    (data,) = FLEET["hosts"]["data"].values()
    facts = {**VALUES, "data_host": data["private_address"], "edge_address": edge["private_address"]}
    environment = install(connection, "site.env.j2", "/etc/todo/site.env", "todo:www-data", "640", **facts)
    unit = install(connection, "gunicorn.service", "/etc/systemd/system/gunicorn.service")
    if environment or unit:
        root(connection, "systemctl daemon-reload && systemctl try-restart gunicorn")
    web = install(connection, "nginx-site.conf.j2", "/etc/nginx/sites-enabled/todo.conf", **facts)
    default = root(connection, "rm /etc/nginx/sites-enabled/default", warn=True).ok
    if web or default:
        root(connection, "systemctl reload nginx")


def edge_host(_: str, connection: Connection) -> None:
    """HAProxy in front of the app hosts."""
    packages(connection, "haproxy", "socat")
    servers = {name: host["private_address"] for name, host in FLEET["hosts"]["app"].items()}
    if install(connection, "haproxy.cfg.j2", "/etc/haproxy/haproxy.cfg", app_servers=servers, **VALUES):
        root(connection, "systemctl reload haproxy")


def build(connection: Connection, commit: str) -> None:
    """Code, Python packages and static files of a release."""
    folder = f"/srv/todo/releases/{commit}"
    if root(connection, f"test -e {folder}/staticfiles/CACHE/manifest.json", warn=True).ok:
        return
    root(
        connection,
        f"rm -rf {folder} && git clone -q {VALUES['repository']} {folder} && "
        f"git -C {folder} checkout -q {commit}",
        "todo",
    )
    root(connection, "test -e /srv/todo/venv/bin/pip || python3 -m venv /srv/todo/venv", "todo")
    root(connection, f"/srv/todo/venv/bin/pip install -q -r {folder}/requirements.txt", "todo")
    root(
        connection, f"cd {folder} && {MANAGE} collectstatic --noinput -v 0 && {MANAGE} compress -v 0", "todo"
    )
    changed(connection, f"release {commit}")


def migrate(connection: Connection, commit: str) -> None:
    """The database as the release wants it."""
    said = root(connection, f"cd /srv/todo/releases/{commit} && {MANAGE} migrate --noinput", "todo").stdout
    if "Applying " in said:
        changed(connection, "database tables")


def switch(name: str, connection: Connection, edge: Connection, commit: str) -> None:
    """Off the load balancer, over to the release, well, and back."""
    release = f"/srv/todo/releases/{commit}"
    before = root(connection, "readlink /srv/todo/current || true").stdout.strip()
    if before == release:
        return
    if before:
        tell_edge(edge, f"set server site/{name} state drain")
        wait_for_edge(edge, name, 4, "0")
    root(
        connection,
        f"ln -sfn {release} /srv/todo/current && systemctl restart gunicorn && systemctl -q enable gunicorn",
    )
    root(
        connection,
        f"for i in $(seq {PATIENCE}); do curl -fsS -o /dev/null -H 'Host: {VALUES['server_name']}' "
        "http://localhost/healthz && exit 0; sleep 1; done; exit 1",
    )
    if before:
        tell_edge(edge, f"set server site/{name} state ready")
        wait_for_edge(edge, name, 17, "UP")
    changed(connection, f"serves {commit}")


def tell_edge(edge: Connection, command: str) -> str:
    """What HAProxy answers."""
    said: str = root(edge, f"echo '{command}' | socat stdio /run/haproxy/admin.sock").stdout
    return said


def wait_for_edge(edge: Connection, name: str, column: int, wanted: str) -> None:
    """Until HAProxy's statistics say so of a host."""
    for _ in range(PATIENCE):
        rows = [line.split(",") for line in tell_edge(edge, "show stat site 4 -1").splitlines()]
        if any(row[1] == name and row[column] == wanted for row in rows[1:] if len(row) > column):
            return
        time.sleep(1)
    raise SystemExit(f"{name}: HAProxy's column {column} is not {wanted}")


@task
def deploy(_: Any, commit: str) -> None:
    """Everything, on every host."""
    data, app, edge = connect("data"), connect("app"), connect("edge")
    at_once(common, {**data, **app, **edge})
    at_once(data_host, data)
    at_once(app_host, app)
    _release(app, edge, commit)
    # Last, so that it never knows a host before that host serves.
    at_once(edge_host, edge)


@task
def release(_: Any, commit: str) -> None:
    """New code: built on all app hosts at once, migrated once, then switched host by host."""
    _release(connect("app"), connect("edge"), commit)


def _release(app: dict[str, Connection], edge: dict[str, Connection], commit: str) -> None:
    at_once(lambda _, connection: build(connection, commit), app)
    first, *_ = app.values()
    migrate(first, commit)
    (balancer,) = edge.values()
    for name, connection in app.items():
        switch(name, connection, balancer, commit)
