"""What the machines of an instance are meant to be: power, firewall, extra addresses. On disk."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from localcloud.machine_types import Firewall, Rule


@dataclass(frozen=True)
class Record:
    """One droplet's intended state. User data is not in it: that may hold keys."""

    on: bool = True
    firewall: Firewall | None = None
    extra_addresses: tuple[str, ...] = ()


class Records:
    """The records of one instance, a small file each in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def get(self, droplet: int) -> Record:
        """The droplet's record; that of a plain droplet where there is none yet."""
        try:
            return _record(json.loads(self._path(droplet).read_text()))
        except FileNotFoundError:
            return Record()

    def change(self, droplet: int, **changes: Any) -> Record:
        """Keeps the record with the changes made, and returns it."""
        record = replace(self.get(droplet), **changes)
        self._directory.mkdir(parents=True, exist_ok=True)
        part = self._path(droplet).with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(asdict(record)))
        part.replace(self._path(droplet))
        return record

    def forget(self, droplet: int) -> None:
        """Removes the record, if there is one."""
        self._path(droplet).unlink(missing_ok=True)

    def clear(self) -> None:
        """Removes all records."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _path(self, droplet: int) -> Path:
        return self._directory / f"{droplet}.json"


def _record(data: dict[str, Any]) -> Record:
    firewall = data["firewall"]
    return Record(
        on=data["on"],
        firewall=Firewall(inbound=_rules(firewall["inbound"]), outbound=_rules(firewall["outbound"]))
        if firewall
        else None,
        extra_addresses=tuple(data["extra_addresses"]),
    )


def _rules(rules: list[dict[str, Any]]) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            protocol=rule["protocol"],
            ports=(rule["ports"][0], rule["ports"][1]) if rule["ports"] else None,
            addresses=tuple(rule["addresses"]),
        )
        for rule in rules
    )
