"""A release as one transaction over all hosts: live everywhere, or everything as it was."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from provisioning import hooks, plan, source
from provisioning.fleet import Fleet
from provisioning.outside import Outside
from provisioning.progress import Progress, listed
from provisioning.remote import HostFailure, Remote
from provisioning.request import Request


class RolloutFailed(Exception):
    """A rollout that did not go through: in which phase, where, why, what was undone, what serves now."""

    def __init__(self, failure: HostFailure, phase: str, *, refused: bool, result: str) -> None:
        super().__init__(failure.cause)
        self.failure = failure
        self.phase = phase
        self.refused = refused
        """Whether it ended before anything was changed."""
        self.result = result
        self.notes: list[str] = []
        self.serving: dict[str, str] = {}
        self.probe: dict[str, Any] = {}


class Rollout:
    """One run. `run` does it all, once."""

    def __init__(self, request: Request, progress: Progress) -> None:
        self._request = request
        self._progress = progress
        self._fleet = Fleet(
            request.app_hosts, request.site, request.private_key.get_secret_value(), progress.detail
        )
        self._outside = Outside(request)
        self._statuses: dict[str, dict[str, Any]] = {}
        self._plan = plan.Plan("", (), ())
        self._touched: list[Remote] = []
        self._per_host: dict[str, dict[str, Any]] = {name: {} for name in self._fleet.names}
        self._migrations: dict[str, list[str]] = {"applied": [], "unknown": []}
        self._began = datetime.now(UTC)
        self._clock = time.monotonic()

    def run(self) -> dict[str, Any]:
        """Release. Returns the result document; raises RolloutFailed, with everything as it was before."""
        try:
            self._look()
            if self._plan.is_done and self._is_well():
                return self._result("unchanged")
            self._lock()
            self._release()
            document = self._result("ok")
            self._tidy_up(document)
            return document
        except (Exception, KeyboardInterrupt) as error:
            raise self._undone(error) from error
        finally:
            self._fleet.close()

    def _look(self) -> None:
        request = self._request
        with self._progress.phase("preflight"):

            def look(remote: Remote) -> dict[str, Any]:
                remote.connect()
                return remote.call("preflight", {"keep": request.keep_releases})

            self._statuses = self._fleet.each(look)
            for name, status in self._statuses.items():
                room = f"disk {status['disk_used_percent']} %, {status['memory_free_mb']} MB of memory free"
                self._progress.detail(name, f"{room}, python {status['python']}")
            self._plan = plan.make(
                self._statuses,
                build_key=request.build_key,
                commit=request.commit,
                configuration=request.configuration,
                now=self._began,
            )

    def _is_well(self) -> bool:
        """Whether a site with nothing to change answers. If not, every host is to be switched anew."""
        try:
            with self._progress.phase("verify"):
                self._fleet.each(
                    lambda remote: remote.call("verify", {"health_path": self._request.health_path})
                )
                self._outside.smoke_test()
                self._progress.detail(self._fleet.names[0], f"{self._plan.release} is live and well already")
        except HostFailure as failure:
            self._progress.say(f"  {failure.host}: {failure.cause}; it is started anew")
            self._plan = plan.everywhere(self._plan, self._statuses)
            return False
        return True

    def _lock(self) -> None:
        with self._progress.phase("lock"):
            holders = {name: status["lock"] for name, status in self._statuses.items()}
            for name, owner in self._fleet.lock(holders).items():
                self._progress.detail(name, f"taken over from {owner}, who is gone")

    def _release(self) -> None:
        request, release = self._request, {"release": self._plan.release}
        self._hook("before_release", request.hooks.before_release)
        self._build()
        with self._progress.phase("migrate"):
            first = self._fleet.remotes[0]
            done = self._fleet.call(first, "migrate", release)
            self._migrations = {"applied": done["applied"], "unknown": done["unknown"]}
            applied = f"applied {listed(done['applied'])}" if done["applied"] else "nothing to apply"
            self._progress.detail(first.name, applied)
        self._hook("after_migrate", request.hooks.after_migrate)
        self._fleet.each(lambda remote: self._fleet.call(remote, "announce", release))
        if any(status["live"] for status in self._statuses.values()):
            self._outside.start()
        for remote in self._fleet.some(self._plan.switch_on):
            self._switch(remote)
        # Before a site's first release nothing answered: there was nothing to measure.
        self._outside.start()
        with self._progress.phase("smoke"):
            status = self._outside.smoke_test()
            self._progress.detail(request.entry.name, f"{request.url}{request.health_path} answers {status}")
        self._hook("after_release", request.hooks.after_release)
        self._settle()

    def _build(self) -> None:
        request, building = self._request, self._fleet.some(self._plan.build_on)
        if not building:
            self._progress.say(f"  build              {self._plan.release} is built already")
            return
        with self._progress.phase("receive"):
            # First, so that what an interrupted run left behind does not take the room of this one.
            keep = {"keep": request.keep_releases}
            self._fleet.each(lambda remote: self._fleet.call(remote, "prune", keep), building)
            key = request.deploy_key.get_secret_value() if request.deploy_key else None
            pieces = [*source.archive(request.repository, request.commit, deploy_key=key)]
            release = {"release": self._plan.release}
            sent = self._fleet.each(
                lambda remote: self._fleet.call(remote, "receive", release, pieces), building
            )
            size = sum(len(piece) for piece in pieces) / 1e6
            for name, got in sent.items():
                self._progress.detail(name, f"{got['files']} files, {size:.1f} MB")
        with self._progress.phase("build"):
            facts = {
                "release": self._plan.release,
                "build_key": request.build_key,
                **request.model_dump(
                    include={
                        "commit",
                        "subject",
                        "subdirectory",
                        "django_settings_module",
                        "wsgi_application",
                        "requirements",
                        "python_version",
                    }
                ),
            }
            self._fleet.each(lambda remote: self._fleet.call(remote, "build", facts), building)

    def _switch(self, remote: Remote) -> None:
        facts = {
            "release": self._plan.release,
            "configuration": self._request.configuration,
            "health_path": self._request.health_path,
        }
        shown = remote.name if len(self._fleet.remotes) > 1 else "switch"
        with self._progress.phase("switch", shown=shown):
            self._touched.append(remote)
            done = self._fleet.call(remote, "switch", facts)
            slot, start, healthy = done["slot"], done["start_seconds"], done["healthy_seconds"]
            self._per_host[remote.name].update(slot=slot, start_seconds=start, healthy_seconds=healthy)
            self._progress.detail(remote.name, f"{slot} started in {start} s, healthy in {healthy} s")

    def _settle(self) -> None:
        with self._progress.phase("drain"):
            facts = {"drain_seconds": self._request.drain_seconds}
            ended = self._fleet.each(lambda remote: self._fleet.call(remote, "settle", facts), self._touched)
            for name, settled in ended.items():
                self._per_host[name]["drain_seconds"] = settled["drain_seconds"]
                cut = f", {settled['cut_off']} requests cut off" if settled["cut_off"] else ""
                self._progress.detail(name, f"old slot ended after {settled['drain_seconds']} s{cut}")
            self._outside.stop()
        # From here on nothing is undone: the release is live, and what was before it has ended.
        self._touched = []

    def _hook(self, name: str, command: str, **more: str) -> None:
        if not command.strip():
            return
        before = plan.previous(self._statuses, self._plan.release) or {"id": "", "revision": ""}
        request = self._request
        facts = {
            "site": request.site,
            "url": request.url,
            "release": self._plan.release,
            "revision": request.commit,
            "subject": request.subject,
            "previous_release": before["id"],
            "previous_revision": before["revision"],
            "hosts": " ".join(host.address for host in request.app_hosts),
            **more,
        }
        with self._progress.phase(name):
            try:
                hooks.run(name, command, facts, self._progress.say)
            except hooks.HookFailed as failed:
                raise HostFailure(
                    "this machine", str(failed), next_step=f"correct seatrial:hooks.{name}", log=failed.lines
                ) from None

    def _undone(self, error: BaseException) -> RolloutFailed:
        """Put every host back, and say what happened."""
        failed = _failure(error, self._progress.current, refused=not self._fleet.is_locked)
        if isinstance(error, KeyboardInterrupt):
            self._fleet.reconnect()
        for remote in reversed(self._touched):
            live = self._statuses[remote.name]["live"] or {"slot": None, "id": None}
            try:
                self._fleet.call(remote, "restore", {"slot": live["slot"], "previous": live["id"]})
                failed.notes.append(f"{remote.name} was put back to {live['id'] or 'no release'}")
            except HostFailure as again:
                failed.notes.append(f"{remote.name} could not be put back: {again.cause}")
        failed.probe = self._outside.stop()
        if failed.probe["requests"]:
            probe = failed.probe
            failed.notes.append(f"{probe['failed']} of {probe['requests']} requests failed meanwhile")
        if self._migrations["applied"]:
            failed.notes.append(f"migrations applied and kept: {listed(self._migrations['applied'])}")
        for remote in self._fleet.remotes if self._statuses else []:
            with suppress(HostFailure):
                live = remote.call("status", {}, quiet=True)["live"]
                failed.serving[remote.name] = f"{live['id']} ({live['subject']})" if live else "nothing"
        if self._fleet.is_locked:
            with suppress(HostFailure):
                self._hook(
                    "on_failure",
                    self._request.hooks.on_failure,
                    error=failed.failure.cause,
                    phase=failed.phase,
                )
            self._tidy_up(
                {**self._result(failed.result), "phase": failed.phase, "error": failed.failure.cause}
            )
        return failed

    def _tidy_up(self, document: dict[str, Any]) -> None:
        """Prune on every host, and leave the record of this run there. A host that is gone is left out."""
        with self._progress.phase("prune"), suppress(HostFailure):
            keep = {"keep": self._request.keep_releases}
            for name, done in self._fleet.each(
                lambda remote: self._fleet.call(remote, "prune", keep)
            ).items():
                self._progress.detail(
                    name, f"removed {listed(done['removed'])}" if done["removed"] else "nothing to remove"
                )
            record = {
                "owner": self._fleet.owner,
                "started": f"{self._began:%Y-%m-%dT%H:%M:%SZ}",
                "ended": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
                "subject": self._request.subject,
                **document,
            }
        self._fleet.unlock(record)

    def _result(self, result: str) -> dict[str, Any]:
        seconds = {**self._progress.seconds, "total": round(time.monotonic() - self._clock, 2)}
        return {
            "release": {"id": self._plan.release, "revision": self._request.commit},
            "previous_release": plan.previous(self._statuses, self._plan.release),
            "rollout": {
                "result": result,
                "seconds": seconds,
                "probe": self._outside.stop(),
                "hosts": self._per_host,
                "migrations": self._migrations,
            },
        }


def _failure(error: BaseException, phase: str, *, refused: bool) -> RolloutFailed:
    if isinstance(error, HostFailure):
        return RolloutFailed(error, phase, refused=refused, result="failed")
    if isinstance(error, KeyboardInterrupt):
        stopped = HostFailure(
            "this machine", "interrupted", next_step="run `make up` again, it goes on from here"
        )
        return RolloutFailed(stopped, phase, refused=refused, result="interrupted")
    if isinstance(error, source.SourceError):
        no_code = HostFailure("this machine", str(error), next_step="correct it, and run `make up` again")
        return RolloutFailed(no_code, phase, refused=refused, result="failed")
    unknown = HostFailure(
        "this machine", f"{type(error).__name__}: {error}", next_step="this is a fault of Seatrial's own"
    )
    return RolloutFailed(unknown, phase, refused=refused, result="failed")


def hosts_line(count: int) -> str:
    """`1 host` or `3 hosts`."""
    return f"{count} host{'s' if count != 1 else ''}"
