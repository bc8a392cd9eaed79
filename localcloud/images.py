"""The images droplets start from: made once by mmdebstrap, with this machine's settings laid over."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import APIError, ImageNotFound

from localcloud import apt_sources
from localcloud.engine import LABEL, Say, as_root, cache_dir, locked, say
from localcloud.files import File, pack
from localcloud.host_config import HostConfig, read_host_config
from localcloud.machine_types import MachineError

USUAL = "debian-13-x64"
RELEASES = {"debian-13-x64": ("Debian 13", "trixie"), "debian-12-x64": ("Debian 12", "bookworm")}
"""The images there are, as DigitalOcean names them."""

_REPOSITORY = "seatrial-droplet"
_PACKAGES = (
    "systemd,systemd-sysv,libpam-systemd,dbus,openssh-server,cloud-init,python3,sudo,iproute2,iputils-ping,"
    "nftables,netbase,ca-certificates,curl,locales,tzdata,procps,less,vim-tiny"
)
# A droplet here is short-lived and rebuilt at will: fast package installs matter more than surviving
# a power cut, and manual pages nobody reads there are not unpacked.
_DPKG_OPTIONS = ("force-unsafe-io", "path-exclude=/usr/share/man/*/*", "path-exclude=/usr/share/doc/*/*")
_NEED = Path(__file__).resolve().parent.parent / "tools" / "need.sh"

_MASKED = ("systemd-modules-load.service", "console-getty.service", "getty.target")

_CLOUD_CONFIG = """\
datasource_list: [NoCloud]
disable_root: false
manage_etc_hosts: false
apt: {preserve_sources_list: true}
locale: C.UTF-8
network: {config: disabled}
system_info: {default_user: {name: root, lock_passwd: true}}
"""
_FINISH = (
    "update-ca-certificates >/dev/null 2>&1; rm -f /etc/ssh/ssh_host_*; : >/etc/machine-id; "
    "rm -f /var/lib/dbus/machine-id; rm -rf /var/lib/cloud/*; "
    # What the first boot would otherwise do for an updated /usr is done already.
    "ldconfig; journalctl --update-catalog >/dev/null 2>&1; touch /etc/.updated /var/.updated"
)


@dataclass(frozen=True)
class Recipe:
    """All that an image is made of; its digest names it."""

    slug: str
    sources: tuple[str, ...]
    host: HostConfig

    def base_digest(self) -> str:
        """Changes with what mmdebstrap is told."""
        return _digest([_PACKAGES, _DPKG_OPTIONS, RELEASES[self.slug], self.sources])

    def base_tag(self) -> str:
        """The name of the bare system's image."""
        return f"{_REPOSITORY}:{self.slug}-base-{self.base_digest()}"

    def files(self) -> tuple[File, ...]:
        """What is laid over the bare system."""
        return (
            File("/etc/cloud/cloud.cfg.d/99-seatrial.cfg", _CLOUD_CONFIG.encode()),
            # Here and not by cloud-init, which would restart sshd under the first connections.
            File("/etc/ssh/sshd_config.d/50-keys-only.conf", b"PasswordAuthentication no\n"),
            # Kernel modules are the machine's business, and nobody sits at a droplet's console.
            *(File(f"/etc/systemd/system/{unit}", link="/dev/null") for unit in _MASKED),
            *self.host.files(),
        )

    def tag(self) -> str:
        """The name of the finished image."""
        overlay = [(file.path, file.content.hex(), file.mode, file.link) for file in self.files()]
        return f"{_REPOSITORY}:{self.slug}-{_digest([self.base_digest(), _FINISH, overlay])}"


def ensure_image(slug: str, client: docker.DockerClient, tell: Say = say) -> str:
    """The tag of the droplet image `slug`; makes it where it is missing, about 40 s, once.

    Raises:
        MachineError: there is no such image, or it could not be made.
    """
    if slug not in RELEASES:
        raise MachineError(f"no image {slug!r} here; there are {', '.join(sorted(RELEASES))}")
    recipe = Recipe(slug, _sources(slug), read_host_config())
    tag = recipe.tag()
    if _has(client, tag):
        return tag
    with locked(f"image-{slug}"):
        try:
            if not _has(client, tag):
                _overlay(client, _base(client, recipe, tell), recipe, tag)
        except APIError as error:
            raise MachineError(
                f"Docker refused the {RELEASES[slug][0]} image: {error.explanation}"
            ) from error
        _forget_older(client, slug, keep=(tag, recipe.base_tag()))
    return tag


def _sources(slug: str) -> tuple[str, ...]:
    """The archives, asked for once a machine setting: what they serve is remembered beside the image."""
    codename = RELEASES[slug][1]
    found = apt_sources.read_sources()
    memory = (
        cache_dir() / "images" / f"sources-{_digest([codename, [repr(source) for source in found]])}.json"
    )
    with contextlib.suppress(OSError, ValueError):
        return tuple(json.loads(memory.read_text()))
    lines = apt_sources.for_release(found, codename, apt_sources.serves)
    if lines:  # nothing found may be a network that is down, and is asked for again
        memory.parent.mkdir(parents=True, exist_ok=True)
        with _whole(memory) as part:
            part.write_text(json.dumps(lines))
    return lines


def _base(client: docker.DockerClient, recipe: Recipe, tell: Say) -> str:
    """The tag of the bare system's image, made where it is missing."""
    tag = recipe.base_tag()
    if not _has(client, tag):
        archive = _archive(recipe, tell)
        repository, _, version = tag.partition(":")
        client.api.import_image_from_file(str(archive), repository=repository, tag=version)
    return tag


def _forget_older(client: docker.DockerClient, slug: str, keep: tuple[str, ...]) -> None:
    """Removes the images that newer ones have taken the place of, but for those a droplet runs on."""
    for image in client.images.list(name=_REPOSITORY):
        for tag in image.tags:
            if tag.startswith(f"{_REPOSITORY}:{slug}-") and tag not in keep:
                with contextlib.suppress(APIError):
                    client.images.remove(tag)


def _archive(recipe: Recipe, tell: Say) -> Path:
    """The root file system as a tar in the cache, made where it is missing."""
    name, codename = RELEASES[recipe.slug]
    directory = cache_dir() / "images"
    archive = directory / f"{recipe.slug}-{recipe.base_digest()}.tar"
    if archive.exists():
        return archive
    directory.mkdir(parents=True, exist_ok=True)
    if subprocess.run([str(_NEED), "mmdebstrap=mmdebstrap"], stdin=None, check=False).returncode != 0:
        raise MachineError(f"the {name} image needs mmdebstrap, which could not be installed")
    tell(f"making the {name} image, about 40 s, once")
    log = directory / f"{recipe.slug}.log"
    with _whole(archive) as part, log.open("w") as output, part.open("wb") as tar:
        # As root, which every machine allows; where that is sudo's, the archive is the user's all the same.
        command = as_root(
            "mmdebstrap",
            "--variant=minbase",
            "--format=tar",
            f"--include={_PACKAGES}",
            # Kept, so that a droplet's first `apt-get update` has little to fetch.
            "--skip=cleanup/apt/lists",
            *(f"--dpkgopt={option}" for option in _DPKG_OPTIONS),
            *(f"--aptopt={option.rstrip(';')}" for option in recipe.host.apt_options),
            codename,
            "-",
            *(["-"] if recipe.sources else []),
        )
        text = "".join(f"{line}\n" for line in recipe.sources)
        result = subprocess.run(command, input=text, text=True, stdout=tar, stderr=output, check=False)
        if result.returncode != 0:
            raise MachineError(f"mmdebstrap could not make the {name} image: {_last_error(log)} (log: {log})")
    for old in directory.glob(f"{recipe.slug}-*.tar"):
        if old != archive:
            old.unlink()
    return archive


def _overlay(client: docker.DockerClient, base: str, recipe: Recipe, tag: str) -> None:
    """Lays the recipe's files over the base image under `tag`."""
    container = client.containers.create(
        base, ["/bin/sh", "-c", _FINISH], network_mode="none", labels={LABEL: ""}, security_opt=_UNCONFINED
    )
    try:
        container.put_archive("/", pack(recipe.files()))
        container.start()
        status = container.wait()["StatusCode"]
        if status != 0:
            raise MachineError(f"preparing the image {recipe.slug} failed with status {status}")
        repository, _, version = tag.partition(":")
        container.commit(repository, version)
    finally:
        container.remove(force=True)


_UNCONFINED = ["seccomp=unconfined", "apparmor=unconfined"]


def _has(client: docker.DockerClient, tag: str) -> bool:
    try:
        client.images.get(tag)
    except ImageNotFound:
        return False
    return True


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A path to write to that takes the place of `path` once all is written, and is removed otherwise."""
    part = path.with_name(f".{path.name}.{os.getpid()}{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _last_error(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E:")]
    # mmdebstrap's own last words say only that apt failed; apt's, before them, say why.
    return (errors[0] if errors else lines[-1] if lines else "no reason given").removeprefix("E: ")


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, default=list).encode()).hexdigest()[:12]
