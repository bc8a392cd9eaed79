"""The other tools as contestants: what they bring is a command; hosts and secrets are given to them."""

from __future__ import annotations

import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from infra.names import SSH_USER
from provisioning.prober import Target
from tests.bench.contestant import run
from tests.bench.fleet import Fleet, new_secret
from tests.bench.site import Served, Site

_HERE = Path(__file__).parent
_SERVER_NAME = "todo.bench.localhost"
_PLAYBOOKS = {"": "rolling_update.yml", "built first": "built_first.yml"}
"""Ansible's, by the way to release."""
_FIRST_HOSTS = ("edge-1", "app-1", "app-2", "app-3", "data-1")


class Other(ABC):
    """A tool that configures hosts which are there. `tools` is the folder that its command is in."""

    name: str

    def __init__(self, cloud: str, site: Site, folder: Path, log: Path, tools: Path) -> None:
        self._site, self._folder, self._log, self._tools = site, folder, log, tools
        self._fleet = Fleet(cloud, folder)
        self._values: dict[str, str] = {}
        self._open = ExitStack()

    @property
    def cloud(self) -> str:
        return self._fleet.name

    @property
    def target(self) -> Target:
        (edge,) = self._fleet.group("edge").values()
        return Target(address=edge.address, host=_SERVER_NAME, path="/")

    def prepare(self) -> None:
        gateway = self._fleet.start()
        served = self._open.enter_context(Served(self._site, gateway))
        self._values = {
            "server_name": _SERVER_NAME,
            "repository": served.url,
            "private_network": self._fleet.private_network,
            **{name: new_secret() for name in ("secret_key", "database_password", "redis_password")},
        }
        self._fleet.add(_FIRST_HOSTS)
        self._describe()

    def provision(self) -> str:
        return "".join([self._run(words) for words in self._whole()])

    def again(self) -> str:
        return self.provision()

    def releases(self) -> Sequence[str]:
        return ("",)

    def release(self, way: str) -> str:
        return self._run(self._code(way))

    def grow(self) -> str:
        self._fleet.add(["app-4"])
        self._describe()
        return self.provision()

    def remove(self) -> None:
        self._open.close()
        self._fleet.remove()

    @abstractmethod
    def is_unchanged(self, said: str) -> bool:
        """Whether it says that it changed nothing."""

    @abstractmethod
    def _whole(self) -> list[list[str]]:
        """The commands that bring everything to where it should be."""

    @abstractmethod
    def _code(self, way: str) -> list[str]:
        """The command that brings new code live."""

    def _run(self, words: Sequence[str]) -> str:
        command, *arguments = words
        return run(
            [str(self._tools / command), *arguments],
            folder=_HERE / self.name,
            environment={**os.environ, **self._environment()},
            log=self._log,
        )

    def _environment(self) -> Mapping[str, str]:
        return {"FLEET": str(self._folder / "fleet.json")}

    def _hosts(self) -> dict[str, dict[str, dict[str, str]]]:
        return {
            role: {
                name: {"address": host.address, "private_address": host.private_address}
                for name, host in self._fleet.group(role).items()
            }
            for role in ("edge", "app", "data")
        }

    def _described(self) -> dict[str, Any]:
        return {
            "user": SSH_USER,
            "key_file": str(self._fleet.key_file),
            "known_hosts": str(self._fleet.known_hosts),
            "hosts": self._hosts(),
            "values": self._values,
        }

    def _describe(self) -> None:
        file = self._folder / "fleet.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(self._described(), indent=2))


class Ansible(Other):
    """`ansible-playbook`, its inventory written in JSON, which it reads as YAML."""

    name = "ansible"

    def releases(self) -> Sequence[str]:
        return (*_PLAYBOOKS,)

    def is_unchanged(self, said: str) -> bool:
        counts = re.findall(r"changed=(\d+) .*failed=0", said)
        return len(counts) == len(self._fleet.hosts) and set(counts) == {"0"}

    def _whole(self) -> list[list[str]]:
        return [self._playbook("site.yml")]

    def _code(self, way: str) -> list[str]:
        return self._playbook(_PLAYBOOKS[way])

    def _playbook(self, name: str) -> list[str]:
        inventory = str(self._folder / "inventory.yml")
        return ["ansible-playbook", "-i", inventory, name, "-e", f"commit={self._site.commit}"]

    def _environment(self) -> Mapping[str, str]:
        return {
            "ANSIBLE_HOME": str(self._folder / "ansible"),
            "ANSIBLE_CONFIG": str(_HERE / "ansible/ansible.cfg"),
        }

    def _describe(self) -> None:
        known = f"-o UserKnownHostsFile={self._fleet.known_hosts}"
        groups = {
            role: {
                "hosts": {
                    name: {"ansible_host": host["address"], "private_address": host["private_address"]}
                    for name, host in hosts.items()
                }
            }
            for role, hosts in self._hosts().items()
        }
        everywhere = {
            "ansible_user": SSH_USER,
            "ansible_ssh_private_key_file": str(self._fleet.key_file),
            "ansible_ssh_common_args": known,
            "templates": str(_HERE / "templates"),
            **self._values,
        }
        file = self._folder / "inventory.yml"
        file.touch(mode=0o600)
        file.write_text(json.dumps({"all": {"vars": everywhere, "children": groups}}, indent=2))


class Pyinfra(Other):
    """`pyinfra`."""

    name = "pyinfra"

    def is_unchanged(self, said: str) -> bool:
        totals = re.findall(r"Grand total +\d+ +(\S+) +(\S+) ", said)
        return bool(totals) and all(total == ("-", "-") for total in totals)

    def _whole(self) -> list[list[str]]:
        # In one run the edge, which has least to do, would be first to be done.
        return [self._deploy("common.py", "data.py", "app.py", "release.py"), self._deploy("edge.py")]

    def _code(self, _: str) -> list[str]:
        return self._deploy("release.py")

    def _deploy(self, *names: str) -> list[str]:
        return ["pyinfra", "-y", "--data", f"commit={self._site.commit}", "inventory.py", *names]


class Fabric(Other):
    """`fab`, whose file says itself what it changed."""

    name = "fabric"

    def is_unchanged(self, said: str) -> bool:
        return "changed: " not in said

    def _whole(self) -> list[list[str]]:
        return [["fab", "deploy", "--commit", self._site.commit]]

    def _code(self, _: str) -> list[str]:
        return ["fab", "release", "--commit", self._site.commit]
