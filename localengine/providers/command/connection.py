"""SSH connections as `command:remote` describes them: dialled with patience, with the host's key pinned."""

from __future__ import annotations

import base64
import contextlib
import errno
import io
import logging
import os
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localengine.provider import ProviderError
from localengine.providers.schema import Field, Fields, between
from localengine.providers.waiting import Deadline

if TYPE_CHECKING:
    import paramiko

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
HOST_KEY_TRIES = 10
"""A wrong host key is final after this many tries (11 s): a host may just be putting its own in place."""
KEEPALIVE = 15

_BASE: Fields = {
    "host": Field(required=True),
    "user": Field(default="root"),
    "port": Field(kind="int", default=22, wrong=between(1, 65535)),
    "password": Field(),
    "privateKey": Field(),
    "privateKeyPassword": Field(),
    "agentSocketPath": Field(wrong=lambda _path: "is not supported by the local engine; give privateKey"),
    "dialErrorLimit": Field(kind="int", default=10, wrong=between(-1, 1_000_000)),
    "perDialTimeout": Field(kind="int", default=15, wrong=between(0, 86_400)),
    "hostKey": Field(),
}
FIELDS: Fields = {**_BASE, "proxy": Field(kind="object", fields=_BASE)}
SECRET = ("password", "privateKey", "privateKeyPassword")
"""The parts of a connection that are secret in their own right."""


@dataclass(frozen=True)
class _Target:
    """One hop: where to, as whom, with what."""

    host: str
    port: int
    user: str
    key: paramiko.PKey | None
    password: str | None
    host_key: paramiko.PKey | None
    tries: int | None
    patience: int | None

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"


class _HostKeyMismatch(Exception):
    """The host showed another key than the one it must have."""


@contextlib.contextmanager
def connect(
    connection: Mapping[str, Any], deadline: Deadline, log: Callable[[str], None]
) -> Iterator[paramiko.SSHClient]:
    """Dial, with retries, directly or over `proxy`; all is closed in the end. Raises ProviderError."""
    with contextlib.ExitStack() as stack:
        target = _target(connection)
        if connection.get("proxy"):
            proxy = _target(connection["proxy"])
            client = stack.enter_context(_dial(proxy, lambda: _socket(proxy, deadline), deadline, log))
            through = client.get_transport()
            if through is None:
                raise ProviderError(f"SSH to {proxy}: the connection was lost")
            open_hop = through.open_channel
            yield stack.enter_context(
                _dial(
                    target,
                    lambda: open_hop(
                        "direct-tcpip", (target.host, target.port), ("127.0.0.1", 0), target.patience
                    ),
                    deadline,
                    log,
                )
            )
        else:
            yield stack.enter_context(_dial(target, lambda: _socket(target, deadline), deadline, log))


def load_private_key(text: str, password: str | None = None) -> paramiko.PKey:
    """Read an OpenSSH or PEM private key (ED25519, RSA, ECDSA). Raises ProviderError."""
    import paramiko
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    load = forms.load_ssh_private_key if "OPENSSH PRIVATE KEY" in text else forms.load_pem_private_key
    try:
        key = load(text.encode(), password.encode() if password else None)
        kinds: dict[type, type[paramiko.PKey]] = {
            Ed25519PrivateKey: paramiko.Ed25519Key,
            RSAPrivateKey: paramiko.RSAKey,
            EllipticCurvePrivateKey: paramiko.ECDSAKey,
        }
        plain = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.OpenSSH, forms.NoEncryption())
        made = next(made for kind, made in kinds.items() if isinstance(key, kind))
        return made.from_private_key(io.StringIO(plain.decode()))
    except Exception as error:
        # The text of such an error may quote the key: only its kind is told.
        raise ProviderError(
            "connection.privateKey can't be read as an OpenSSH or PEM key (ED25519, RSA or ECDSA), "
            f"or privateKeyPassword does not open it ({type(error).__name__})"
        ) from None


def load_host_key(line: str) -> paramiko.PKey:
    """Read a public key line (`ssh-ed25519 AAAA...`). Raises ProviderError."""
    import paramiko

    try:
        kind, blob, *_ = line.split()
        return paramiko.PKey.from_type_string(kind, base64.b64decode(blob, validate=True))
    except Exception:
        raise ProviderError(
            "connection.hostKey is not a public key line such as `ssh-ed25519 AAAA...`"
        ) from None


def _target(connection: Mapping[str, Any]) -> _Target:
    limit = int(connection.get("dialErrorLimit", 10))
    text, line = connection.get("privateKey"), connection.get("hostKey")
    return _Target(
        host=connection["host"],
        port=int(connection.get("port", 22)),
        user=connection.get("user", "root"),
        key=load_private_key(text, connection.get("privateKeyPassword")) if text else None,
        password=connection.get("password"),
        host_key=load_host_key(line) if line else None,
        tries=None if limit < 0 else limit + 1,
        patience=int(connection.get("perDialTimeout", 15)) or None,
    )


@contextlib.contextmanager
def _dial(
    target: _Target, open_socket: Callable[[], Any], deadline: Deadline, log: Callable[[str], None]
) -> Iterator[paramiko.SSHClient]:
    what = f"connecting to {target} by SSH"
    pause, done, told = FIRST_PAUSE, 0, ""
    while True:
        deadline.check(what)
        try:
            client = _log_in(target, open_socket())
            break
        except ProviderError:
            raise
        except Exception as error:
            done += 1
            reason = _reason(error)
            final = isinstance(error, _HostKeyMismatch) and done >= HOST_KEY_TRIES
            if final or (target.tries is not None and done >= target.tries):
                tries = "1 try" if done == 1 else f"{done} tries"
                raise ProviderError(f"SSH to {target}: {reason} (gave up after {tries})") from None
            if reason != told:
                log(f"waiting for SSH on {target.host}:{target.port}: {reason}")
                told = reason
        deadline.pause(pause, f"{what} ({reason})")
        pause = min(pause * 1.5, LONGEST_PAUSE)
    try:
        yield client
    finally:
        client.close()


def _socket(target: _Target, deadline: Deadline) -> socket.socket:
    """Connect over TCP, and look now and then whether it is still wanted. Raises OSError, ProviderError."""
    failed: OSError | None = None
    addresses = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            _connect(sock, address, target, deadline)
            return sock
        except OSError as error:
            sock.close()
            failed = error
        except BaseException:
            sock.close()
            raise
    raise failed or OSError("the name has no address")


def _connect(sock: socket.socket, address: Any, target: _Target, deadline: Deadline) -> None:
    end = None if target.patience is None else time.monotonic() + target.patience
    sock.setblocking(False)
    started = sock.connect_ex(address)
    if started not in (0, errno.EINPROGRESS):
        raise OSError(started, os.strerror(started))
    while not select.select([], [sock], [], 0.2)[1]:
        deadline.check(f"connecting to {target} by SSH")
        if end is not None and time.monotonic() >= end:
            raise TimeoutError(f"no answer in {target.patience:g} s")
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
    sock.setblocking(True)


def _log_in(target: _Target, sock: Any) -> paramiko.SSHClient:
    import paramiko

    client = paramiko.SSHClient()
    client.set_log_channel(_quiet())
    name = target.host if target.port == 22 else f"[{target.host}]:{target.port}"
    if target.host_key is None:
        client.set_missing_host_key_policy(paramiko.MissingHostKeyPolicy())
    else:
        client.get_host_keys().add(name, target.host_key.get_name(), target.host_key)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        client.connect(
            target.host,
            port=target.port,
            username=target.user,
            pkey=target.key,
            password=target.password,
            sock=sock,
            look_for_keys=False,
            allow_agent=not (target.key or target.password),
            timeout=target.patience,
            banner_timeout=target.patience or 3600,
            auth_timeout=target.patience or 3600,
        )
    except BaseException as error:
        client.close()
        sock.close()
        if isinstance(error, paramiko.BadHostKeyException):
            raise _HostKeyMismatch(
                f"the host's key is {error.key.get_name()} {error.key.fingerprint}, not the pinned "
                f"{error.expected_key.get_name()} {error.expected_key.fingerprint}: this is another host, "
                "or one with new keys"
            ) from None
        raise
    transport = client.get_transport()
    if transport is not None:
        transport.set_keepalive(KEEPALIVE)
    return client


def _quiet() -> str:
    """The name of a log that goes nowhere: a host that is not up yet is no reason for tracebacks."""
    log = logging.getLogger(f"{__name__}.ssh")
    log.propagate = False
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    return log.name


def _reason(error: Exception) -> str:
    """Why a try failed, in a few words."""
    import paramiko

    if isinstance(error, paramiko.AuthenticationException):
        return "the host does not accept this user or key"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).partition("\n")[0].rstrip(".") or type(error).__name__
