"""The way in from a browser on this machine: connections are handed to the droplet whose name they ask for.

`*.localhost` names lead to loopback in browsers and curl; here the name in the request, or in the TLS
greeting, is looked up in the cloud's own zones.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import IPv4Address, IPv4Network

from localcloud.client_hello import UNRECOGNIZED_NAME, NotTls, server_name
from localcloud.state import Domain
from localcloud.zones import addresses_of

log = logging.getLogger(__name__)
HOST = re.compile(rb"^host:[ \t]*([^\r\n]*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
MOST_HEAD_BYTES = 64 * 1024
GREETING_SECONDS, CONNECT_SECONDS = 30, 5
Zones = Callable[[], Mapping[str, Domain]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class NoWay(Exception):
    """Why a connection cannot be handed on, as the page says it."""


def droplet_address(zones: Mapping[str, Domain], network: IPv4Network, name: str) -> str:
    """The address that a name leads to. Raises NoWay for none, or one outside the cloud's public network."""
    found = addresses_of(zones, name)
    if not found:
        known = sorted(
            zone.name if record.name == "@" else f"{record.name}.{zone.name}"
            for zone in zones.values()
            for record in zone.records.values()
            if record.type in ("A", "CNAME")
        )
        there = f"Names there are: {', '.join(known)}." if known else "There are no names yet."
        raise NoWay(f"No record in the local cloud gives an address for {name or '(no name)'}. {there}")
    for address in found:
        if IPv4Address(address) in network:
            return address
    raise NoWay(f"{name} leads to {found[0]}, which is no address of the local cloud ({network}).")


async def serve_http(
    sock: socket.socket, zones: Zones, network: IPv4Network, port: int = 80
) -> asyncio.Server:
    """Hand on plain http connections by their Host header."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await _read(reader, lambda data: b"\r\n\r\n" in data or b"\n\n" in data)
        try:
            match = HOST.search(head)
            host = match.group(1).decode("ascii", "replace") if match else ""
            name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
            onward = await _connect(droplet_address(zones(), network, name), port, name)
        except NoWay as reason:
            writer.write(_page(str(reason)))
            return
        await _splice(reader, writer, *onward, first=head)

    return await asyncio.start_server(_closing(talk), sock=sock)


async def serve_tls(
    sock: socket.socket, zones: Zones, network: IPv4Network, port: int = 443
) -> asyncio.Server:
    """Hand on TLS connections by the name in their greeting; the droplet itself answers it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await _read(reader, lambda data: server_name(data) is not None)
            name = server_name(head) or ""
            onward = await _connect(droplet_address(zones(), network, name), port, name)
        except NotTls:
            return
        except NoWay as reason:
            log.warning("front door: %s", reason)
            writer.write(UNRECOGNIZED_NAME)
            return
        await _splice(reader, writer, *onward, first=head)

    return await asyncio.start_server(_closing(talk), sock=sock)


def _closing(talk: Talk) -> Talk:
    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
            await writer.drain()
        except (ConnectionError, TimeoutError):
            pass
        finally:
            writer.close()

    return guarded


async def _read(reader: asyncio.StreamReader, enough: Callable[[bytes], bool]) -> bytes:
    data = b""
    async with asyncio.timeout(GREETING_SECONDS):
        while not enough(data) and len(data) < MOST_HEAD_BYTES:
            more = await reader.read(MOST_HEAD_BYTES)
            if not more:
                break
            data += more
    if not data:
        raise ConnectionError
    return data


async def _connect(address: str, port: int, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_connection(address, port)
    except TimeoutError as error:
        raise NoWay(
            f"{name} leads to {address}, where port {port} does not answer: the droplet is off, "
            "or a firewall does not let the port through."
        ) from error
    except OSError as error:
        raise NoWay(f"{name} leads to {address}, where nothing listens on port {port}.") from error


async def _splice(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    onward_reader: asyncio.StreamReader,
    onward_writer: asyncio.StreamWriter,
    *,
    first: bytes,
) -> None:
    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(MOST_HEAD_BYTES):
                target.write(data)
                await target.drain()
            if target.can_write_eof():
                target.write_eof()
        except (ConnectionError, RuntimeError):  # one side is gone, so the other need not wait
            onward_writer.close()
            writer.close()

    try:
        onward_writer.write(first)
        await asyncio.gather(copy(reader, onward_writer), copy(onward_reader, writer))
    finally:
        onward_writer.close()


def _page(reason: str) -> bytes:
    body = f"502 Bad Gateway\n\n{reason}\n".encode()
    head = (
        "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
