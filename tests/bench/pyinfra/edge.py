"""HAProxy in front of the app hosts."""

from pyinfra import config, host, inventory
from pyinfra.operations import apt, files, systemd

config.SUDO = True

if "edge" in host.groups:
    apt.packages(name="HAProxy", packages=["haproxy", "socat"])
    balancer = files.template(
        name="HAProxy's configuration",
        src="../templates/haproxy.cfg.j2",
        dest="/etc/haproxy/haproxy.cfg",
        mode="644",
        server_name=host.data.server_name,
        app_servers={app.name: app.data.private_address for app in inventory.get_group("app")},
    )
    systemd.service(name="Reload HAProxy", service="haproxy", reloaded=True, _if=balancer.did_change)
