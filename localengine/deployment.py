"""Making the resources a program registers: plan each, do what it needs, keep the state up to date."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, replace

from localengine import execution, planning
from localengine.backend import now
from localengine.codec import UNKNOWN_TEXT
from localengine.errors import EngineError
from localengine.events import Op, Step
from localengine.goal import Goal
from localengine.names import Names
from localengine.provider import CheckFailures, working_on
from localengine.refusal import MonitorError, stopped
from localengine.run import Run, explain
from localengine.secrecy import mark
from localengine.state import Resource
from localengine.urn import PROVIDER_PREFIX, STACK_TYPE, is_provider, package_of, split_reference
from localengine.values import Properties, Secret


@dataclass(frozen=True)
class Registered:
    """The answer to a registration."""

    urn: str
    id: str = ""
    properties: Properties | None = None


class Deployment:
    """Brings a stack to what its program registers, one registration at a time or many at once."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.names = Names(run.stack, run.project, run.journal)
        self._default_locks: dict[str, threading.Lock] = {}
        self._default_references: dict[str, str] = {}
        self._created: dict[str, Resource] = {}
        self._stack_outputs: tuple[Resource, Properties] | None = None

    def register(self, goal: Goal) -> Registered:
        """Make the resource that `goal` describes. Raises MonitorError where the run is over or ends here."""
        run = self._run
        run.going()
        run.redact.learn(goal.inputs)
        urn = ""
        try:
            if is_provider(goal.type):
                return self._provider(goal)
            missing = run.registry.lacks_type(goal.type) if goal.custom else ""
            with run.lock:
                goal = goal.inherit(run.goals.get(goal.parent))
                urn, old = self.names.claim(goal)
                run.goals[urn] = goal
            if missing:
                raise EngineError(missing)
            if not goal.custom:
                return self._component(goal, urn, old)
            reference = goal.provider or self.default_provider(package_of(goal.type), goal.version)
            return self._custom(goal, urn, old, reference)
        except MonitorError:
            raise
        except Exception as error:
            return self._refuse(error, urn or goal.name)

    def _refuse(self, error: Exception, urn: str) -> Registered:
        """Fail the run; a preview goes on with everything unknown, to find all that is wrong at once."""
        run = self._run
        if isinstance(error, CheckFailures):
            for failure in error.failures:
                run.error(
                    f"{failure.property}: {failure.reason}" if failure.property else failure.reason, urn
                )
        else:
            run.error(explain(error), urn)
        if run.dry_run and "::" in urn:
            return Registered(urn)
        raise stopped()

    def register_outputs(self, urn: str, outputs: Properties) -> None:
        """Take over a component's outputs; the stack's own wait for `finish`."""
        run = self._run
        run.going()
        with run.lock:
            resource = self._created.get(urn)
        if resource is not None and resource.type == STACK_TYPE:
            self._stack_outputs = (resource, outputs)
        elif resource is not None:
            run.journal.swap(resource, replace(resource, outputs=outputs))
            run.journal.save()

    def finish(self) -> None:
        """Take over the stack's outputs; those of a failed run only add to what was there before."""
        if self._stack_outputs is None:
            return
        resource, outputs = self._stack_outputs
        if self._run.failed or self._run.cancel.is_set():
            outputs = {**resource.outputs, **outputs}
        self._run.journal.swap(resource, replace(resource, outputs=outputs))
        self._run.sink.outputs(outputs)

    # Components and providers: no provider's work, only state.

    def _keep(self, old: Resource | None, new: Resource, step: Step) -> None:
        run = self._run
        if old is not None:
            run.journal.keep(old, new)
        else:
            run.journal.add(new)
        with run.lock:
            self._created[new.urn] = new
        run.plan(step)
        run.count(step)

    def _component(self, goal: Goal, urn: str, old: Resource | None) -> Registered:
        if old is not None and old.custom:
            raise EngineError(
                "was a resource of a provider and is a component now: give the component another name"
            )
        new = planning.to_resource(goal, urn, "", goal.inputs)
        same = old is not None and old.inputs == goal.inputs
        op: Op = "create" if old is None else "same" if same else "update"
        if old is None:
            new = replace(new, created=now(), modified=now())
        else:
            new = planning.carried(old, new, old.outputs)
            new = new if same else replace(new, modified=now())
        self._keep(old, new, Step(op=op, urn=urn, old=old, new=new))
        return Registered(urn)

    def default_provider(self, package: str, version: str) -> str:
        """Return the reference of the provider that serves `package` where the program names none.

        Raises EngineError where there is none.
        """
        name = "_".join(["default", *version.split(".")]) if version else "default"
        key = f"{package}::{name}"
        with self._run.lock:
            lock = self._default_locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._default_references:
                missing = self._run.registry.lacks_package(package)
                if missing:
                    raise EngineError(missing)
                goal = Goal(
                    type=f"{PROVIDER_PREFIX}{package}",
                    name=name,
                    custom=True,
                    inputs=self._default_inputs(package, version),
                )
                made = self._provider(goal)
                self._default_references[key] = f"{made.urn}::{made.id}"
            return self._default_references[key]

    def _default_inputs(self, package: str, version: str) -> Properties:
        inputs: Properties = {
            key.partition(":")[2]: Secret(setting.value) if setting.secret else setting.value
            for key, setting in self._run.settings.items()
            if package_of(key) == package and package != "pulumi"
        }
        return {**inputs, "version": version, "__internal": {}} if version else inputs

    def _provider(self, goal: Goal) -> Registered:
        run = self._run
        package = goal.type.removeprefix(PROVIDER_PREFIX)
        missing = run.registry.lacks_package(package)
        with run.lock:
            urn, old = self.names.claim(goal)
        if missing:
            raise EngineError(missing)
        inputs = goal.inputs
        if goal.version and "version" not in inputs:
            inputs = {**inputs, "version": goal.version, "__internal": {}}
        with working_on(urn):
            run.registry.configure(urn, goal.type, inputs)
        run.registry.alias(self.names.former(urn), urn)
        outputs = {key: value for key, value in inputs.items() if key != "__internal"}
        new = replace(planning.to_resource(goal, urn, "", inputs), outputs=outputs)
        if old is None:
            id = UNKNOWN_TEXT if run.dry_run else str(uuid.uuid4())
            new = replace(new, id=id, created=now(), modified=now())
            step = Step(op="create", urn=urn, new=new)
        else:
            new = planning.carried(old, new, outputs)
            # A package's notes on itself (`__...`) are not settings.
            changed = tuple(
                key
                for key in {**old.inputs, **inputs}
                if not key.startswith("__") and old.inputs.get(key) != inputs.get(key)
            )
            if changed:
                new = replace(new, modified=now())
            step = Step(op="update" if changed else "same", urn=urn, old=old, new=new, changed=changed)
        self._keep(old, new, step)
        return Registered(urn, new.id, outputs)

    # Custom resources.

    def _custom(self, goal: Goal, urn: str, old: Resource | None, reference: str) -> Registered:
        run = self._run
        provider = run.registry.get(split_reference(reference)[0])
        if provider is None:
            raise EngineError(f"its provider {reference} is not registered")
        if old is not None and not old.custom:
            raise EngineError("was a component and is a provider's resource now: give it another name")
        with working_on(urn):
            plan = planning.decide(provider, goal, old, replaced=run.replaced)
        new = planning.to_resource(goal, urn, reference, plan.inputs)
        always = {*goal.additional_secret_outputs, *provider.secret_outputs(goal.type)}
        if plan.op == "same" and old is not None:
            new = planning.carried(old, new, mark(old.outputs, plan.inputs, always))
            self._keep(old, new, Step(op="same", urn=urn, old=old, new=new))
        else:
            step = Step(
                op=plan.op,
                urn=urn,
                old=old,
                new=new,
                changed=plan.changed,
                replaces=plan.replaces,
                changes=plan.changes,
                delete_first=plan.delete_first,
            )
            run.plan(step)
            new = execution.apply(run, provider, step, old, new, always)
            run.count(step)
        run.redact.learn(new.outputs)
        return Registered(urn, new.id, {**new.inputs, **new.outputs})
