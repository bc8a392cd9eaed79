"""What the tests put on a host: the bundle of a site, and a release that tells what it may do there."""

from __future__ import annotations

from pathlib import Path

from provisioning.bundle import Bundle, render

SITE = "shop"
NAME = "shop.example.test"
SECRET_KEY = "a-secret-key-nobody-may-see-in-a-log-0123456789"  # noqa: S105 - for this test alone
PASSWORD = "a-database-password-0123456789"  # noqa: S105
MOTTO = 'it "costs" $5 \\ `now`\nand #more;'

REPORTER = (Path(__file__).parent / "reporter.py").read_text()
"""A WSGI application that answers with what its process may and may not do."""

RELEASE = f"""
cd /
release=/srv/{SITE}/releases/one
install -d -m 0755 -o {SITE}-build -g {SITE} $release $release/static $release/code
build() {{ runuser -u {SITE}-build -- env HOME=/var/cache/{SITE}-build "$@"; }}
build uv venv --quiet $release/venv
build uv pip install --quiet --python $release/venv/bin/python gunicorn
cat >$release/code/seatrial_wsgi.py
echo "new" >$release/static/app.0123456789ab.css
gzip --keep $release/static/app.0123456789ab.css
echo "plain" >$release/static/plain.css
install -d /srv/{SITE}/releases/zero/static
echo "old" >/srv/{SITE}/releases/zero/static/app.ba9876543210.css
ln -sfn ../releases/one /srv/{SITE}/slots/blue.release
ln -sfn ../releases/one/code /srv/{SITE}/slots/blue
ln -sfn releases/one /srv/{SITE}/current
ln -sfn releases/zero /srv/{SITE}/previous
echo SEATRIAL_RELEASE=one >/srv/{SITE}/slots/blue.env
systemctl enable --quiet --now gunicorn@blue
ln -sfn /run/{SITE}-blue/gunicorn.sock /srv/{SITE}/live.sock
"""
"""Shell script of root's; the reporter on its stdin. Puts a release live by hand."""


def bundle(
    *,
    server_names: str = NAME,
    password: str = PASSWORD,
    memory_mb: int = 2048,
    edge_addresses: str = "",
) -> Bundle:
    """All roles of one host; the edges in front of it, if any."""
    return render(
        host="web",
        roles=["base", "cache", "database", "app"],
        variables={
            "site_name": SITE,
            "server_names": server_names,
            "url": f"http://{NAME}",
            "database": "postgres",
            "cache": "redis",
            "memory_mb": str(memory_mb),
            "cpus": "2",
            "stack": "test",
            "edge_addresses": edge_addresses,
        },
        secrets={"secret_key": SECRET_KEY, "database_password": password, "env.MOTTO": MOTTO},
    )
