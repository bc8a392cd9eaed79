"""The release on all hosts of the stack, as one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import CustomTimeouts, Input, Output, ResourceOptions
from pulumi_command import local

#: The same words on every machine: relative to the project, with the project's own Python.
_ROLLOUT = ".venv/bin/python -m provisioning.rollout"


@dataclass(frozen=True, kw_only=True)
class ReleaseArgs:
    """What Release needs.

    `commit` is what goes live, `request` what provisioning/request.py describes (it may hold Outputs);
    `after` is what must have been done before: the hosts' provisioning.
    """

    commit: str
    request: Mapping[str, Input[Any]]
    after: Sequence[pulumi.Resource]


class Release(pulumi.ComponentResource):
    """The rollout of one commit; it runs again when anything in its request changes.

    Children: the rollout (command.local.Command). Its progress is shown while it runs; its result, one JSON
    on stdout (result_text), becomes the outputs release {id, revision; unverified, where there is a reason},
    previous_release (id and revision; empty on the first one) and rollout (who, when, seconds, probe, hosts,
    result).
    """

    release: Output[dict[str, Any]]
    previous_release: Output[dict[str, Any]]
    rollout: Output[dict[str, Any]]
    result_text: Output[str]

    def __init__(self, name: str, args: ReleaseArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("seatrial:release:Release", name, None, opts)
        stdin: Output[str] = Output.secret(Output.json_dumps(args.request, sort_keys=True))
        command = local.Command(
            f"{name}-rollout",
            # The request is secret; the comment is what lets a preview name the commit.
            create=f"{_ROLLOUT}  # commit {args.commit}",
            stdin=stdin,
            logging=local.Logging.STDERR,
            add_previous_output_in_env=False,
            opts=ResourceOptions(
                parent=self,
                depends_on=list(args.after),
                custom_timeouts=CustomTimeouts(create="60m", update="60m"),
            ),
        )
        self.result_text = Output.unsecret(command.stdout).apply(lambda text: text or "")
        result = self.result_text.apply(result_of)
        self.release = result.apply(lambda r: r.get("release", {}))
        # An output that is null would be missing from what the stack says of itself.
        self.previous_release = result.apply(lambda r: r.get("previous_release") or {})
        self.rollout = result.apply(lambda r: r.get("rollout", {}))
        self.register_outputs(
            {
                "release": self.release,
                "previous_release": self.previous_release,
                "rollout": self.rollout,
            }
        )


def result_of(stdout: str | None) -> dict[str, Any]:
    """The rollout's result out of its last line; empty where it has not run (a preview).

    Raises ValueError when the line is no JSON object.
    """
    lines = (stdout or "").strip().splitlines()
    if not lines:
        return {}
    result = json.loads(lines[-1])
    if not isinstance(result, dict):
        raise ValueError(f"the rollout's last line is no JSON object: {lines[-1][:200]}")
    return result
