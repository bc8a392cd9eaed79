"""What is put on a host, as one thing: the roles' files rendered, packed and digested. Nothing here connects.

On the host `roles/shared/bootstrap.sh` unpacks it and `roles/shared/run.sh` applies it.
"""

from __future__ import annotations

import base64
import dataclasses
import gzip
import hashlib
import io
import json
import shlex
import string
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioning import sitefile, wiring
from provisioning.bundle_inputs import is_shared, mistakes
from provisioning.sizing import size_for

ROLES = ("base", "database", "cache", "edge", "failover", "app", "syslog", "sender")
"""Every role, in the order in which they are applied."""

UV_VERSION = "0.13.8"

_HERE = Path(__file__).parent
_TIME_LIMIT = 1700  # seconds; of these a bundle may wait 600 for another one to end, and 600 for cloud-init


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """One host's roles, ready to be applied by running `command` over SSH with `stdin` as its input.

    `digest` is 64 hexadecimal digits, the same for the same content on every machine. The secrets are in
    `stdin` alone; the digest covers them too, hashed together, so that it gives no single one away.
    `configuration` is the digest without the role sender, which the site does not notice.
    """

    digest: str
    configuration: str
    command: str
    stdin: str = dataclasses.field(repr=False)


class _Placeholders(string.Template):
    """`@{name}`, which neither a shell, nor nginx, nor systemd has a meaning for."""

    pattern = r"@(?:(?P<escaped>(?!))|(?P<named>(?!))|\{(?P<braced>[a-z_]+)\}|(?P<invalid>(?!)))"  # type: ignore[assignment]


def render(
    *, host: str, roles: Sequence[str], variables: Mapping[str, str], secrets: Mapping[str, str]
) -> Bundle:
    """Renders the bundle of one host.

    `variables`: site_name, server_names (with spaces between, the canonical one first), url, database,
    cache, memory_mb, cpus, stack, and where there are any python_version, `smtp.*`, `envname.*`.
    For the role sender syslog_server (`address:port`), syslog_name (the name in its certificate), syslog_from
    (what this host is called there), and, where no public authority knows the server, syslog_certificate
    (PEM); for the role syslog private_address, syslog_keep_days, syslog_certificate.
    In the topology `balanced` also topology, private_address, private_network; for the role edge app_servers
    (`app-1=10.116.0.4 ...`), health_path, rate_limit, drain_seconds; for the role app database_host,
    redis_host, edge_addresses; for the role failover site_address, droplet_id, edge_peer, edge_peer_droplet,
    edge_api.
    `secrets`: secret_key, database_password, redis_password, stats_password, smtp_password, edge_token,
    syslog_key, syslog_token, `env.NAME`.
    What a host's roles don't use is not put on it, and changes nothing of its digest.
    Raises ValueError, one line for each thing that is wrong.
    """
    ordered = [role for role in ROLES if role in roles]
    wrong = [*mistakes(roles, ROLES, variables, secrets)]
    if wrong:
        raise ValueError("\n".join(wrong))
    content = _content(host, ordered, variables, secrets)
    digest = content.digest
    others = [role for role in ordered if role != "sender"]
    secret_line = " ".join(
        f"{name}={base64.b64encode(text.encode()).decode()}" for name, text in sorted(content.hidden.items())
    )
    archive = base64.encodebytes(_pack(content.files)).decode()
    return Bundle(
        digest=digest,
        configuration=digest if others == ordered else _content(host, others, variables, secrets).digest,
        command=_command(digest=digest, layer=ordered[0]),
        stdin=f"{base64.b64encode(content.bootstrap).decode()}\n{secret_line}\n{archive}",
    )


@dataclass(frozen=True)
class _Content:
    """What the roles of a host put on it: the script that unpacks it all, files, secrets."""

    bootstrap: bytes
    files: Mapping[str, bytes]
    hidden: Mapping[str, str] = dataclasses.field(repr=False)

    @property
    def digest(self) -> str:
        """Of the content, not of the archive: compressed bytes differ from one zlib to the next."""
        hidden = json.dumps(self.hidden, sort_keys=True).encode()
        named = (part for name, content in self.files.items() for part in (name.encode(), content))
        whole = hashlib.sha256()
        for part in (self.bootstrap, *named, hidden):
            whole.update(len(part).to_bytes(8, "big") + part)
        return whole.hexdigest()


def _content(
    host: str, roles: Sequence[str], variables: Mapping[str, str], secrets: Mapping[str, str]
) -> _Content:
    values = _values(host, roles, variables)
    try:
        hidden = _hidden(roles, variables, secrets)
    except ValueError as error:
        raise ValueError(f"host {host}: {error}") from None
    wired = {name: text for role in roles for name, text in wiring.values_of(role, variables).items()}
    return _Content(
        bootstrap=(_HERE / "roles/shared/bootstrap.sh").read_bytes(),
        files=dict(sorted(_files(roles, values, wired))),
        hidden=hidden,
    )


def _values(host: str, roles: Sequence[str], variables: Mapping[str, str]) -> dict[str, str]:
    """What `@{name}` stands for in the roles' files, and what their scripts have as shell variables."""
    site = variables["site_name"]
    sizing = size_for(
        memory_mb=int(variables["memory_mb"]), cpus=int(variables["cpus"]), shared=is_shared(variables)
    )
    minute = int.from_bytes(hashlib.sha256(host.encode()).digest()[:4], "big") % 120
    return {
        "host": host,
        "stack": variables["stack"],
        "roles": " ".join(roles),
        "site": site,
        "server_names": variables["server_names"],
        "memory_mb": variables["memory_mb"],
        "database_name": sitefile.database_name(site),
        "uv_version": UV_VERSION,
        "reboot_time": f"{3 + minute // 60:02}:{minute % 60:02}",  # hosts of one site at different times
        **{name: str(value) for name, value in dataclasses.asdict(sizing).items()},
    }


def _hidden(roles: Sequence[str], variables: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """The secrets as the roles want them: finished files, and no password where a verifier will do."""
    hidden = {}
    if "app" in roles:
        hidden["site_json"] = sitefile.site_json(variables, secrets)
        hidden["site_env"] = sitefile.site_env(secrets)
    if "database" in roles:
        user = sitefile.database_name(variables["site_name"])
        hidden["database_verifier"] = sitefile.scram_verifier(secrets["database_password"], user=user)
    if "cache" in roles and is_shared(variables):
        hidden["redis_acl"] = sitefile.redis_acl(secrets["redis_password"])
    if "edge" in roles:
        hidden["edge_operators"] = sitefile.edge_operators(secrets["stats_password"])
    if "failover" in roles:
        hidden["edge_token"] = secrets["edge_token"] + "\n"
    if "syslog" in roles:
        hidden["syslog_key"] = secrets["syslog_key"]
    if "sender" in roles:
        hidden["syslog_message"] = sitefile.syslog_message(secrets.get("syslog_token", ""))
    return hidden


def _files(
    roles: Sequence[str], values: Mapping[str, str], wired: Mapping[str, str]
) -> Iterator[tuple[str, bytes]]:
    for name in ("lib.sh", "run.sh"):
        yield f"shared/{name}", (_HERE / "roles/shared" / name).read_bytes()
    shell = {**values, **{name: wired[name] for name in wiring.FOR_SCRIPTS if name in wired}}
    assignments = (f"{name}={shlex.quote(value)}\n" for name, value in sorted(shell.items()))
    yield "variables.sh", "".join(assignments).encode()
    packages = {line for role in roles for line in (_HERE / f"roles/{role}/packages").read_text().split()}
    yield "packages", "".join(f"{line}\n" for line in sorted(packages)).encode()
    for role in roles:
        folder = _HERE / "roles" / role
        yield f"{role}/role.sh", (folder / "role.sh").read_bytes()
        for path in folder.glob("files/**/*"):
            if path.is_file():
                yield (
                    f"{role}/{path.relative_to(folder).as_posix()}",
                    _fill(path, {**values, **wired}).encode(),
                )
    if {"syslog", "sender"} & {*roles}:
        yield "shared/rsyslog.service.conf", (_HERE / "roles/shared/rsyslog.service.conf").read_bytes()
    if {"app", "edge"} & {*roles}:
        yield "shared/seatrial-host", (_HERE / "roles/shared/seatrial-host").read_bytes()
        for path in (_HERE / "onhost").glob("**/*.py"):
            yield f"shared/onhost/{path.relative_to(_HERE / 'onhost').as_posix()}", path.read_bytes()


def _fill(path: Path, values: Mapping[str, str]) -> str:
    try:
        return _Placeholders(path.read_text()).substitute(values)
    except KeyError as error:
        raise ValueError(f"{path.relative_to(_HERE)}: nothing is known as @{{{error.args[0]}}}") from None


def _pack(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), 6, mtime=0)


def _command(*, digest: str, layer: str) -> str:
    # Short, because an engine quotes it whole when it fails: the script itself is the input's first line.
    run = 'IFS= read -r script && eval "$(base64 --decode <<<"$script")"'
    words = ["sudo", "-n", "timeout", "--kill-after=30", str(_TIME_LIMIT)]
    return shlex.join([*words, "bash", "-c", run, "seatrial-apply", digest, layer])
