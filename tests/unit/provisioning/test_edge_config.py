from __future__ import annotations

import pytest

from tests.unit.provisioning.test_bundle import bundle, files

EDGE = {
    "topology": "balanced",
    "private_address": "10.116.0.2",
    "private_network": "10.116.0.0/20",
    "health_path": "/health/?full=1",
    "drain_seconds": "30",
}
SECRETS = {"stats_password": "the-stats-password"}

GLOBAL = """\
# Seatrial: the edge of my-shop. Everything is logged to the journal (journalctl -t haproxy).
global
    log /run/systemd/journal/dev-log local0 info
    # A reload hands the open ports over: nobody is refused meanwhile.
    stats socket /run/haproxy/admin.sock mode 600 level admin expose-fd listeners
    stats timeout 1h
    maxconn 8000
    # What an old process of a reload may still finish.
    hard-stop-after 120s
    # Written before each reload (the unit has it): who is drained stays drained, who is new starts as down.
    server-state-file /run/haproxy/servers.state

defaults
    mode http
    log global
    log-format "%ci %{+Q}r %ST %B total=%Ta queue=%Tw connect=%Tc response=%Tr \
server=%b/%s retries=%rc state=%ts id=%ID"
    option dontlognull
    # One connection a request to the app hosts: one that nginx closes on a reload never has a request on it.
    option http-server-close
    # A visitor's kept connection outlives a reload until its next answer: no POST meets one that just closes.
    option idle-close-on-response
    timeout connect 1s
    timeout client 60s
    timeout http-request 15s
    timeout http-keep-alive 60s
    timeout queue 20s
    # Longer than nginx on the app hosts waits for the site.
    timeout server 80s
    timeout check 5s
    unique-id-format %[uuid()]

frontend visitors
    bind 0.0.0.0:80
    bind :::80 v6only
    http-request reject unless { req.hdr(host),field(1,:),lower -m str \
shop.example.test www.shop.example.test }
"""

FORWARDING = """\
    http-request set-header X-Request-ID %[unique-id]
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto http
    http-response set-header X-Request-ID %[unique-id]
    default_backend site

backend site
    balance leastconn
    load-server-state-from-file global
    option httpchk
    http-check send meth GET uri /health/?full=1 ver HTTP/1.1 hdr Host shop.example.test \
hdr X-Forwarded-Proto https hdr User-Agent seatrial-edge hdr Connection close
    http-check expect status 200-399
    # Another host is asked at once. What is not a GET or HEAD is never sent a second time.
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response 502 503
    http-request disable-l7-retry unless METH_GET
    # A host that lost its power is noticed after about 4 s, under open requests too.
    option srvtcpka
    srvtcpka-idle 1s
    srvtcpka-intvl 1s
    srvtcpka-cnt 3
    http-error status 503 content-type "text/html; charset=utf-8" file /etc/haproxy/maintenance.html \
hdr Retry-After 10 hdr Cache-Control no-store
    default-server inter 1s fastinter 500ms fall 2 rise 1 slowstart 10s maxconn 200 tcp-ut 4s
"""

WELLNESS = """
# For the other edge and for this host: 200 while an app host is up. One that is drained counts.
frontend wellness
    bind 10.116.0.2:8405
    option dontlog-normal
{}
    monitor-uri /
    monitor fail unless app_host_is_up
    http-request return status 404
"""

STATISTICS = """
listen statistics
    bind 10.116.0.2:8404
    option dontlog-normal
    http-request auth realm my-shop unless { http_auth(operators) }
    stats enable
    stats uri /
    stats refresh 10s
    stats hide-version
"""


def wellness(*names: str) -> str:
    return WELLNESS.format("\n".join(f"    acl app_host_is_up srv_is_up(site/{name})" for name in names))


def configuration(app_servers: str, **variables: str) -> str:
    rendered = bundle(
        roles=("edge",), variables={**EDGE, "app_servers": app_servers, **variables}, secrets=SECRETS
    )
    return files(rendered)["edge/files/haproxy.cfg"]


def test_one_app_host_gives_exactly_this_configuration() -> None:
    assert configuration("app-1=10.116.0.4") == (
        f"{GLOBAL}    # Clients may ask as often as they like.\n{FORWARDING}"
        f"    server app-1 10.116.0.4:80 check\n{wellness('app-1')}{STATISTICS}"
    )


def test_three_app_hosts_and_a_limit_give_exactly_this_configuration() -> None:
    limit = """\
    stick-table type ipv6 size 200k expire 30s store http_req_rate(10s)
    http-request track-sc0 src
    http-request return status 429 content-type "text/plain; charset=utf-8" \
string "Too many requests: wait a few seconds.\\n" hdr Retry-After 10 hdr Cache-Control no-store \
if { sc_http_req_rate(0) gt 100 }
"""
    servers = """\
    server app-1 10.116.0.4:80 check
    server app-2 10.116.0.5:80 check
    server app-3 10.116.0.9:80 check
"""
    given = "app-3=10.116.0.9 app-1=10.116.0.4 app-2=10.116.0.5"
    rest = f"{servers}{wellness('app-1', 'app-2', 'app-3')}{STATISTICS}"
    assert configuration(given, rate_limit="100") == f"{GLOBAL}{limit}{FORWARDING}{rest}"


def test_the_statistics_password_is_in_no_file_of_the_bundle() -> None:
    rendered = bundle(
        roles=("base", "edge"), variables={**EDGE, "app_servers": "app-1=10.116.0.4"}, secrets=SECRETS
    )
    assert "the-stats-password" not in "".join(files(rendered).values()) + rendered.command
    assert [pair.split("=", 1)[0] for pair in rendered.stdin.split("\n", 2)[1].split()] == ["edge_operators"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"app_servers": "app-1=10.116.0.4;stats"},
        {"app_servers": "app 1=10.116.0.4"},
        {"app_servers": "app-1=elsewhere"},
        {"health_path": "/x hdr Y z"},
        {"health_path": "health"},
        {"rate_limit": "-1"},
        {"private_address": "10.116.0.2:80"},
    ],
)
def test_what_haproxy_could_read_otherwise_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        configuration(**{"app_servers": "app-1=10.116.0.4", **wrong})


def test_a_statistics_password_that_could_be_more_than_a_word_is_refused() -> None:
    with pytest.raises(ValueError, match="host web: stats_password"):
        bundle(
            roles=("edge",),
            variables={**EDGE, "app_servers": "app-1=10.116.0.4"},
            secrets={"stats_password": "two words"},
        )
