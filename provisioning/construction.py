"""Building a release on the hosts that lack it, all at once."""

from __future__ import annotations

import time
from typing import Any

from provisioning import source
from provisioning.fleet import Fleet
from provisioning.progress import Progress
from provisioning.remote import HostFailure, Remote
from provisioning.request import Request

_INPUTS = ("subdirectory", "django_settings_module", "wsgi_application", "requirements", "python_version")


def inputs(request: Request) -> dict[str, Any]:
    """What a release is built from, as the host's `build` wants it; the release's id is not among it."""
    chosen = request.model_dump(include={"commit", "subject", *_INPUTS})
    return {**chosen, "build_key": request.build_key}


def again(facts: dict[str, Any]) -> dict[str, Any]:
    """The same of a release that is built on another host already, from what is known of it there."""
    return {**{key: facts[key] for key in ("commit", "subject", "build_key")}, **facts["inputs"]}


class Construction:
    """Sends code to hosts and has it built there."""

    def __init__(self, request: Request, fleet: Fleet, progress: Progress) -> None:
        self._request = request
        self._fleet = fleet
        self._progress = progress
        self.seconds: dict[str, float] = {}
        """How long each host built."""

    def build(self, release: str, facts: dict[str, Any], on: list[Remote]) -> dict[str, Any]:
        """Build a release on these hosts; what is known of it then.

        Raises HostFailure or SourceError, with nothing of it left.
        """
        with self._progress.phase("receive"):
            self._send(release, facts["commit"], on)
        with self._progress.phase("build"):
            built = self._fleet.each(lambda remote: self._build(remote, release, facts), on)
        return built[on[0].name]

    def build_beside(self, release: str, facts: dict[str, Any], on: list[Remote]) -> None:
        """The same for a release that is good to have there: where it does not work out, that is said."""
        try:
            with self._progress.phase("build", shown="beside"):
                self._send(release, facts["commit"], on)
                self._fleet.each(lambda remote: self._build(remote, release, facts), on)
        except (HostFailure, source.SourceError) as failure:
            self._progress.say(f"  the release before, {release}, is not on the new hosts: {failure}")

    def _send(self, release: str, commit: str, on: list[Remote]) -> None:
        request = self._request
        key = request.deploy_key.get_secret_value() if request.deploy_key else None
        pieces = [*source.archive(request.repository, commit, deploy_key=key)]
        wanted = {"release": release, "keep": request.keep_releases}
        sent = self._fleet.each(lambda remote: self._fleet.call(remote, "receive", wanted, pieces), on)
        size = sum(len(piece) for piece in pieces) / 1e6
        for name, got in sent.items():
            self._progress.detail(name, f"{got['files']} files, {size:.1f} MB")

    def _build(self, remote: Remote, release: str, facts: dict[str, Any]) -> dict[str, Any]:
        began = time.monotonic()
        built = self._fleet.call(remote, "build", {**facts, "release": release})
        self.seconds[remote.name] = round(time.monotonic() - began, 2)
        return built
