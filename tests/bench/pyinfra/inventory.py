"""The hosts, as the file that FLEET names describes them."""

import json
import os
from pathlib import Path

_fleet = json.loads(Path(os.environ["FLEET"]).read_text())


def _hosts(role: str) -> list[tuple[str, dict[str, str]]]:
    return [
        (
            name,
            {
                "ssh_hostname": host["address"],
                "ssh_user": _fleet["user"],
                "ssh_key": _fleet["key_file"],
                "ssh_known_hosts_file": _fleet["known_hosts"],
                "ssh_strict_host_key_checking": "yes",
                "private_address": host["private_address"],
            },
        )
        for name, host in _fleet["hosts"][role].items()
    ]


edge = _hosts("edge")
app = _hosts("app")
data = _hosts("data")
all = (edge + app + data, _fleet["values"])
