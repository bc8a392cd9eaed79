"""The passphrase secrets manager: what encrypts secrets in state and configuration files."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import threading
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from localengine.errors import EngineError

_ROUNDS = 1_000_000
_CHECK = "pulumi"
"""What the salt's check value decrypts to."""
_HOW_TO_SET = "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"


def passphrase_from(environment: Mapping[str, str]) -> str | None:
    """Return the passphrase the environment gives (an empty one counts), or None.

    Raises EngineError where the passphrase file cannot be read.
    """
    if "PULUMI_CONFIG_PASSPHRASE" in environment:
        return environment["PULUMI_CONFIG_PASSPHRASE"]
    file = environment.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if not file:
        return None
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        raise EngineError(f"PULUMI_CONFIG_PASSPHRASE_FILE: cannot read {file}: {error.strerror}") from None


class Secrets:
    """Encrypts and decrypts with one passphrase and one salt.

    The key is derived (a fifth of a second) when first needed, so stacks without secrets never pay for it.
    """

    def __init__(self, passphrase: str | None, state: str = "") -> None:
        """`state` is the salt with its check value as files hold it; "" makes a new salt on first use."""
        self._passphrase = passphrase
        self._state = state
        self._lock = threading.RLock()
        self._known: dict[str, str] = {}

    @property
    def state(self) -> str:
        """The salt with its check value, or "" as long as nothing was encrypted."""
        return self._state

    @cached_property
    def _key(self) -> bytes:
        if self._passphrase is None:
            raise EngineError(f"this stack holds secrets: {_HOW_TO_SET}")
        parts = self._state.split(":", 2)
        if len(parts) != 3 or parts[0] != "v1":
            raise EngineError("the encryption salt is not of a form this engine knows (v1:...)")
        salt = base64.b64decode(parts[1])
        return hashlib.pbkdf2_hmac("sha256", self._passphrase.encode(), salt, _ROUNDS, 32)

    def unlock(self) -> None:
        """Derive the key and prove the passphrase right. Raises EngineError where it is missing or wrong."""
        with self._lock:
            if "_key" in self.__dict__:
                return
            if self._state:
                try:
                    self._key  # noqa: B018 - derives it, and says what is wrong with the salt
                    self._open(self._state.split(":", 2)[2])
                except EngineError:
                    self.__dict__.pop("_key", None)
                    raise
            else:
                if self._passphrase is None:
                    raise EngineError(f"a passphrase is needed to keep secrets: {_HOW_TO_SET}")
                salt = secrets.token_bytes(8)
                self._state = f"v1:{base64.b64encode(salt).decode()}:"
                self._state += self._seal(_CHECK)

    def encrypt(self, text: str) -> str:
        """Encrypt `text`; one met before keeps its ciphertext, so that files stay the same."""
        with self._lock:
            self.unlock()
            if text not in self._known:
                self._known[text] = self._seal(text)
            return self._known[text]

    def decrypt(self, ciphertext: str) -> str:
        """Decrypt. Raises EngineError where the passphrase is missing or wrong, or the text is damaged."""
        with self._lock:
            self.unlock()
            text = self._open(ciphertext)
            self._known.setdefault(text, ciphertext)
            return text

    def _seal(self, text: str) -> str:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(12)
        sealed = AESGCM(self._key).encrypt(nonce, text.encode(), None)
        return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"

    def _open(self, ciphertext: str) -> str:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._key
        try:
            version, nonce, sealed = ciphertext.split(":")
            if version != "v1":
                raise ValueError(version)
            return AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None).decode()
        except InvalidTag:
            raise EngineError(f"incorrect passphrase: {_HOW_TO_SET}") from None
        except ValueError:
            raise EngineError("a secret in the state or configuration is damaged") from None
