"""How the hosts of a site reach each other: what the roles' files say of the other hosts. All of it is text.

A value is only there for the role that uses it, so that what changes on one host leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from provisioning.bundle_inputs import FAILOVER, is_shared
from provisioning.sitefile import database_name

FOR_SCRIPTS = ("edge_server_names", "drain_seconds", "private_address")
"""The values that the roles' scripts have too."""


def values_of(role: str, variables: Mapping[str, str]) -> dict[str, str]:
    """What `@{name}` stands for in the files of one role. `variables` are those of `bundle.render`."""
    makers = {
        "edge": _edge,
        "failover": _failover,
        "app": _app,
        "database": _database,
        "cache": _cache,
        "syslog": _syslog,
        "sender": _sender,
    }
    return makers[role](variables) if role in makers else {}


def _edge(variables: Mapping[str, str]) -> dict[str, str]:
    servers = dict(pair.split("=") for pair in sorted(variables["app_servers"].split()))
    url = urlsplit(variables["url"])
    limit = int(variables.get("rate_limit", "0"))
    return {
        "edge_servers": "\n".join(
            f"    server {name} {address}:80 check" for name, address in servers.items()
        ),
        "edge_server_names": " ".join(servers),
        "edge_app_hosts_up": "\n".join(f"    acl app_host_is_up srv_is_up(site/{name})" for name in servers),
        "server_names_lower": variables["server_names"].lower(),
        "edge_rate_limit": _rate_limit(limit) if limit else "    # Clients may ask as often as they like.",
        "private_address": variables["private_address"],
        "health_path": variables.get("health_path", "/"),
        "health_host": url.netloc,
        "health_scheme": url.scheme,
        "drain_seconds": variables.get("drain_seconds", "30"),
    }


def _failover(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: variables[name] for name in FAILOVER}


def _rate_limit(requests: int) -> str:
    return "\n".join(
        [
            "    stick-table type ipv6 size 200k expire 30s store http_req_rate(10s)",
            "    http-request track-sc0 src",
            '    http-request return status 429 content-type "text/plain; charset=utf-8" '
            'string "Too many requests: wait a few seconds.\\n" hdr Retry-After 10 '
            f"hdr Cache-Control no-store if {{ sc_http_req_rate(0) gt {requests} }}",
        ]
    )


def _app(variables: Mapping[str, str]) -> dict[str, str]:
    edges = variables.get("edge_addresses", "").split()
    if not edges:
        return {"visitor_scheme": "$scheme", "behind_edges": "# Visitors come to this host themselves."}
    trusted = "".join(f"set_real_ip_from {address};\n" for address in edges)
    known = "".join(f"    {address} 1;\n" for address in edges)
    return {
        "visitor_scheme": "$visitor_scheme",
        "behind_edges": "# Who the visitor is, and how he came, is believed of the edge alone.\n"
        f"{trusted}real_ip_header X-Forwarded-For;\n"
        f"geo $realip_remote_addr $from_edge {{\n    default 0;\n{known}}}\n"
        "map $from_edge$http_x_forwarded_proto $visitor_scheme {\n"
        "    default $scheme;\n    1http http;\n    1https https;\n}",
    }


def _database(variables: Mapping[str, str]) -> dict[str, str]:
    if not is_shared(variables):
        return {"postgres_listen": "", "postgres_remote": "", "postgres_home": "on the same host"}
    name = database_name(variables["site_name"])
    return {
        "postgres_listen": variables["private_address"],
        "postgres_remote": f"host  {name} {name} {variables['private_network']} scram-sha-256",
        "postgres_home": "on other hosts of the private network",
        "private_address": variables["private_address"],
    }


def _cache(variables: Mapping[str, str]) -> dict[str, str]:
    if not is_shared(variables):
        return {"redis_listen": "port 0"}
    address = variables["private_address"]
    listen = f"bind {address}\nport 6379\naclfile /etc/redis/seatrial.acl"
    return {"redis_listen": listen, "private_address": address}


def _syslog(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: variables[name] for name in ("private_address", "syslog_keep_days", "syslog_certificate")}


def _sender(variables: Mapping[str, str]) -> dict[str, str]:
    address, _, port = variables["syslog_server"].rpartition(":")
    certificate = variables.get("syslog_certificate", "")
    return {
        "syslog_address": address,
        "syslog_port": port,
        "syslog_name": variables["syslog_name"],
        "syslog_from": variables["syslog_from"],
        "syslog_certificate": certificate,
        "syslog_believed": "/etc/rsyslog.d/server.pem"
        if certificate
        else "/etc/ssl/certs/ca-certificates.crt",
    }
