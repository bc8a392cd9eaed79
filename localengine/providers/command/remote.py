"""Commands on a host: `command:remote:Command`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from localengine.provider import ProviderError
from localengine.providers.command import connection
from localengine.providers.command.local import LOGGING
from localengine.providers.command.running import Output, failure, previous_environment, shown_streams
from localengine.providers.schema import Field, Fields
from localengine.providers.waiting import Deadline

if TYPE_CHECKING:
    import paramiko

CONNECTION = Field(kind="object", fields=connection.FIELDS, required=True)
FIELDS: Fields = {
    "connection": CONNECTION,
    "create": Field(),
    "update": Field(),
    "delete": Field(),
    "triggers": Field(kind="list", replaces=True),
    "stdin": Field(),
    "logging": LOGGING,
    "environment": Field(kind="map", item=Field()),
    "addPreviousOutputInEnv": Field(kind="bool"),
}


def run(
    command: str,
    inputs: Mapping[str, Any],
    previous: Mapping[str, Any],
    deadline: Deadline,
    log: Callable[[str], None],
) -> dict[str, Any]:
    """Run `command` on the host and return its stdout and stderr.

    `previous` are the outputs of the run before. Raises ProviderError where it can't be reached or fails.
    """
    output = Output(log, shown_streams(inputs))
    with connection.connect(inputs["connection"], deadline, log) as client:
        transport = client.get_transport()
        if transport is None:
            raise ProviderError("the SSH connection was lost before the command was started")
        channel = _open(transport, inputs, previous)
        code = _run(channel, command, str(inputs.get("stdin") or ""), output, deadline)
    if code == -1:
        raise failure("the command ended without an exit status: killed, or the connection was lost", output)
    if code:
        raise failure(f"the command ended with exit status {code}", output)
    return {"stdout": output.text("stdout"), "stderr": output.text("stderr")}


def _open(
    transport: paramiko.Transport, inputs: Mapping[str, Any], previous: Mapping[str, Any]
) -> paramiko.Channel:
    """A channel with its environment set, as far as the host takes it."""
    import paramiko

    channel = transport.open_session()
    for name, value in (inputs.get("environment") or {}).items():
        try:
            _set_environment(channel, name, value)
        except (paramiko.SSHException, EOFError):
            raise ProviderError(
                f"environment: the host's SSH server does not take the variable {name} (no AcceptEnv); "
                "give it in the command's text, or over stdin where it is a secret"
            ) from None
    for name, value in previous_environment(inputs, previous).items():
        # Most hosts ignore these; the program that wants them sets AcceptEnv.
        channel.set_environment_variable(name, value)
    return channel


def _set_environment(channel: paramiko.Channel, name: str, value: str) -> None:
    """Ask for a variable and wait for the answer, which paramiko's own call does not."""
    import paramiko

    # paramiko has no public way to ask with an answer; its own requests (exec_command, ...) do just this.
    parts: Any = channel
    request = paramiko.Message()
    request.add_byte(paramiko.common.cMSG_CHANNEL_REQUEST)
    request.add_int(channel.remote_chanid)
    request.add_string("env")
    request.add_boolean(True)
    request.add_string(name)
    request.add_string(value)
    parts._event_pending()
    parts.transport._send_user_message(request)
    parts._wait_for_event()


def _run(channel: paramiko.Channel, command: str, stdin: str, output: Output, deadline: Deadline) -> int:
    """Run it to its end; its exit status, or -1 where it gave none."""
    import paramiko

    try:
        channel.exec_command(command)
        threads = [
            threading.Thread(target=_feed, args=(channel, stdin.encode()), daemon=True),
            threading.Thread(target=output.pump, args=("stdout", lambda: channel.recv(65536)), daemon=True),
            threading.Thread(
                target=output.pump, args=("stderr", lambda: channel.recv_stderr(65536)), daemon=True
            ),
        ]
        for thread in threads:
            thread.start()
        while not (channel.closed or (channel.exit_status_ready() and channel.eof_received)):
            channel.status_event.wait(0.1)
            threads[1].join(0.1)
            deadline.check("the command was running; it may still be running on the host")
        for thread in threads[1:]:
            thread.join()
        return channel.recv_exit_status()
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise ProviderError(f"the SSH connection was lost while the command was running: {error}") from None
    finally:
        channel.close()


def _feed(channel: paramiko.Channel, data: bytes) -> None:
    try:
        channel.sendall(data)
        channel.shutdown_write()
    except (OSError, EOFError):
        # The command ended without reading all of it: that is its right.
        return
