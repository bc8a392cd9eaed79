"""One SSH connection to a host: its key is known before, it stays open, and commands stream through it."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType

import paramiko

_KEEPALIVE_SECONDS = 10
_SILENCE_SECONDS = 30
"""A host that acknowledges nothing for so long is gone: switched off, or cut off."""
_KEPT_LINES = 200


class ConnectionFailed(Exception):
    """A host can't be reached, is not the one it should be, or went away; in one line."""


@dataclass(frozen=True)
class Completed:
    """A command that ended: its exit status, and the last lines of its error output."""

    status: int
    errors: tuple[str, ...]


class Connection:
    """An SSH connection with a pinned host key. Use it as a context manager, from any number of threads."""

    def __init__(self, transport: paramiko.Transport, address: str) -> None:
        self._transport = transport
        self._address = address

    @classmethod
    def open(
        cls,
        address: str,
        *,
        user: str,
        private_key: str,
        host_key: str,
        port: int = 22,
        patience: float = 30.0,
    ) -> Connection:
        """Connect, trying again for `patience` seconds while nothing answers. Raises ConnectionFailed.

        `host_key` is the only one accepted, in the form of a known_hosts or authorized_keys line
        (`ssh-ed25519 AAAA...`); a host with another key is not talked to.
        """
        key = read_private_key(private_key)
        deadline = time.monotonic() + patience
        while True:
            try:
                return cls(_connect(address, port, user, key, host_key), address)
            except (OSError, EOFError, paramiko.SSHException) as error:
                # Wrong keys do not become right ones; everything else may be a host that still boots.
                if isinstance(error, paramiko.AuthenticationException):
                    raise ConnectionFailed(f"{user}@{address} does not accept the stack's SSH key") from None
                if isinstance(error, paramiko.BadHostKeyException):
                    raise ConnectionFailed(
                        f"{address} shows another host key than the one this stack gave it: "
                        "it is not our host, or it was reinstalled outside of Pulumi"
                    ) from None
                if time.monotonic() > deadline:
                    raise ConnectionFailed(
                        f"{address} port {port} can't be reached by SSH ({error or type(error).__name__}); "
                        "is this machine's address in seatrial:ssh_allowed, and the droplet on?"
                    ) from None
                time.sleep(1)

    def run(
        self,
        command: str,
        stdin: bytes | Iterable[bytes] = b"",
        *,
        on_line: Callable[[str], None] | None = None,
        hold: bool = False,
        timeout: float = 1800.0,
    ) -> Completed:
        """Run a command to its end, giving each line of its output to `on_line`. Raises ConnectionFailed.

        With `hold` its stdin stays open until it ends: a command that watches it notices when we are gone.
        """
        try:
            channel = self._transport.open_session(timeout=15)
            channel.settimeout(timeout)
            channel.exec_command(command)
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise self._lost(error) from None
        writer = threading.Thread(target=_feed, args=(channel, stdin, hold), daemon=True)
        errors: deque[str] = deque(maxlen=_KEPT_LINES)
        reader = threading.Thread(target=_read_errors, args=(channel, errors), daemon=True)
        writer.start()
        reader.start()
        try:
            for line in _lines(channel.recv):
                if on_line:
                    on_line(line)
            status = channel.recv_exit_status()
        except TimeoutError:
            raise ConnectionFailed(f"{self._address}: no sign of life for {timeout:.0f} s") from None
        except OSError as error:
            raise self._lost(error) from None
        finally:
            channel.close()
        reader.join(timeout=5)
        if status == -1:
            raise self._lost(None)
        return Completed(status, tuple(errors))

    def close(self) -> None:
        """End the connection and what still runs over it."""
        self._transport.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lost(self, error: BaseException | None) -> ConnectionFailed:
        return ConnectionFailed(
            f"the SSH connection to {self._address} was lost" + (f" ({error})" if error else "")
        )


def read_private_key(text: str) -> paramiko.PKey:
    """A private key from its text (OpenSSH or PEM). Raises ConnectionFailed where it is none."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text.strip() + "\n"))
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise ConnectionFailed(
        "the stack's SSH private key can't be read: it must be an OpenSSH or PEM key without passphrase"
    )


def _connect(address: str, port: int, user: str, key: paramiko.PKey, host_key: str) -> paramiko.Transport:
    kind, encoded = host_key.split()[:2]
    link = socket.create_connection((address, port), timeout=10)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE_SECONDS * 1000)
    transport = paramiko.Transport(link)
    try:
        transport.banner_timeout = 15
        # Ask for the kind of key that is known, of those the host may have.
        transport.get_security_options().key_types = _algorithms(kind)
        transport.start_client(timeout=15)
        shown = transport.get_remote_server_key()
        if shown.get_base64() != encoded:
            raise paramiko.BadHostKeyException(address, shown, shown)
        transport.auth_publickey(user, key)
        transport.set_keepalive(_KEEPALIVE_SECONDS)
    except BaseException:
        transport.close()
        raise
    return transport


def _algorithms(kind: str) -> tuple[str, ...]:
    return ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)


def _feed(channel: paramiko.Channel, stdin: bytes | Iterable[bytes], hold: bool) -> None:
    try:
        for piece in [stdin] if isinstance(stdin, bytes) else stdin:
            channel.sendall(piece)
        if not hold:
            channel.shutdown_write()
    except (OSError, EOFError):
        # The command ended without reading all of it: its status says why.
        return


def _read_errors(channel: paramiko.Channel, kept: deque[str]) -> None:
    try:
        kept.extend(_lines(channel.recv_stderr))
    except OSError:
        return


def _lines(receive: Callable[[int], bytes]) -> Iterable[str]:
    buffer = b""
    while piece := receive(65536):
        buffer += piece
        *whole, buffer = buffer.split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    if buffer:
        yield buffer.decode("utf-8", "replace")
