"""What droplets take over from this machine, so that they reach packages wherever it does:
certificate authorities, apt's sources and proxies, pip's and uv's indexes."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from localcloud.files import File

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s.+?-----END CERTIFICATE-----", re.DOTALL)
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")
_PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "timeout")
_LOOPBACK = re.compile(r"^(localhost|127\.|\[?::1\]?)")


@dataclass(frozen=True, kw_only=True)
class HostConfig:
    """This machine's settings, as found: text only, nothing of it is acted upon yet."""

    extra_authorities: tuple[str, ...] = ()
    apt_options: tuple[str, ...] = ()
    pip: tuple[tuple[str, str], ...] = ()
    proxies: tuple[tuple[str, str], ...] = ()
    python_mirror: str = ""

    def files(self) -> tuple[File, ...]:
        """The files of a droplet that say the same there. Pure."""
        files = [
            # A name of its own each; update-ca-certificates makes the bundle and its index from them.
            File(f"/usr/local/share/ca-certificates/machine-{number:03}.crt", f"{text}\n".encode())
            for number, text in enumerate(self.extra_authorities)
        ]
        environment = dict(self.proxies)
        pip, uv = dict(self.pip), {}
        if self.extra_authorities:
            pip["cert"] = BUNDLE
            uv["system-certs"] = "true"
            environment |= dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), BUNDLE)
        if "index-url" in pip:
            uv["index-url"] = json.dumps(pip["index-url"])
        if "extra-index-url" in pip:
            uv["extra-index-url"] = json.dumps(pip["extra-index-url"].split())
        if self.python_mirror:
            uv["python-install-mirror"] = json.dumps(self.python_mirror)
        if self.apt_options:
            files.append(File("/etc/apt/apt.conf.d/80machine", _lines(self.apt_options)))
        if pip:
            # Indented, for a value of several words may stand on several lines.
            entries = [f"{key} = {' '.join(value.split())}" for key, value in sorted(pip.items())]
            files.append(File("/etc/pip.conf", _lines(["[global]", *entries])))
        if uv:
            files.append(
                File("/etc/uv/uv.toml", _lines(f"{key} = {value}" for key, value in sorted(uv.items())))
            )
        if environment:
            text = _lines(f'{name}="{value}"' for name, value in sorted(environment.items()))
            files.append(File("/etc/environment", text))
        return tuple(files)


def read_host_config(environment: Mapping[str, str] | None = None) -> HostConfig:
    """This machine's settings; those that name its own loopback or its own files are left out."""
    env = os.environ if environment is None else environment
    return HostConfig(
        extra_authorities=extra_authorities(
            bundles=[_text(Path(path)) for path in (env.get("SSL_CERT_FILE", ""), BUNDLE) if path],
            shipped=[_text(path) for path in sorted(Path("/usr/share/ca-certificates").rglob("*.crt"))],
        ),
        apt_options=apt_options(_output(["apt-config", "dump"])),
        pip=pip_settings(
            [
                _text(path)
                for path in (
                    Path("/etc/pip.conf"),
                    Path.home() / ".pip/pip.conf",
                    Path(env.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "pip/pip.conf",
                    Path(env.get("PIP_CONFIG_FILE") or "/dev/null"),
                )
            ],
            env,
        ),
        proxies=proxies(env),
        python_mirror=env.get("UV_PYTHON_INSTALL_MIRROR", ""),
    )


def extra_authorities(bundles: Iterable[str], shipped: Iterable[str]) -> tuple[str, ...]:
    """The certificates in the bundles that are not among those the distribution ships, in PEM."""
    known = {_body(pem) for text in shipped for pem in _CERTIFICATE.findall(text)}
    extra: dict[str, str] = {}
    for text in bundles:
        for pem in _CERTIFICATE.findall(text):
            if _body(pem) not in known:
                extra.setdefault(_body(pem), pem)
    return tuple(extra[body] for body in sorted(extra))


def apt_options(dump: str) -> tuple[str, ...]:
    """From `apt-config dump`, what says how archives are reached and how old they may be."""
    kept = []
    for line in dump.splitlines():
        match = re.match(r"^Acquire::(?:(https?)::|Check-Valid-Until |Check-Date |Retries )", line)
        if not match:
            continue
        value = line.partition('"')[2].rstrip('";')
        if not value or value.startswith("/") or is_loopback(value):
            continue  # a file or a program of this machine, or a proxy that only it can reach
        kept.append(line)
    return tuple(sorted(kept))


def pip_settings(texts: Iterable[str], env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """pip's index settings from its files, the later over the earlier, and the environment over all."""
    found: dict[str, str] = {}
    for text in texts:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(text)
        except configparser.Error:
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                found |= {key: value for key, value in parser.items(section) if key in _PIP_KEYS}
    for key in _PIP_KEYS:
        value = env.get("PIP_" + key.upper().replace("-", "_"))
        if value:
            found[key] = value
    if env.get("PIP_DEFAULT_TIMEOUT"):
        found.setdefault("timeout", env["PIP_DEFAULT_TIMEOUT"])
    return tuple(sorted((key, value) for key, value in found.items() if value and not is_loopback(value)))


def proxies(env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The proxies of the environment under both spellings; one on this machine's loopback is left out."""
    found: dict[str, str] = {}
    for name in _PROXIES:
        value = env.get(name) or env.get(name.upper()) or ""
        if value and (name == "no_proxy" or not is_loopback(value)):
            found[name] = found[name.upper()] = value
    return tuple(sorted(found.items())) if any("http" in name for name in found) else ()


def is_loopback(url: str) -> bool:
    """Whether a URL, or a bare host with a port, is on the loopback of the machine that reads it."""
    host = urlsplit(url if "//" in url else f"//{url}").netloc.rpartition("@")[2]
    return bool(_LOOPBACK.match(host))


def _body(pem: str) -> str:
    return "".join(pem.split())


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
