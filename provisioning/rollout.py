"""Brings a release live: one JSON request on stdin, progress on stderr, a good result as JSON on stdout.

Exit status: 0 the release is live; 1 it failed, and what served before serves; 2 the request is wrong
or a host can't take a release, nothing was changed; 3 another rollout holds the lock.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
from types import FrameType

from provisioning import request as requests
from provisioning.outcome import RolloutFailed, measured
from provisioning.progress import Progress
from provisioning.request import Request, RequestError
from provisioning.transaction import Rollout, hosts_line


def main(arguments: list[str] | None = None) -> int:
    """Run the rollout that stdin asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m provisioning.rollout",
        description=(__doc__ or "").partition("\n")[0],
        epilog=_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    if sys.stdin.isatty():
        parser.error("the request comes on stdin: ... < request.json (see --help)")
    try:
        request = requests.parse(sys.stdin.read())
    except RequestError as error:
        print(error, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    # What paramiko logs, a failure says in one line.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    progress = Progress(several_hosts=len(request.app_hosts) > 1)
    revision = "the release before" if request.rollback else request.commit[:7]
    what = f"{request.site}@{revision}" + (f" ({request.subject})" if request.subject else "")
    progress.say(f"release {what} to {request.url}, {hosts_line(len(request.app_hosts))}")
    try:
        document = Rollout(request, progress).run()
    except RolloutFailed as failed:
        progress.say(explanation(failed))
        return exit_status(failed)
    progress.say(closing(document))
    print(json.dumps(document))
    return 0


def exit_status(failed: RolloutFailed) -> int:
    """1, 2 or 3, as the module says."""
    if failed.failure.kind == "locked":
        return 3
    return 2 if failed.refused else 1


def explanation(failed: RolloutFailed) -> str:
    """What a person needs to know of a failure: where, why, what serves now, what to do."""
    failure = failed.failure
    lines = [f"  | {line}" for line in failure.log if line.strip()]
    lines += [f"  {other.host} failed too: {other.cause}" for other in failure.also]
    lines += [f"  {note}" for note in failed.notes]
    if failed.serving:
        now = "; ".join(f"{name}: {release}" for name, release in failed.serving.items())
        lines.append(f"  serves now: {now}")
    # Last, and on one line: where it stays on the screen.
    next_step = f"; next: {failure.next_step}" if failure.next_step else ""
    lines.append(f"release failed in {failed.phase} on {failure.host}: {failure.cause}{next_step}")
    return "\n".join(lines)


def closing(document: dict[str, object]) -> str:
    """The last line of a release that went through."""
    rollout = document["rollout"]
    assert isinstance(rollout, dict)
    probe, release = rollout["probe"], document["release"]
    assert isinstance(release, dict)
    text = f"{release['id']} is live after {rollout['seconds']['total']:.1f} s"
    return f"{text}; meanwhile {measured(probe)}" if probe["requests"] else text


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _help() -> str:
    fields = "\n".join(
        f"  {name:<24}{'required' if field.is_required() else 'optional'}"
        for name, field in Request.model_fields.items()
    )
    return f"{(__doc__ or '').partition(chr(10))[2].strip()}\n\nthe request's fields:\n{fields}"


if __name__ == "__main__":
    sys.exit(main())
