"""One SSH connection to a host: its key is known before, it stays open, and commands run through it."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable
from types import TracebackType

import paramiko

from provisioning.session import Completed, ConnectionFailed, Session

_KEEPALIVE_SECONDS = 10
_SILENCE_SECONDS = 30
"""A host that acknowledges nothing for so long is gone: switched off, or cut off."""


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

    def session(self, command: str) -> Session:
        """Start a command, to be talked to while it runs. Raises ConnectionFailed."""
        return Session(self._transport, self._address, command)

    def run(
        self, command: str, stdin: bytes = b"", *, on_line: Callable[[str], None] = lambda _line: None
    ) -> Completed:
        """Run a command to its end, giving each line of its output to `on_line`. Raises ConnectionFailed."""
        session = self.session(command)
        session.send([stdin], last=True)
        for line in session.lines():
            on_line(line)
        return session.end()

    def close(self) -> None:
        """End the connection and what still runs over it."""
        self._transport.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


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
