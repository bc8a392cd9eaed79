"""Reads the name a TLS client asks for, out of the first bytes it sends. Nothing is decrypted."""

from __future__ import annotations

HANDSHAKE, CLIENT_HELLO, SERVER_NAME, HOST_NAME = 22, 1, 0, 0
UNRECOGNIZED_NAME = bytes([21, 3, 3, 0, 2, 2, 112])
"""The alert for a client whose name nobody answers to."""


class NotTls(Exception):
    """The bytes are no TLS client's."""


def server_name(data: bytes) -> str | None:
    """The name in a ClientHello, "" where it has none, None while more bytes are needed. Raises NotTls."""
    hello = bytearray()
    position = 0
    while len(hello) < 4 or len(hello) < 4 + int.from_bytes(hello[1:4]):
        if len(data) > position and data[position] != HANDSHAKE:
            raise NotTls
        if len(data) < position + 5:
            return None
        length = int.from_bytes(data[position + 3 : position + 5])
        if len(data) < position + 5 + length:
            return None
        hello += data[position + 5 : position + 5 + length]
        position += 5 + length
    if hello[0] != CLIENT_HELLO:
        raise NotTls
    try:
        return _name(bytes(hello[4 : 4 + int.from_bytes(hello[1:4])]))
    except (IndexError, UnicodeDecodeError) as error:
        raise NotTls from error


def _name(hello: bytes) -> str:
    position = 2 + 32  # version, random
    position += 1 + hello[position]  # session id
    position += 2 + int.from_bytes(hello[position : position + 2])  # cipher suites
    position += 1 + hello[position]  # compression methods
    end = position + 2 + int.from_bytes(hello[position : position + 2])
    position += 2
    while position + 4 <= end:
        kind, length = (int.from_bytes(hello[position + n : position + n + 2]) for n in (0, 2))
        position += 4
        if kind == SERVER_NAME:
            names = hello[position + 2 : position + length]
            if names[0] == HOST_NAME:
                size = int.from_bytes(names[1:3])
                return names[3 : 3 + size].decode("ascii")
        position += length
    return ""
