"""Reading resources that others made, and answering function calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import grpc  # type: ignore[import-untyped]

from localengine.deployment import Deployment, Registered
from localengine.errors import EngineError
from localengine.events import Step
from localengine.goal import Goal
from localengine.planning import to_resource
from localengine.provider import CheckFailures, Diff, Provider, ProviderError, working_on
from localengine.refusal import MonitorError, stopped
from localengine.run import Run, explain
from localengine.secrecy import mark
from localengine.urn import package_of, split_reference
from localengine.values import UNKNOWN, Properties, Secret, for_provider, has_secret

GET_RESOURCE = "pulumi:pulumi:getResource"
STACK_REFERENCE = "pulumi:pulumi:StackReference"


class Lookups:
    """Answers what changes nothing: reads and invokes."""

    def __init__(self, run: Run, deployment: Deployment) -> None:
        self._run = run
        self._deployment = deployment
        self._names = deployment.names

    def read(self, goal: Goal, id: Any) -> Registered:
        """Read the resource `id` (UNKNOWN in previews) as `goal.name`. Raises MonitorError."""
        run = self._run
        run.going()
        try:
            missing = run.registry.lacks_type(goal.type)
            if missing:
                raise EngineError(missing)
            provider, reference = self._provider(goal.type, goal.provider, goal.version)
            with run.lock:
                urn, old = self._names.claim(goal)
                run.goals[urn] = goal
            if old is not None and not old.external:
                raise EngineError(
                    "was made by this stack and is only read now: give what is read another name"
                )
            new = replace(to_resource(goal, urn, reference, goal.inputs), id=str(id), external=True)
            if id is UNKNOWN:
                return Registered(urn)
            with working_on(urn):
                found = provider.read(goal.type, new.id, for_provider(goal.inputs), {})
            if found is None:
                raise EngineError(f"{goal.type} {new.id!r} does not exist")
            always = {*goal.additional_secret_outputs, *provider.secret_outputs(goal.type)}
            new = replace(new, outputs=mark(found[1], goal.inputs, always))
            if old is not None:
                run.journal.keep(old, new)
            else:
                run.journal.add(new)
            step = Step(op="read", urn=urn, old=old, new=new)
            run.plan(step)
            run.count(step)
        except MonitorError:
            raise
        except Exception as error:
            run.error(explain(error), goal.name)
            raise stopped() from None
        return Registered(urn, new.id, new.outputs)

    def _provider(self, token: str, reference: str, version: str) -> tuple[Provider, str]:
        reference = reference or self._deployment.default_provider(package_of(token), version)
        provider = self._run.registry.get(split_reference(reference)[0])
        if provider is None:
            raise EngineError(f"the provider {reference} is not registered")
        return provider, reference

    def invoke(self, token: str, args: Properties, reference: str, version: str) -> Properties:
        """Call the function `token`. Raises MonitorError, which programs may catch, and CheckFailures."""
        run = self._run
        run.going()
        if token == GET_RESOURCE:
            return self._registered(str(args.get("urn")))
        missing = run.registry.lacks_invoke(token)
        if missing:
            run.error(missing)
            raise stopped()
        try:
            provider, _ = self._provider(token, reference, version)
            result = provider.invoke(token, for_provider(args))
        except CheckFailures:
            raise
        except (ProviderError, EngineError) as error:
            raise MonitorError(grpc.StatusCode.UNKNOWN, str(error)) from None
        return {key: Secret(value) for key, value in result.items()} if has_secret(args) else result

    def _registered(self, urn: str) -> Properties:
        resource = self._run.journal.find(urn)
        if resource is None:
            raise MonitorError(grpc.StatusCode.UNKNOWN, f"no resource {urn} in this stack")
        return {"urn": urn, "id": resource.id, "state": {**resource.inputs, **resource.outputs}}


class StackReferences:
    """The provider of `pulumi:pulumi:StackReference`: other stacks' outputs, from the same backend."""

    package = "pulumi"
    version = ""

    def __init__(self, outputs: Callable[[str], Properties]) -> None:
        """`outputs` returns the outputs of the stack of a given full name, or raises EngineError."""
        self._outputs = outputs

    def types(self) -> frozenset[str]:
        """StackReference alone."""
        return frozenset({STACK_REFERENCE})

    def invokes(self) -> frozenset[str]:
        """None: getResource is the engine's own."""
        return frozenset()

    def configure(self, inputs: dict[str, Any]) -> None:
        """Nothing to configure."""

    def check(self, type: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Take everything as it is."""
        return news

    def diff(self, type: str, id: str, old_inputs: Any, old_outputs: Any, news: Any) -> Diff:  # noqa: ARG002
        """Never differs: references are read, not made."""
        return Diff()

    def create(self, type: str, news: Any, *, preview: bool, timeout: Any) -> Any:  # noqa: ARG002
        """Raises ProviderError: references are read, not made."""
        raise ProviderError("a stack reference cannot be created")

    def update(self, *args: Any, preview: bool, timeout: Any) -> Any:  # noqa: ARG002
        """Raises ProviderError: references are read, not made."""
        raise ProviderError("a stack reference cannot be updated")

    def read(self, type: str, id: str, inputs: Any, outputs: Any) -> tuple[Properties, Properties]:  # noqa: ARG002
        """Return the outputs of the stack `id`, secrets marked."""
        try:
            found = self._outputs(id)
        except EngineError as error:
            raise ProviderError(str(error)) from None
        secret: Sequence[str] = sorted(key for key, value in found.items() if has_secret(value))
        return inputs, {"name": id, "outputs": found, "secretOutputNames": secret}

    def delete(self, type: str, id: str, inputs: Any, outputs: Any, *, timeout: Any) -> None:
        """Nothing to delete."""

    def invoke(self, token: str, args: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Raises ProviderError: there are no functions."""
        raise ProviderError(f"{token} is unknown")

    def secret_outputs(self, type: str) -> frozenset[str]:  # noqa: ARG002
        """None beyond what is marked in the stack itself."""
        return frozenset()
