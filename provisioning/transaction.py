"""A release as one transaction over all hosts: live everywhere, or everything as it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from provisioning import hooks, plan
from provisioning.changeover import Changeover
from provisioning.construction import Construction, again, inputs
from provisioning.edges import Edges
from provisioning.fleet import Fleet, Reach
from provisioning.interrupts import uninterrupted
from provisioning.outcome import RolloutFailed, failure_of, measured
from provisioning.outside import Outside
from provisioning.progress import Progress, listed
from provisioning.remote import HostFailure, Remote
from provisioning.request import Request

_TAIL_SECONDS = 0.3
"""How long visitors are asked for after a way back, which ends with a switch."""


class Rollout:
    """One run. `run` does it all, once. `reach` and `outside` are others in tests alone."""

    def __init__(
        self,
        request: Request,
        progress: Progress,
        *,
        reach: Reach = Remote,
        outside: Outside | None = None,
    ) -> None:
        self._request = request
        self._progress = progress
        key = request.private_key.get_secret_value()
        self._fleet = Fleet(request.app_hosts, request.site, key, progress.detail, reach)
        self._edges = Edges(request.edges, request.site, key, progress.detail, reach)
        self._construction = Construction(request, self._fleet, progress)
        self._outside = outside or Outside(request)
        self._statuses: dict[str, dict[str, Any]] = {}
        self._changeover = Changeover(request, self._fleet, self._edges, self._statuses, progress)
        self._plan = plan.Plan("", (), ())
        self._commit, self._subject = request.commit, request.subject
        self._left_out: list[str] = []
        self._migrations: dict[str, list[str]] = {"applied": [], "unknown": []}
        self._began = datetime.now(UTC)
        self._clock = time.monotonic()

    def run(self) -> dict[str, Any]:
        """Release. Returns the result document; raises RolloutFailed, with everything as it was before."""
        try:
            self._look()
            if self._plan.is_done and not self._left_out and self._is_well():
                return self._result("unchanged")
            self._lock()
            self._changeover.take_in(self._left_out)
            result = "unchanged" if self._plan.is_done and self._is_well() else "ok"
            if result == "ok":
                self._release()
            document = self._result(result)
            self._fleet.unlock(document)
            return document
        except (Exception, KeyboardInterrupt) as error:
            with uninterrupted(self._progress.say):
                raise self._undone(error) from error
        finally:
            self._fleet.close()
            self._edges.close()

    def _look(self) -> None:
        request = self._request
        with self._progress.phase("preflight"):

            def look(remote: Remote) -> dict[str, Any]:
                remote.connect()
                return remote.call("preflight", {"keep": request.keep_releases})

            with self._edges.connecting():
                self._statuses.update(self._fleet.each(look))
            for name, status in self._statuses.items():
                room = f"disk {status['disk_used_percent']} %, {status['memory_free_mb']} MB of memory free"
                self._progress.detail(name, f"{room}, python {status['python']}")
            self._plan = self._planned()
            out = self._edges.left_out(self._fleet.names)
            self._left_out = [name for name in out if name not in self._plan.switch_on]

    def _planned(self) -> plan.Plan:
        request = self._request
        if not request.rollback:
            return plan.make(
                self._statuses,
                build_key=request.build_key,
                commit=request.commit,
                configurations=request.configurations,
                now=self._began,
            )
        try:
            planned, facts = plan.back(self._statuses, request.configurations)
        except plan.NoWayBack as error:
            raise HostFailure(
                "this machine",
                f"no way back: {error}",
                next_step="set seatrial:revision to the commit that is wanted, and run `make up`",
            ) from None
        self._commit, self._subject = facts["commit"], facts["subject"]
        self._progress.say(f"  going back to {facts['id']} ({facts['subject']})")
        return planned

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
            for name, owner in self._fleet.lock(holders, self._beginning()).items():
                self._progress.detail(name, f"taken over from {owner}, who is gone")

    def _release(self) -> None:
        request, release = self._request, self._plan.release
        self._hook("before_release", request.hooks.before_release)
        facts = self._build()
        # One host does one thing at a time: alone, it would gain nothing.
        several = len(self._plan.switch_on) > 1
        at_once = (
            several
            and not request.hooks.after_migrate.strip()
            and plan.keeps_migrations(self._statuses, facts)
        )
        if not at_once:
            with self._progress.phase("migrate"):
                self._migrate()
            self._hook("after_migrate", request.hooks.after_migrate)
        self._announce()
        if any(status["live"] for status in self._statuses.values()):
            self._outside.start()
        with self._progress.phase("start"), self._migrating(now=at_once):
            self._changeover.start(self._plan.switch_on, release)
        for batch in plan.batches(self._plan, self._statuses, request.batch_size):
            self._changeover.switch(batch, release)
        # Before a site's first release nothing answered: there was nothing to measure.
        self._outside.start()
        with self._progress.phase("smoke"):
            status = self._outside.smoke_test()
            self._progress.detail(request.entry.name, f"{request.url}{request.health_path} answers {status}")
        self._hook("after_release", request.hooks.after_release)
        with self._progress.phase("drain"):
            self._changeover.settle()
        # Under measurement: what goes now must not be missed by anybody.
        self._prune()

    def _build(self) -> dict[str, Any]:
        """Build what is lacking; what is known of the release."""
        release, on = self._plan.release, self._fleet.some(self._plan.build_on)
        if on:
            known = self._construction.build(release, inputs(self._request), on)
        else:
            self._progress.say(f"  build              {release} is built already")
            entries = [entry for status in self._statuses.values() for entry in status["releases"]]
            known = next(entry for entry in entries if entry["id"] == release)
        beside = plan.companion(self._plan, self._statuses)
        if beside:
            facts, new = beside
            self._construction.build_beside(facts["id"], again(facts), self._fleet.some(new))
        return known

    @contextmanager
    def _migrating(self, *, now: bool) -> Iterator[None]:
        """Migrate meanwhile, if it is to be done `now`."""
        if not now:
            yield
            return
        with ThreadPoolExecutor(max_workers=1) as pool:
            migrated = pool.submit(self._migrate)
            yield
            migrated.result()

    def _migrate(self) -> None:
        # On a host that changes anyway: where hosts are only added, the others notice nothing.
        changing, seconds = self._fleet.some(self._plan.switch_on), self._construction.seconds
        quickest = min(changing, key=lambda remote: seconds.get(remote.name, 0.0))
        done = self._fleet.call(quickest, "migrate", {"release": self._plan.release})
        self._migrations = {"applied": done["applied"], "unknown": done["unknown"]}
        applied = f"applied {listed(done['applied'])}" if done["applied"] else "nothing to migrate"
        self._progress.detail(quickest.name, applied)
        if done["unknown"]:
            self._progress.say(
                f"  warning: the database keeps {listed(done['unknown'])}, applied by a newer release: "
                "only the code goes back"
            )

    def _announce(self) -> None:
        """All hosts give out the static files of both releases, before the first page of the new one."""
        before = plan.previous(self._statuses, self._plan.release)
        facts = {"release": self._plan.release, "previous": before and before["id"]}
        changing = self._fleet.some(self._plan.switch_on)
        self._fleet.each(lambda remote: self._fleet.call(remote, "announce", facts), changing)

    def _hook(self, name: str, command: str, **more: str) -> None:
        if not command.strip():
            return
        before = plan.previous(self._statuses, self._plan.release) or {"id": "", "revision": ""}
        request = self._request
        facts = {
            "site": request.site,
            "url": request.url,
            "release": self._plan.release,
            "revision": self._commit,
            "subject": self._subject,
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
        failed = failure_of(error, self._progress.current, refused=not self._fleet.is_locked)
        if isinstance(error, KeyboardInterrupt):
            self._fleet.reconnect()
        failed.notes += self._changeover.put_back()
        failed.probe = self._outside.stop(after=_TAIL_SECONDS)
        if failed.probe["requests"]:
            probe = failed.probe
            failed.notes.append(f"meanwhile {measured(probe)}")
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
            self._prune()
            self._fleet.unlock(self._result(failed.result, phase=failed.phase, error=failed.failure.cause))
        return failed

    def _prune(self) -> None:
        """On every host. One that is gone, or has no room to work in, is left as it is."""
        with self._progress.phase("prune"), suppress(HostFailure):
            keep = {"keep": self._request.keep_releases}
            for name, done in self._fleet.each(
                lambda remote: self._fleet.call(remote, "prune", keep)
            ).items():
                self._progress.detail(
                    name, f"removed {listed(done['removed'])}" if done["removed"] else "nothing to remove"
                )

    def _beginning(self) -> dict[str, Any]:
        """What is known of this run when it begins: what, who, when."""
        noted = {"unverified": self._request.unverified} if self._request.unverified else {}
        return {
            "release": {"id": self._plan.release, "revision": self._commit, **noted},
            "rollout": {
                "owner": self._fleet.owner,
                "started": f"{self._began:%Y-%m-%dT%H:%M:%SZ}",
                "subject": self._subject,
            },
        }

    def _result(self, result: str, **more: str) -> dict[str, Any]:
        """The record of this run, for its hosts and for whoever asked for it."""
        seconds = {**self._progress.seconds, "total": round(time.monotonic() - self._clock, 2)}
        begun = self._beginning()
        return {
            "release": begun["release"],
            "previous_release": plan.previous(self._statuses, self._plan.release),
            "rollout": {
                **begun["rollout"],
                "ended": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
                "result": result,
                "seconds": seconds,
                "probe": self._outside.stop(),
                "hosts": self._per_host(),
                "migrations": self._migrations,
                **more,
            },
        }

    def _per_host(self) -> dict[str, dict[str, Any]]:
        built = self._construction.seconds
        return {
            name: {**({"build_seconds": built[name]} if name in built else {}), **facts}
            for name, facts in self._changeover.per_host.items()
        }


def hosts_line(count: int) -> str:
    """`1 host` or `3 hosts`."""
    return f"{count} host{'s' if count != 1 else ''}"
