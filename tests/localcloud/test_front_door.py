"""The way from a browser on this machine to a droplet, with a plain server in the droplet's place."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from localcloud.certificates import ensure_certificates
from localcloud.client_hello import NotTls, server_name
from localcloud.front_door import NoWay, droplet_address, serve_http, serve_tls
from localcloud.state import DnsRecord, Domain

LOOPBACK = IPv4Network("127.0.0.0/8")
CLOUD = IPv4Network("198.18.0.0/24")
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def zones(address: str = "127.0.0.1") -> dict[str, Domain]:
    records = [
        DnsRecord(id=1, type="A", name="todo", data=address, ttl=60),
        DnsRecord(id=2, type="CNAME", name="www", data="todo.seatrial.localhost", ttl=60),
    ]
    zone = Domain(name="seatrial.localhost", records={record.id: record for record in records})
    return {zone.name: zone}


async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers with the request's first line and what follows the head."""
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(5) if b"POST" in head else b""
    said = head.splitlines()[0] + b" " + body
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(said) + said)
    await writer.drain()
    writer.close()


def free_socket() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


@asynccontextmanager
async def site(talk: Talk = hello, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server where a droplet would be; its port."""
    server = await asyncio.start_server(talk, sock=free_socket(), ssl=tls)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def send(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


async def through_the_door(
    request: bytes, address: str = "127.0.0.1", network: IPv4Network = LOOPBACK
) -> bytes:
    sock = free_socket()
    async with site() as port, await serve_http(sock, lambda: zones(address), network, port):
        return await send(sock.getsockname()[1], request)


@pytest.mark.parametrize(
    "host", ["todo.seatrial.localhost", "TODO.seatrial.localhost:8080", "www.seatrial.localhost"]
)
def test_a_request_goes_to_the_droplet_of_its_host(host: str) -> None:
    answer = asyncio.run(through_the_door(f"GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()))
    assert answer.endswith(b"GET /a HTTP/1.1 ")


def test_a_body_sent_with_the_head_arrives() -> None:
    request = b"POST / HTTP/1.1\r\nhost: todo.seatrial.localhost\r\nContent-Length: 5\r\n\r\n12345"
    assert asyncio.run(through_the_door(request)).endswith(b"POST / HTTP/1.1 12345")


@pytest.mark.parametrize(
    ("host", "address", "reason"),
    [
        ("shop.seatrial.localhost", "127.0.0.1", "for shop.seatrial.localhost. Names there are: todo."),
        ("", "127.0.0.1", "No record in the local cloud gives an address for (no name)"),
        ("todo.seatrial.localhost", "10.9.8.7", "leads to 10.9.8.7, which is no address of the local cloud"),
    ],
)
def test_a_request_that_leads_nowhere_gets_a_page_that_says_why(host: str, address: str, reason: str) -> None:
    answer = asyncio.run(through_the_door(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), address))
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert reason in answer.decode()


def test_a_droplet_with_nothing_on_the_port_gets_a_page_that_says_so() -> None:
    async def ask() -> bytes:
        sock, closed = free_socket(), free_socket()
        async with await serve_http(sock, zones, LOOPBACK, closed.getsockname()[1]):
            return await send(
                sock.getsockname()[1], b"GET / HTTP/1.1\r\nHost: todo.seatrial.localhost\r\n\r\n"
            )

    assert "where nothing listens on port" in asyncio.run(ask()).decode()


def test_only_addresses_of_the_cloud_are_led_to() -> None:
    assert droplet_address(zones("198.18.0.7"), CLOUD, "todo.seatrial.localhost.") == "198.18.0.7"
    with pytest.raises(NoWay, match=r"which is no address of the local cloud \(198\.18\.0\.0/24\)"):
        droplet_address(zones("127.0.0.1"), CLOUD, "todo.seatrial.localhost")


def test_tls_is_led_by_the_name_in_its_greeting_and_ends_at_the_droplet(tmp_path: Path) -> None:
    certificate, key = ensure_certificates(tmp_path, "test")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    client.check_hostname = False

    async def ask(name: str) -> bytes:
        sock = free_socket()
        async with site(tls=server) as port, await serve_tls(sock, zones, LOOPBACK, port):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", sock.getsockname()[1], ssl=client, server_hostname=name
            )
            writer.write(b"GET /secret HTTP/1.1\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            return answer

    assert asyncio.run(ask("todo.seatrial.localhost")).endswith(b"GET /secret HTTP/1.1 ")
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        asyncio.run(ask("shop.seatrial.localhost"))


def greeting(name: str | None) -> bytes:
    """The first bytes of a TLS client."""
    context = ssl.create_default_context()
    context.check_hostname = name is not None
    outgoing = ssl.MemoryBIO()
    connection = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


def test_the_name_is_read_however_the_greeting_is_cut() -> None:
    data = greeting("todo.seatrial.localhost")
    assert server_name(data) == "todo.seatrial.localhost"
    assert {server_name(data[:length]) for length in range(len(data))} == {None}
    body = data[5:]
    halves = [body[:50], body[50:]]
    records = b"".join(b"\x16\x03\x01" + len(half).to_bytes(2) + half for half in halves)
    assert server_name(records) == "todo.seatrial.localhost"


def test_a_greeting_without_a_name_has_none() -> None:
    assert server_name(greeting(None)) == ""


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x00\x06\x02\x00\x00\x02ab"])
def test_what_is_no_greeting_is_known_as_such(data: bytes) -> None:
    with pytest.raises(NotTls):
        server_name(data)


def test_a_greeting_with_any_byte_wrong_does_no_harm() -> None:
    data = greeting("todo.seatrial.localhost")
    for position in range(len(data)):
        with suppress(NotTls):
            name = server_name(data[:position] + b"\xff" + data[position + 1 :])
            assert name is None or isinstance(name, str)
