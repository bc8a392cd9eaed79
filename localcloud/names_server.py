"""The cloud's DNS server: authoritative for its zones, over UDP and TCP, on loopback."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Mapping
from typing import cast

from dnslib import (  # type: ignore[import-untyped]
    AAAA,
    CAA,
    CNAME,
    EDNS0,
    MX,
    NS,
    QTYPE,
    RCODE,
    RD,
    RR,
    SOA,
    SRV,
    TXT,
    A,
    DNSError,
    DNSHeader,
    DNSRecord,
)

from localcloud.state import Domain
from localcloud.zones import Found, answer

log = logging.getLogger(__name__)
Zones = Callable[[], Mapping[str, Domain]]
PLAIN_UDP_BYTES, MOST_UDP_BYTES = 512, 1232
IDLE_SECONDS = 10


def reply(zones: Mapping[str, Domain], packet: bytes, *, udp: bool) -> bytes | None:
    """The answer to a packet; None to what is no DNS query at all. Over UDP a long one is cut and says so."""
    try:
        query = DNSRecord.parse(packet)
    except (DNSError, struct.error, ValueError, IndexError, UnicodeError):
        return _malformed(packet)
    if query.header.qr:
        return None
    room = [int(record.edns_len) for record in query.ar if record.rtype == QTYPE.OPT]
    answered = _begin(query, edns=bool(room))
    if query.header.opcode != 0:
        answered.header.rcode = RCODE.NOTIMP
    elif len(query.questions) != 1:
        answered.header.rcode = RCODE.FORMERR
    else:
        _fill(zones, query, answered)
    packed = bytes(answered.pack())
    if udp and len(packed) > min(max([*room, PLAIN_UDP_BYTES]), MOST_UDP_BYTES):
        cut = _begin(query, edns=bool(room))
        cut.header.tc = 1
        return bytes(cut.pack())
    return packed


async def serve_udp(sock: socket.socket, zones: Zones) -> asyncio.DatagramTransport:
    """Answer queries that come to a bound UDP socket, until the transport is closed."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Udp(zones), sock=sock)
    return transport


async def serve_tcp(sock: socket.socket, zones: Zones) -> asyncio.Server:
    """Answer queries that come to a bound TCP socket, until the server is closed."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                async with asyncio.timeout(IDLE_SECONDS):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    packet = await reader.readexactly(length)
                answered = reply(zones(), packet, udp=False)
                if answered is None:
                    return
                writer.write(struct.pack("!H", len(answered)) + answered)
                await writer.drain()
        except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
            return
        finally:
            writer.close()

    return await asyncio.start_server(talk, sock=sock)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, zones: Zones) -> None:
        self._zones = zones

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answered = reply(self._zones(), data, udp=True)
        if answered is not None:
            self._transport.sendto(answered, addr)


def _begin(query: DNSRecord, *, edns: bool) -> DNSRecord:
    answered = query.reply(ra=0, aa=1)
    answered.header.ad = answered.header.cd = 0
    if edns:
        answered.add_ar(EDNS0(udp_len=MOST_UDP_BYTES))
    return answered


def _fill(zones: Mapping[str, Domain], query: DNSRecord, answered: DNSRecord) -> None:
    name = str(query.q.qname).rstrip(".").lower()
    found = answer(zones, name, str(QTYPE.get(query.q.qtype, query.q.qtype)))
    if found.refused:
        answered.header.rcode = RCODE.REFUSED
        answered.header.aa = 0
        return
    if not found.known:
        answered.header.rcode = RCODE.NXDOMAIN
    for record in found.records:
        answered.add_answer(_wire(record))
    for record in found.authority:
        answered.add_auth(_wire(record))


def _wire(found: Found) -> RR:
    return RR(found.name, getattr(QTYPE, found.type), ttl=found.ttl, rdata=_data(found))


def _data(found: Found) -> RD:
    record = found.record
    match found.type:
        case "A":
            return A(found.data)
        case "AAAA":
            return AAAA(found.data)
        case "CNAME":
            return CNAME(found.data)
        case "NS":
            return NS(found.data)
        case "MX" if record:
            return MX(found.data, record.priority)
        case "SRV" if record:
            return SRV(record.priority, record.weight, record.port, found.data)
        case "CAA" if record:
            return CAA(record.flags, record.tag, found.data)
        case "TXT":
            text = found.data.encode()
            return TXT([text[start : start + 255] for start in range(0, len(text), 255)])
        case "SOA":
            primary, contact, *numbers = found.data.split()
            return SOA(primary, contact, tuple(map(int, numbers)))
        case other:
            raise ValueError(f"no record type {other}")


def _malformed(packet: bytes) -> bytes | None:
    if len(packet) < 12:
        return None
    (number,) = struct.unpack("!H", packet[:2])
    return bytes(DNSRecord(DNSHeader(id=number, qr=1, rcode=RCODE.FORMERR)).pack())
