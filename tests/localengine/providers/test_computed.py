from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from localengine.provider import UNKNOWN, CheckFailures, Provider, ProviderError
from localengine.providers.command.connection import load_private_key
from tests.localengine.providers.lifecycle import Made, make


@pytest.fixture
def random(providers: dict[str, Provider]) -> Provider:
    return providers["random"]


def token(name: str) -> str:
    return f"random:index/{name[0].lower()}{name[1:]}:{name}"


def test_a_password_is_as_asked_for_and_kept(random: Provider) -> None:
    made = make(random, token("RandomPassword"), length=40, special=False, minNumeric=5, keepers={"a": "1"})
    result = made.outputs["result"]
    assert len(result) == 40 and result.isalnum() and sum(letter.isdigit() for letter in result) >= 5
    assert bcrypt.checkpw(result.encode(), made.outputs["bcryptHash"].encode())
    assert made.id == made.outputs["id"] == "none" and made.outputs["numeric"] is True
    assert made.outputs["__meta"] == '{"schema_version":"3"}'
    assert random.secret_outputs(made.type) == {"result", "bcryptHash"}
    assert make(random, token("RandomPassword"), length=40).outputs["result"] != result
    assert made.diff().changed == () and made.refresh() == made
    assert made.diff(special=True).changed == made.diff(special=True).replaces == ("special",)
    assert made.diff(keepers={"a": "2"}).replaces == ("keepers",)
    assert made.diff(keepers={"a": UNKNOWN}).replaces == ("keepers",)
    made.delete()


def test_text_holds_only_the_letters_asked_for(random: Provider) -> None:
    made = make(
        random,
        token("RandomString"),
        length=200,
        upper=False,
        numeric=False,
        overrideSpecial="+",
        minSpecial=3,
    )
    counts = Counter("+" if letter == "+" else letter.islower() for letter in made.outputs["result"])
    assert counts["+"] >= 3 and counts["+"] + counts[True] == 200
    assert made.id == made.outputs["result"] and random.secret_outputs(made.type) == frozenset()
    assert make(random, token("RandomString"), length=6, number=False).outputs["numeric"] is False


def test_ids_bytes_and_uuids(random: Provider) -> None:
    made = make(random, token("RandomId"), byteLength=8, prefix="p-")
    value = bytes.fromhex(made.outputs["hex"].removeprefix("p-"))
    assert len(value) == 8 and made.outputs["dec"] == f"p-{int.from_bytes(value, 'big')}"
    assert made.outputs["b64Url"] == f"p-{made.id}"
    assert base64.b64decode(made.outputs["b64Std"].removeprefix("p-")) == value
    unique = make(random, token("RandomUuid"))
    assert str(uuid.UUID(unique.outputs["result"])) == unique.id
    secret = make(random, token("RandomBytes"), length=5)
    assert base64.b64decode(secret.outputs["base64"]).hex() == secret.outputs["hex"]
    assert secret.outputs["base64"] not in secret.id
    assert random.secret_outputs(secret.type) == {"base64", "hex"}


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({}, "length: is required"),
        ({"length": "many"}, "length: a str is not a whole number"),
        ({"length": 1.5}, r"length: 1\.5 is not a whole number"),
        ({"length": 0}, "length: 0 is not between 1 and"),
        ({"length": 3, "minLower": 2, "minUpper": 2}, "3 is less than the 4 asked for"),
        (
            {"length": 3, "lower": False, "upper": False, "numeric": False, "special": False},
            "at least one of",
        ),
        ({"length": 3, "number": True, "numeric": False}, "must not differ"),
        ({"length": 3, "lenght": 3}, "lenght: no such property"),
    ],
)
def test_wrong_wishes_are_told(random: Provider, inputs: dict[str, Any], reason: str) -> None:
    with pytest.raises(CheckFailures, match=reason):
        random.check(token("RandomPassword"), {}, inputs)


def test_a_preview_makes_nothing_up(random: Provider) -> None:
    inputs = random.check(token("RandomPassword"), {}, {"length": UNKNOWN})
    id, outputs = random.create(token("RandomPassword"), inputs, preview=True, timeout=None)
    assert id == "" and "result" not in outputs and outputs["lower"] is True


@pytest.mark.parametrize(
    ("inputs", "head"),
    [
        ({"algorithm": "ED25519"}, "PRIVATE KEY"),
        ({"algorithm": "RSA"}, "RSA PRIVATE KEY"),
        ({"algorithm": "ECDSA", "ecdsaCurve": "P384"}, "EC PRIVATE KEY"),
    ],
)
def test_keys_are_what_openssh_takes_them_for(
    providers: dict[str, Provider], inputs: dict[str, Any], head: str, tmp_path: Path
) -> None:
    made = make(providers["tls"], "tls:index/privateKey:PrivateKey", **inputs)
    public = made.outputs["publicKeyOpenssh"]
    assert public.endswith("\n") and made.outputs["privateKeyPem"].startswith(f"-----BEGIN {head}-----")
    path = tmp_path / "key"
    path.write_text(made.outputs["privateKeyOpenssh"])
    path.chmod(0o600)
    assert _keygen("-y", "-f", path).split()[:2] == public.split()[:2]
    path.with_suffix(".pub").write_text(public)
    assert made.outputs["publicKeyFingerprintSha256"] in _keygen("-l", "-f", path.with_suffix(".pub"))
    md5 = _keygen("-l", "-E", "md5", "-f", path.with_suffix(".pub"))
    assert f"MD5:{made.outputs['publicKeyFingerprintMd5']} " in md5
    for form in ("privateKeyOpenssh", "privateKeyPem", "privateKeyPemPkcs8"):
        assert load_private_key(made.outputs[form]).get_base64() == public.split()[1]
    der = base64.b64decode("".join(made.outputs["publicKeyPem"].splitlines()[1:-1]))
    assert made.id == hashlib.sha1(der).hexdigest()


def _keygen(*arguments: str | Path) -> str:
    return subprocess.run(["ssh-keygen", *arguments], check=True, capture_output=True, text=True).stdout


def test_a_key_is_kept_until_its_inputs_change(providers: dict[str, Provider]) -> None:
    tls = providers["tls"]
    made: Made = make(tls, "tls:index/privateKey:PrivateKey", algorithm="ECDSA")
    assert made.outputs["publicKeyOpenssh"] == "" == made.outputs["privateKeyOpenssh"], "OpenSSH has no P224"
    assert made.outputs["__meta"] == '{"schema_version":"1"}' and made.outputs["rsaBits"] == 2048
    assert made.diff().changed == () and made.diff(ecdsaCurve="P224").changed == ()
    assert made.diff(algorithm="RSA").replaces == ("algorithm",)
    secret = {"privateKeyOpenssh", "privateKeyPem", "privateKeyPemPkcs8"}
    assert tls.secret_outputs(made.type) == secret
    with pytest.raises(CheckFailures, match="'DSA' is not one of RSA, ECDSA, ED25519"):
        tls.check(made.type, {}, {"algorithm": "DSA"})


def test_every_provider_names_what_it_lacks(providers: dict[str, Provider]) -> None:
    assert set(providers) == {"command", "digitalocean", "random", "tls"}
    for package, provider in providers.items():
        assert isinstance(provider, Provider) and provider.package == package
        assert provider.version.count(".") == 2
        assert all(type.startswith(f"{package}:") for type in provider.types() | provider.invokes())
        with pytest.raises(
            ProviderError, match=f"{package}:index/x:X: the local engine has no such resource type"
        ):
            provider.check(f"{package}:index/x:X", {}, {})
        with pytest.raises(ProviderError, match="the local engine has no such function"):
            provider.invoke(f"{package}:index/x:x", {})


def test_loading_the_providers_loads_no_heavy_library() -> None:
    program = (
        "import sys, threading, localengine.providers as p; p.load(print, threading.Event());"
        "print(sorted({'paramiko', 'cryptography', 'httpx', 'bcrypt'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
