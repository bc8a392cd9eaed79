"""New code: built on all app hosts at once, migrated once, then switched host by host."""

import shlex
import time

from pyinfra import config, host, inventory
from pyinfra.facts.files import Link
from pyinfra.operations import git, pip, python, server, systemd

config.SUDO = True

RELEASE = f"/srv/todo/releases/{host.data.commit}"
MANAGE = "set -a && . /etc/todo/site.env && /srv/todo/venv/bin/python manage.py"
PATIENCE = 30


def tell_edge(command: str) -> str:
    """What HAProxy answers."""
    edge = inventory.get_host("edge-1")
    done, said = edge.run_shell_command(
        f"echo {shlex.quote(command)} | socat stdio /run/haproxy/admin.sock", _sudo=True
    )
    if not done:
        raise RuntimeError(said.output)
    return str(said.stdout)


def wait_for_edge(column: int, wanted: str) -> None:
    """Until HAProxy's statistics say so of this host."""
    for _ in range(PATIENCE):
        rows = [line.split(",") for line in tell_edge("show stat site 4 -1").splitlines()]
        if any(row[1] == host.name and row[column] == wanted for row in rows[1:] if len(row) > column):
            return
        time.sleep(1)
    raise RuntimeError(f"{host.name}: HAProxy's column {column} is not {wanted}")


def on_host(command: str) -> None:
    """Run it, or fail."""
    done, said = host.run_shell_command(command, _sudo=True)
    if not done:
        raise RuntimeError(said.output)


def switch(is_first: bool) -> None:
    """Off the load balancer, over to the release, well, and back."""
    if not is_first:
        tell_edge(f"set server site/{host.name} state drain")
        wait_for_edge(4, "0")
    on_host(f"ln -sfn {RELEASE} /srv/todo/current && systemctl restart gunicorn")
    on_host(
        f"for i in $(seq {PATIENCE}); do curl -fsS -o /dev/null -H 'Host: {host.data.server_name}' "
        "http://localhost/healthz && exit 0; sleep 1; done; exit 1"
    )
    if not is_first:
        tell_edge(f"set server site/{host.name} state ready")
        wait_for_edge(17, "UP")


if "app" in host.groups:
    code = git.repo(
        name="Code",
        src=host.data.repository,
        dest=RELEASE,
        branch="main",
        pull=False,
        _sudo_user="todo",
    )
    pip.venv(name="Virtual environment", path="/srv/todo/venv", python="python3", _sudo_user="todo")
    pip.packages(
        name="Python packages",
        requirements=f"{RELEASE}/requirements.txt",
        virtualenv="/srv/todo/venv",
        _sudo_user="todo",
        _if=code.did_change,
    )
    server.shell(
        name="Static files",
        commands=[
            f"cd {RELEASE} && {MANAGE} collectstatic --noinput -v 0",
            f"cd {RELEASE} && {MANAGE} compress -v 0",
        ],
        _sudo_user="todo",
        _if=code.did_change,
    )
    if host.name == "app-1":
        server.shell(
            name="Migrations",
            commands=[f"cd {RELEASE} && {MANAGE} migrate --noinput"],
            _sudo_user="todo",
            _if=code.did_change,
        )
    current = host.get_fact(Link, path="/srv/todo/current")
    if not current or current["link_target"] != RELEASE:
        python.call(name="Switch", function=switch, is_first=not current, _serial=True)
    systemd.service(name="gunicorn runs", service="gunicorn", running=True, enabled=True)
