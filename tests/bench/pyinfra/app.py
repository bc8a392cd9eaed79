"""What the site needs on its hosts."""

from pyinfra import config, host, inventory
from pyinfra.operations import apt, files, server, systemd

config.SUDO = True

if "app" in host.groups:
    apt.packages(name="What the site needs", packages=["git", "libpq5", "nginx", "python3-venv"])
    server.user(
        name="The site's user",
        user="todo",
        home="/srv/todo",
        shell="/usr/sbin/nologin",
        system=True,
        create_home=False,
        ensure_home=False,
    )
    for folder in ("/srv/todo", "/srv/todo/releases", "/srv/todo/media"):
        files.directory(name=f"Folder {folder}", path=folder, user="todo", group="www-data", mode="755")
    environment = files.template(
        name="The site's environment",
        src="../templates/site.env.j2",
        dest="/etc/todo/site.env",
        user="todo",
        group="www-data",
        mode="640",
        server_name=host.data.server_name,
        secret_key=host.data.secret_key,
        data_host=inventory.get_host("data-1").data.private_address,
        database_password=host.data.database_password,
        redis_password=host.data.redis_password,
    )
    unit = files.put(
        name="gunicorn's unit",
        src="../templates/gunicorn.service",
        dest="/etc/systemd/system/gunicorn.service",
        mode="644",
    )
    systemd.daemon_reload(name="systemd reads it", _if=unit.did_change)
    server.shell(
        name="Restart gunicorn",
        # Before the first release there is nothing to restart.
        commands=["systemctl try-restart gunicorn"],
        _if=lambda: environment.did_change() or unit.did_change(),
    )
    web = files.template(
        name="nginx' site",
        src="../templates/nginx-site.conf.j2",
        dest="/etc/nginx/sites-enabled/todo.conf",
        mode="644",
        server_name=host.data.server_name,
        edge_address=inventory.get_host("edge-1").data.private_address,
    )
    default = files.link(name="No default site", path="/etc/nginx/sites-enabled/default", present=False)
    systemd.service(
        name="Reload nginx",
        service="nginx",
        reloaded=True,
        _if=lambda: web.did_change() or default.did_change(),
    )
