"""The site's functional tests after a release: what makes a commit a verified one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi import CustomTimeouts, Input, Output, ResourceOptions
from pulumi_command import local

from infra.release import Release

#: Around the command: the same words on every machine; the project's own programs come first.
_SCRIPT = """\
PATH="$PWD/.venv/bin:$PATH" REPORTS="$PWD/$REPORTS"; export PATH REPORTS; mkdir -p "$REPORTS"
[ -z "$TEST_COMMAND" ] || export TEST_COMMAND="$PWD/$TEST_COMMAND"
(
{command}
)
status=$?
[ $status -eq 0 ] || echo "functional tests failed: $RELEASE serves at $BASE_URL, and its commit is not \
verified; reports: $REPORTS; next: mend it and run this again, or go back with make rollback" >&2
exit $status
"""
_REPORTS = ".seatrial/reports"


@dataclass(frozen=True, kw_only=True)
class FunctionalTestsArgs:
    """What FunctionalTests needs.

    `command` is the operator's own words for the shell, `environment` what the tests are told of the site,
    `release` what they test, `commit` its commit; `after` is what else must stand: the site's name in DNS.
    """

    command: str
    commit: str
    environment: Input[Mapping[str, str]]
    release: Release
    after: Sequence[pulumi.Resource]


class FunctionalTests(pulumi.ComponentResource):
    """The tests' command on the machine that runs Pulumi, after every run of the rollout.

    Its output is shown as it runs; what it puts into the folder REPORTS is kept for each release. A failure
    fails the update, which keeps what the stack says of itself as it was: the commit verified before is still
    the one. The new release serves meanwhile, and the next update runs the tests again.
    Children: the command (command.local.Command). Outputs: verified_revision, the commit that passed.
    """

    verified_revision: Output[str]

    def __init__(self, name: str, args: FunctionalTestsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("seatrial:functionaltests:FunctionalTests", name, None, opts)
        environment = Output.all(args.environment, args.release.release, args.release.result_text).apply(
            lambda known: {
                **known[0],
                "COMMIT": args.commit,
                "RELEASE": known[1].get("id", ""),
                # Seen as it runs, and not in one piece at its end.
                "PYTHONUNBUFFERED": "1",
                "REPORTS": f"{_REPORTS}/{known[1].get('id', args.commit)}",
                # Another run of the rollout is another thing to test, also when it is the same release.
                "ROLLOUT": hashlib.sha256(known[2].encode()).hexdigest()[:12],
            }
        )
        tests = local.Command(
            f"{name}-command",
            create=_SCRIPT.replace("{command}", args.command),
            environment=environment,
            logging=local.Logging.STDOUT_AND_STDERR,
            add_previous_output_in_env=False,
            opts=ResourceOptions(
                parent=self,
                depends_on=[*args.after, args.release],
                custom_timeouts=CustomTimeouts(create="60m", update="60m"),
            ),
        )
        self.verified_revision = tests.stdout.apply(lambda _: args.commit)
        self.register_outputs({"verified_revision": self.verified_revision})
