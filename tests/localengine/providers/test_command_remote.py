from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from localengine.provider import UNKNOWN, CheckFailures, Provider, ProviderError, Secret
from localengine.providers import load
from localengine.providers.command.connection import load_host_key, load_private_key
from tests.localengine.providers.lifecycle import Made, make
from tests.localengine.providers.sshd import Sshd, sessions

COMMAND = "command:remote:Command"


def run(
    provider: Provider, server: Sshd, create: str, *, timeout: float | None = None, **inputs: Any
) -> Made:
    connection = inputs.pop("connection", server.connection())
    return make(
        provider, COMMAND, called="cmd", connection=connection, create=create, timeout=timeout, **inputs
    )


def test_a_command_runs_on_the_host_and_its_connection_is_closed(
    command: Provider, sshd: Sshd, lines: list[str]
) -> None:
    made = run(command, sshd, "read line; echo got $line; echo oops >&2", stdin="a secret\n")
    assert made.outputs["stdout"] == "got a secret" and made.outputs["stderr"] == "oops"
    assert made.id.startswith("cmd") and len(made.id) == len("cmd") + 8
    assert set(lines) == {"got a secret", "oops"}
    assert made.diff().changed == ()
    deadline = time.monotonic() + 10
    while sessions(sshd):
        assert time.monotonic() < deadline, "the connection was left open"
        time.sleep(0.05)


def test_an_update_runs_update_or_else_create_and_a_delete_runs_delete(
    command: Provider, sshd: Sshd, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    made = run(
        command, sshd, f"echo create >> {note}", delete=f"echo delete $PULUMI_COMMAND_STDOUT >> {note}"
    )
    again = made.update(create=f"echo create2 >> {note}")
    third = again.update(update=f"echo update >> {note}; echo before: $PULUMI_COMMAND_STDOUT; echo now")
    assert third.diff(triggers=["new"]).replaces == ("triggers",)
    assert third.diff(stdin="other").replaces == ()
    third.delete()
    assert note.read_text().splitlines() == ["create", "create2", "update", "delete before: now"]
    quiet = run(command, sshd, "echo one").update(
        update='echo "[$PULUMI_COMMAND_STDOUT]"', addPreviousOutputInEnv=False
    )
    assert quiet.outputs["stdout"] == "[]"


def test_the_host_must_show_the_key_it_is_known_by(
    command: Provider, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localengine.providers.command.connection.HOST_KEY_TRIES", 2)
    with pytest.raises(ProviderError) as caught:
        run(command, sshd, "true", connection=sshd.connection(hostKey=sshd.other_host_key))
    assert "not the pinned ssh-ed25519 SHA256:" in str(caught.value)
    assert "\n" not in str(caught.value) and "gave up after 2 tries" in str(caught.value)
    with pytest.raises(ProviderError, match=r"connection\.hostKey is not a public key line"):
        run(command, sshd, "true", connection=sshd.connection(hostKey="nonsense"))
    assert run(command, sshd, "echo hi", connection=sshd.connection(hostKey=None)).outputs["stdout"] == "hi"


def test_a_key_the_host_does_not_accept_is_told_after_the_tries_asked_for(
    command: Provider, sshd: Sshd, lines: list[str]
) -> None:
    with pytest.raises(ProviderError, match=r"does not accept this user or key \(gave up after 3 tries\)"):
        run(command, sshd, "true", connection=sshd.connection(privateKey=sshd.other_key, dialErrorLimit=2))
    assert lines == [f"waiting for SSH on 127.0.0.1:{sshd.port}: the host does not accept this user or key"]
    with pytest.raises(ProviderError, match=r"connection\.privateKey can't be read") as caught:
        run(command, sshd, "true", connection=sshd.connection(privateKey="-----BEGIN nothing"))
    assert "BEGIN" not in str(caught.value)


def test_a_port_that_opens_late_is_waited_for(command: Provider, sshd: Sshd) -> None:
    with socket.socket() as late:
        late.bind(("127.0.0.1", 0))
        port = late.getsockname()[1]
        with pytest.raises(ProviderError, match=r"connection refused \(gave up after 1 try\)"):
            run(command, sshd, "true", connection=sshd.connection(port=port, dialErrorLimit=0))
        opener = threading.Timer(0.7, _forward, (late, sshd.port))
        opener.start()
        made = run(command, sshd, "echo there", connection=sshd.connection(port=port))
        assert made.outputs["stdout"] == "there"
        opener.join(10)


def test_a_host_that_hangs_up_at_once_is_no_reason_for_noise() -> None:
    program = """
import socket, threading
from localengine.provider import ProviderError
from localengine.providers import load

listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: [listener.accept()[0].close() for _ in range(2)], daemon=True).start()
connection = {"host": "127.0.0.1", "port": listener.getsockname()[1], "password": "x", "dialErrorLimit": 1}
provider = load(lambda urn, line: None, threading.Event())["command"]
try:
    inputs = {"connection": connection, "create": "true"}
    provider.create("command:remote:Command", inputs, preview=False, timeout=None)
except ProviderError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "(gave up after 2 tries)" in done.stdout and done.stdout.count("\n") == 1
    assert done.stderr == ""


def _forward(listener: socket.socket, port: int) -> None:
    """Pass one connection on to another port until either side ends it."""
    listener.listen()
    near, _ = listener.accept()
    far = socket.create_connection(("127.0.0.1", port))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            return
        finally:
            sink.close()

    threading.Thread(target=pump, args=(far, near), daemon=True).start()
    threading.Thread(target=pump, args=(near, far), daemon=True).start()


def test_a_deadline_and_a_cancel_end_dialling_and_running(
    command: Provider, sshd: Sshd, cancel: threading.Event
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = sshd.connection(port=closed.getsockname()[1], dialErrorLimit=-1)
        with pytest.raises(
            ProviderError, match=r"gave up after 0\.5 s, connecting to .* \(connection refused\)"
        ):
            run(command, sshd, "true", timeout=0.5, connection=nowhere)
        with pytest.raises(ProviderError, match="it may still be running on the host"):
            run(command, sshd, "sleep 30", timeout=1)
        threading.Timer(0.5, cancel.set).start()
        with pytest.raises(ProviderError, match="cancelled while"):
            run(command, sshd, "sleep 30")
        with pytest.raises(ProviderError, match="cancelled while connecting"):
            run(command, sshd, "true", connection=nowhere)


def test_a_failure_tells_the_status_and_the_end_of_what_was_said(command: Provider, sshd: Sshd) -> None:
    with pytest.raises(ProviderError) as caught:
        run(command, sshd, "seq 1 100; sleep 1; echo broken >&2; exit 3 # do not tell")
    first, *rest = str(caught.value).splitlines()
    assert first == "the command ended with exit status 3"
    assert len(rest) == 30 and "100" in rest and "broken" in rest and "do not tell" not in str(caught.value)
    with pytest.raises(ProviderError, match="ended without an exit status"):
        run(command, sshd, "kill -9 $$")


def test_long_lines_and_much_input_and_output_pass(command: Provider, sshd: Sshd) -> None:
    text = "x" * 300_000 + "\n" + "y" * 2_000_000
    made = run(command, sshd, "cat; head -c 100000 /dev/zero | tr '\\0' e >&2", stdin=text)
    assert made.outputs["stdout"] == text
    assert made.outputs["stderr"] == "e" * 100_000
    assert run(command, sshd, "echo enough", stdin=text).outputs["stdout"] == "enough"


def test_variables_the_host_takes_are_set_and_others_are_an_error(command: Provider, sshd: Sshd) -> None:
    made = run(command, sshd, "echo $GREETING", environment={"GREETING": "hello"})
    assert made.outputs["stdout"] == "hello"
    with pytest.raises(ProviderError, match=r"does not take the variable SECRET \(no AcceptEnv\)"):
        run(command, sshd, "true", environment={"SECRET": "x"})


def test_logging_says_which_streams_are_shown(command: Provider, sshd: Sshd, lines: list[str]) -> None:
    for logging in ("none", "stdout", "stderr"):
        made = run(command, sshd, f"echo out-{logging}; echo err-{logging} >&2", logging=logging)
        assert made.outputs["stdout"] == f"out-{logging}" and made.outputs["stderr"] == f"err-{logging}"
    assert lines == ["out-stdout", "err-stderr"]


def test_lines_are_shown_as_those_of_the_resource_that_runs(sshd: Sshd) -> None:
    shown: list[tuple[str, str]] = []
    provider = load(lambda urn, line: shown.append((urn, line)), threading.Event())["command"]
    run(provider, sshd, "echo here")
    make(provider, "command:local:Command", called="near", create="echo there")
    assert shown == [
        (f"urn:pulumi:test::project::{COMMAND}::cmd", "here"),
        ("urn:pulumi:test::project::command:local:Command::near", "there"),
    ]


def test_the_way_can_lead_over_another_host(command: Provider, sshd: Sshd) -> None:
    made = run(command, sshd, "echo $SSH_CONNECTION", connection=sshd.connection(proxy=sshd.connection()))
    assert made.outputs["stdout"].endswith(f"127.0.0.1 {sshd.port}")


def test_a_preview_runs_nothing(command: Provider, sshd: Sshd, tmp_path: Path) -> None:
    note = tmp_path / "note"
    inputs = {"connection": sshd.connection(host=UNKNOWN), "create": f"touch {note}"}
    checked = command.check(COMMAND, {}, inputs)
    id, outputs = command.create(COMMAND, checked, preview=True, timeout=None)
    assert id == "" and outputs["create"] == f"touch {note}" and "stdout" not in outputs
    made = run(command, sshd, "echo one")
    assert made.preview(create=f"touch {note}")["stdout"] is UNKNOWN
    assert made.diff(connection=sshd.connection(host=UNKNOWN)).changed == ("connection",)
    assert not note.exists()


def test_the_connection_is_completed_and_its_key_marked_secret(command: Provider, sshd: Sshd) -> None:
    checked = command.check(COMMAND, {}, {"connection": {"host": "192.0.2.1", "privateKey": "k"}})
    assert checked["connection"] == {
        "host": "192.0.2.1",
        "user": "root",
        "port": 22,
        "privateKey": Secret("k"),
        "dialErrorLimit": 10,
        "perDialTimeout": 15,
    }
    assert command.secret_outputs(COMMAND) == {"connection"}
    outputs = command.create(
        COMMAND, {"connection": sshd.connection(), "create": "true"}, preview=False, timeout=None
    )[1]
    assert outputs["connection"]["privateKey"] == Secret(sshd.private_key)


def test_wrong_inputs_are_told_by_name(command: Provider) -> None:
    connection = {"user": "x", "port": 99999, "agentSocketPath": "/tmp/x"}
    with pytest.raises(CheckFailures) as caught:
        command.check(COMMAND, {}, {"connection": connection, "logging": "loud", "run": "x"})
    told = {failure.property: failure.reason for failure in caught.value.failures}
    assert set(told) == {
        "connection.host",
        "connection.port",
        "connection.agentSocketPath",
        "logging",
        "run",
    }
    assert told["logging"] == "'loud' is not one of stdout, stderr, stdoutAndStderr, none"


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("ed25519", "RFC4716"),
        ("rsa", "RFC4716"),
        ("rsa", "PEM"),
        ("ecdsa", "PEM"),
        ("rsa", "PKCS8"),
        ("ecdsa", "PKCS8"),
    ],
)
def test_private_keys_of_every_usual_form_are_read(kind: str, form: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    size = ["-b", "2048"] if kind == "rsa" else []
    arguments: list[str | Path] = [
        "ssh-keygen",
        "-q",
        "-t",
        kind,
        *size,
        "-m",
        form,
        "-N",
        "passphrase",
        "-f",
        path,
    ]
    subprocess.run(arguments, check=True)
    key = load_private_key(path.read_text(), "passphrase")
    assert key.get_base64() == path.with_suffix(".pub").read_text().split()[1]
    assert load_host_key(path.with_suffix(".pub").read_text()) == key
    with pytest.raises(ProviderError, match="privateKeyPassword does not open it"):
        load_private_key(path.read_text(), "wrong")
