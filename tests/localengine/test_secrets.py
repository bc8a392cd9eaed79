"""Secrets stay out of everything but the encrypted state."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from localengine.errors import EngineError
from localengine.redact import Redactor
from localengine.secrets import Secrets
from localengine.values import Secret
from tests.localengine.conftest import Project

PROGRAM = """
    password = pulumi.Config().require_secret("password")
    a = File("a", text=password, say=[Output.concat("using ", password, " now")])
    b = File("b", text=Output.concat("see ", a.text), deep={"list": [password]})
    c = File("c", text="plain", opts=ResourceOptions(additional_secret_outputs=["path"]))
    pulumi.export("password", a.text)
    pulumi.export("path", c.path)
    pulumi.export("plain", c.text)
    print("the password is " + pulumi.Config().get("password"))
"""


def test_a_secret_is_nowhere_in_the_clear_but_in_the_resource_itself(project: Project) -> None:
    project.write(PROGRAM)
    set_it = project.run("config", "set", "password", "xyzzy-plugh", "--secret", "-s", "dev")
    assert set_it.code == 0, set_it.text
    result = project.run("up", "-s", "dev", "--yes", "--diff")
    assert result.code == 0, result.text
    assert "xyzzy-plugh" not in result.text
    assert "    a: [secret]\n" in result.text
    assert "the password is [secret]" in result.text
    assert json.loads((project.files / "a.json").read_text())["text"] == "xyzzy-plugh"
    kept = [path for path in project.folder.rglob("*") if path.is_file() and path.parent != project.files]
    assert len(kept) >= 5
    for path in kept:
        assert b"xyzzy-plugh" not in path.read_bytes(), path

    signature = "4dabf18193072939515e22adb298388d"
    for name, keys in (("a", ["text"]), ("b", ["text", "deep"]), ("c", ["path"])):
        outputs = project.resource(name)["outputs"]
        assert [key for key in keys if outputs[key].get(signature)] == keys
    assert project.resource("c")["additionalSecretOutputs"] == ["path"]


def test_outputs_show_secrets_only_where_asked_to_and_need_the_passphrase_only_then(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(PROGRAM)
    project.run("config", "set", "password", "xyzzy-plugh", "--secret", "-s", "dev")
    project.up_well()
    hidden = {"password": "[secret]", "path": "[secret]", "plain": "plain"}
    shown = {"password": "xyzzy-plugh", "path": "c.json", "plain": "plain"}
    output = ("stack", "output", "-s", "dev", "--json")
    assert project.run(*output, "--show-secrets").json() == shown
    assert project.run("stack", "output", "password", "-s", "dev", "--show-secrets").out == "xyzzy-plugh\n"
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    assert project.run(*output).json() == hidden
    missing = project.run(*output, "--show-secrets")
    assert missing.code == 1
    assert "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE" in missing.err
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "wrong")
    wrong = project.up()
    assert wrong.code == 1
    assert "incorrect passphrase" in wrong.err
    file = project.folder / "passphrase"
    file.write_text("correct horse\n")
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(file))
    assert project.up().code == 0


def test_a_secret_that_does_not_change_keeps_its_ciphertext(project: Project) -> None:
    project.write('File("a", text=Output.secret("hush")); File("b", text="one")')
    project.up_well()
    before = project.resource("a")["inputs"]["text"]
    project.write('File("a", text=Output.secret("hush")); File("b", text="two")')
    project.up_well()
    assert project.resource("a")["inputs"]["text"] == before


def test_a_stack_without_secrets_needs_no_passphrase(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    project.write('File("a", text="plain")')
    project.up_well()
    assert "secrets_providers" not in project.latest()
    project.write('File("a", text=Output.secret("hush"))')
    result = project.up()
    assert result.code == 1
    assert "passphrase is needed" in result.text
    assert "Traceback" not in result.text


def test_secrets_of_a_failing_provider_do_not_reach_the_error(project: Project) -> None:
    project.write('File("a", text=Output.secret("xyzzy-plugh"), fail="create")')
    result = project.up()
    assert result.code == 1
    assert "the disk said no to [secret]" in result.text


def test_ciphertexts_are_as_the_official_cli_makes_and_reads_them() -> None:
    made = Secrets("pass phrase")
    ciphertext = made.encrypt('"hush"')
    version, salt, check = made.state.split(":", 2)
    key = hashlib.pbkdf2_hmac("sha256", b"pass phrase", base64.b64decode(salt), 1_000_000, 32)

    def open_(text: str) -> bytes:
        mark, nonce, sealed = text.split(":")
        assert mark == "v1"
        assert len(base64.b64decode(nonce)) == 12
        return AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None)

    assert version == "v1"
    assert len(base64.b64decode(salt)) == 8
    assert open_(check) == b"pulumi"
    assert open_(ciphertext) == b'"hush"'
    nonce = b"123456789012"
    theirs = AESGCM(key).encrypt(nonce, b"theirs", None)
    text = f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(theirs).decode()}"
    assert Secrets("pass phrase", made.state).decrypt(text) == "theirs"
    with pytest.raises(EngineError, match="incorrect passphrase"):
        Secrets("other", made.state).decrypt(text)


def test_nested_secrets_survive_the_state_with_only_the_outer_one_encrypted(project: Project) -> None:
    project.write("""
        inner = {"host": "h", "key": Output.secret("k-e-y")}
        File("a", connection=Output.secret(inner))
    """)
    project.up_well()
    before = project.state_file.read_bytes()
    assert "2 unchanged" in project.up_well().out
    assert project.state_file.read_bytes() == before
    assert b"k-e-y" not in before


def test_texts_too_short_to_be_secrets_are_not_torn_out_of_sentences() -> None:
    redact = Redactor()
    redact.learn([Secret("ab"), Secret("true"), Secret("a-key")])
    assert redact("ab is true, a-key") == "ab is true, [secret]"


def test_what_stands_in_the_open_too_is_shown() -> None:
    redact = Redactor()
    redact.learn(Secret({"user": "admin", "host": "198.18.100.200", "key": "a-long-private-key"}))
    assert redact("admin at 198.18.100.200") == "admin at [secret]"
    redact.learn({"ipv4Address": "198.18.100.200"})
    assert redact("admin at 198.18.100.200: a-long-private-key") == "admin at 198.18.100.200: [secret]"
