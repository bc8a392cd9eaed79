"""preview, up, destroy and refresh."""

from __future__ import annotations

import importlib
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from localengine import deletion, digest, program, refreshing
from localengine.backend import Lock
from localengine.config import Setting
from localengine.deployment import Deployment
from localengine.display import Display, Silent, choose
from localengine.events import Sink
from localengine.interrupt import EXIT_CODE, Interrupts
from localengine.journal import Journal
from localengine.lookups import Lookups, StackReferences
from localengine.options import Options, confirmed
from localengine.provider import Log, Provider, current_urn
from localengine.redact import Redactor
from localengine.registry import Load, Registry
from localengine.run import Run
from localengine.state import Operation, State
from localengine.urn import name_of
from localengine.values import Secret
from localengine.workspace import Stack, Workspace, outputs_of


@dataclass
class Session:
    """One command on one stack."""

    options: Options
    workspace: Workspace
    stack: Stack
    settings: Mapping[str, Setting]
    redact: Redactor
    interrupts: Interrupts

    @classmethod
    def start(cls, options: Options, *, create: bool = False) -> Session:
        """Open the project, the stack and its configuration. Raises EngineError where one is wrong."""
        workspace = Workspace.find(options.cwd, options.environment)
        stack = workspace.open(workspace.name(options.stack), options.config_file, create=create)
        settings = stack.settings()
        redact = Redactor()
        for setting in settings.values():
            if setting.secret:
                redact.learn(Secret(setting.value))
        return cls(options, workspace, stack, settings, redact, Interrupts())

    def display(self, *, preview: bool) -> Display:
        """The display that suits the command's flags."""
        options = self.options
        return choose(
            self.redact,
            preview=preview,
            diff=options.diff,
            json=options.json,
            interactive=options.interactive,
        )

    def load(self) -> Load:
        """The providers, with the engine's own among them."""

        def load(log: Log, cancel: threading.Event) -> Mapping[str, Provider]:
            own: Provider = StackReferences(self.workspace.outputs_of)
            return {**self.options.load(log, cancel), "pulumi": own}

        return load

    def run(self, sink: Sink, state: State, *, dry_run: bool) -> Run:
        """A run over `state`; one that is not dry saves every step."""
        # What was being created may exist unknown to the state; the rest is settled by trying again.
        pending = [item for item in state.pending if item.kind == "creating"]
        journal = Journal(state.resources, pending, None if dry_run else self.stack.save)
        journal.dirty = len(pending) != len(state.pending)

        def log(urn: str, line: str) -> None:
            sink.line(urn or current_urn(), line)

        return Run(
            stack=self.stack.name,
            project=self.workspace.project.name,
            root=str(self.workspace.project.folder),
            dry_run=dry_run,
            settings=self.settings,
            journal=journal,
            registry=Registry(self.load(), log, self.interrupts.cancel),
            sink=sink,
            cancel=self.interrupts.cancel,
            redact=self.redact,
        )

    def warn_pending(self, sink: Sink, pending: Sequence[Operation]) -> None:
        """Tell which operations an earlier run began and never ended."""
        # One that was stopped several times is told once.
        for item in {(item.kind, item.resource.urn): item for item in pending}.values():
            left = f"an earlier run was stopped while {item.kind} it"
            if item.kind == "creating":
                left += "; if it exists at the provider, the state does not know it: look there"
            sink.message("warning", left, item.resource.urn)

    def end(self, run: Run, display: Display, name: str) -> int:
        """Say how it ended; returns the exit code."""
        if self.interrupts.cancel.is_set():
            display.say(f"{name} was interrupted: run it again to go on from here", "yellow")
            return EXIT_CODE
        if run.failed:
            display.say(f"error: {name} failed", "red")
            return 1
        if self.options.expect_no_changes and run.tally.changes():
            display.say("error: no changes were expected, but changes are needed", "red")
            return 1
        return 0

    def apply_program(self, run: Run) -> None:
        """Run the program, then delete what it no longer asks for. What goes wrong is told to the sink."""
        # The SDK is imported here, not with the module: commands that run no program do without it.
        from localengine.monitor import Engine, Monitor

        deployment = Deployment(run)
        lookups = Lookups(run, deployment)

        def drain() -> None:
            run.ended = True

        try:
            program.execute(
                self.workspace.project,
                run.stack,
                self.settings,
                monitor=Monitor(run, deployment, lookups, program.PARALLEL),
                engine=Engine(run),
                dry_run=run.dry_run,
                show=lambda line: run.sink.message("info", line),
                drain=drain,
            )
        except program.ProgramError as error:
            if not run.failed and not run.cancel.is_set():
                run.error(str(error))
        run.journal.save()
        if not run.failed and not run.cancel.is_set():
            deletion.remove_all(run, run.journal.olds())
        # Last of all: what a failed run says of the stack only adds to what was there before.
        deployment.finish()
        run.journal.save()


def preview(options: Options) -> int:
    """Show what `up` would do. Returns the exit code."""
    session = Session.start(options, create=True)
    state = session.stack.state()
    return _preview(session, state, name="preview")[0]


def _preview(session: Session, state: State, *, name: str) -> tuple[int, Run]:
    options = session.options
    display = session.display(preview=True)
    began = time.monotonic()
    run = session.run(display, state, dry_run=True)
    if not options.json:
        display.say(f"Previewing update ({session.stack.name}):")
    with session.interrupts.handled(lambda text: display.message("warning", text)), display:
        session.warn_pending(display, state.pending)
        session.apply_program(run)
    elapsed = time.monotonic() - began
    if isinstance(display, Silent) and options.json and name == "preview":
        _print_json(digest.run_json(session.settings, display.steps, display.diagnostics, run.tally, elapsed))
    elif not options.json:
        display.table()
        if not run.failed:
            before = outputs_of(state.resources)
            display.summary(run.tally, before, elapsed, show_outputs=not options.suppress_outputs)
    return session.end(run, display, name), run


def up(options: Options) -> int:
    """Bring the stack to what its program says. Returns the exit code."""
    options.must_be_confirmed("up")
    # The SDK loads while the state is unlocked, which takes a fifth of a second.
    threading.Thread(target=importlib.import_module, args=["localengine.monitor"], daemon=True).start()
    session = Session.start(options, create=True)
    state = session.stack.state()
    if not options.skip_preview:
        code, run = _preview(session, state, name="up")
        if code:
            return code
        if not options.yes and run.tally.changes():
            print()
            if not confirmed(f"Perform this update of {session.stack.name}?"):
                print("nothing was changed")
                return 1
        if not options.json:
            print(flush=True)
    elif not any(item.custom for item in state.resources):
        # Before anything exists, one look ahead shows what is lacking or wrong before it is created.
        ahead = session.run(Silent(session.redact, preview=True), state, dry_run=True)
        with session.interrupts.handled(lambda text: print(text, file=sys.stderr)):
            session.apply_program(ahead)
        if ahead.failed or session.interrupts.cancel.is_set():
            return session.end(ahead, session.display(preview=True), "up")
    return _locked(session, "update", "Updating", _update)


def _update(session: Session, run: Run, display: Display) -> None:  # noqa: ARG001
    session.apply_program(run)


def destroy(options: Options) -> int:
    """Delete everything the stack holds. Returns the exit code."""
    options.must_be_confirmed("destroy")
    session = Session.start(options)
    state = session.stack.state()
    if not options.skip_preview and not options.json:
        display = session.display(preview=True)
        display.say(f"Previewing destroy ({session.stack.name}):")
        run = session.run(display, state, dry_run=True)
        deletion.remove_all(run, run.journal.olds())
        display.table()
        display.summary(run.tally, {}, 0, show_outputs=False)
        if run.failed:
            return session.end(run, display, "destroy")
        print(flush=True)
    if not options.yes and not confirmed(f"Destroy everything in {session.stack.name}?"):
        print("nothing was changed")
        return 1
    code = _locked(session, "destroy", "Destroying", _destroy)
    if code == 0 and options.remove:
        session.workspace.backend.remove(session.stack.name)
        print(f"stack {session.stack.name} removed")
    return code


def _destroy(session: Session, run: Run, display: Display) -> None:
    refreshing.configure_providers(run)
    resources = run.journal.olds()
    deletion.remove_all(run, resources)
    left = run.journal.pending()
    if not run.failed and not session.interrupts.cancel.is_set() and left:
        names = ", ".join(name_of(item.resource.urn) for item in left)
        display.say(f"still unknown to the state, from an interrupted run: {names}", "yellow")
    run.journal.save()


def refresh(options: Options) -> int:
    """Bring the state to what really exists. Returns the exit code."""
    options.must_be_confirmed("refresh")
    session = Session.start(options)
    if not options.yes:
        display = session.display(preview=True)
        display.say(f"Previewing refresh ({session.stack.name}):")
        run = session.run(display, session.stack.state(), dry_run=True)
        with session.interrupts.handled(lambda text: display.message("warning", text)), display:
            refreshing.look(run)
        display.table()
        display.summary(run.tally, {}, 0, show_outputs=False)
        if run.failed or session.interrupts.cancel.is_set():
            return session.end(run, display, "refresh")
        if not confirmed(f"Take this over into the state of {session.stack.name}?"):
            print("nothing was changed")
            return 1
    return _locked(session, "refresh", "Refreshing", _refresh)


def _refresh(session: Session, run: Run, display: Display) -> None:
    found = refreshing.look(run)
    if run.failed or session.interrupts.cancel.is_set():
        return
    if not session.options.json:
        display.table()
    refreshing.take_over(run, found)
    if session.options.clear_pending_creates:
        run.journal.clear_pending()
    run.journal.save()


def _locked(session: Session, kind: str, title: str, work: Callable[[Session, Run, Display], None]) -> int:
    """Do `work` on the stack while holding its lock, and record it in the history."""
    options = session.options
    began, started = time.monotonic(), int(time.time())
    with session.stack.locked() as (lock, abandoned):
        session.interrupts.hold(lock)
        state = session.stack.reload()
        display = session.display(preview=False)
        run = session.run(display, state, dry_run=False)
        if not options.json:
            display.say(f"{title} ({session.stack.name}):")
        with session.interrupts.handled(lambda text: display.message("warning", text)), display:
            _warn_abandoned(display, abandoned)
            session.warn_pending(display, state.pending)
            if kind == "update" and options.refresh:
                refreshing.configure_providers(run)
                refreshing.take_over(run, refreshing.look(run, quiet=True))
            work(session, run, display)
        elapsed = time.monotonic() - began
        ended = run.failed or session.interrupts.cancel.is_set()
        session.stack.record(_history(session, run, kind, started, failed=ended))
        if kind != "update":
            display.after = None
        before = outputs_of(state.resources)
        if isinstance(display, Silent) and options.json:
            report = digest.run_json(session.settings, display.steps, display.diagnostics, run.tally, elapsed)
            outputs = digest.outputs_json(
                outputs_of(run.journal.resources()), show_secrets=options.show_secrets
            )
            _print_json({**report, "result": "failed" if ended else "succeeded", "outputs": outputs})
        else:
            display.say()
            shown = not options.suppress_outputs
            display.summary(run.tally, before, elapsed, show_outputs=shown, failed=ended)
    return session.end(run, display, {"update": "up"}.get(kind, kind))


def _warn_abandoned(display: Display, abandoned: Sequence[Lock]) -> None:
    for lock in abandoned:
        display.message("warning", f"the lock of a run that lives no more was removed ({lock})")


def _history(session: Session, run: Run, kind: str, started: int, *, failed: bool) -> Mapping[str, object]:
    config = {}
    for key, setting in session.settings.items():
        value = setting.stored["secure"] if setting.secret and not setting.structured else setting.value
        if setting.secret and setting.structured:
            value = json.dumps(setting.stored, separators=(",", ":"))
        entry: dict[str, object] = {"value": value, "secret": setting.secret}
        config[key] = {**entry, "object": True} if setting.structured else entry
    return {
        "kind": kind,
        "startTime": started,
        "message": "",
        "environment": {},
        "config": config,
        "version": 0,
        "result": "failed" if failed else "succeeded",
        "endTime": int(time.time()),
        "resourceChanges": dict(run.tally.as_json()),
    }


def _print_json(data: object) -> None:
    print(json.dumps(data, indent=4, ensure_ascii=False))
