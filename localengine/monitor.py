"""The two services the SDK talks to, as plain objects: resource monitor and engine."""

from __future__ import annotations

from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, provider_pb2, resource_pb2

from localengine import codec
from localengine.deployment import Deployment, Registered
from localengine.errors import EngineError
from localengine.events import Severity
from localengine.goal import Goal, from_request, lacking
from localengine.lookups import Lookups
from localengine.provider import CheckFailures
from localengine.refusal import MonitorError, stopped
from localengine.run import Run
from localengine.values import UNKNOWN

_FEATURES = {
    "secrets": resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    "resourceReferences": resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    "aliasSpecs": resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    "replacementTrigger": resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
    "deletedWith": resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    "replaceWith": resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
}


class Monitor:
    """Stands where the SDK expects a ResourceMonitor stub."""

    def __init__(self, run: Run, deployment: Deployment, lookups: Lookups, parallel: int) -> None:
        self._run = run
        self._deployment = deployment
        self._lookups = lookups
        self._parallel = parallel

    def GetDeploymentInfo(self, request: Any) -> Any:  # noqa: ARG002
        """Tell the SDK what it may use."""
        return resource_pb2.DeploymentInfo(
            project=self._run.project,
            stack=self._run.stack,
            organization="organization",
            dryRun=self._run.dry_run,
            parallel=self._parallel,
            supportedFeatures=list(_FEATURES.values()),
        )

    def SupportsFeature(self, request: Any) -> Any:
        """Answer for one feature by its name."""
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    def RegisterResource(self, request: Any) -> Any:
        """Make a resource; returns when it exists."""
        missing = lacking(request)
        if missing:
            self._run.error(f"the local engine lacks {', '.join(missing)}: use the pulumi CLI", request.name)
            raise stopped()
        try:
            goal = from_request(request, self._run.root)
        except (EngineError, ValueError) as error:
            self._run.error(str(error), request.name)
            raise stopped() from None
        made = self._deployment.register(goal)
        return resource_pb2.RegisterResourceResponse(
            urn=made.urn, id=made.id, object=codec.encode_struct(made.properties or {})
        )

    def RegisterResourceOutputs(self, request: Any) -> Any:
        """Take over a component's outputs."""
        self._deployment.register_outputs(request.urn, codec.decode_struct(request.outputs))
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:
        """Look up a resource that exists already."""
        goal = Goal(
            type=request.type,
            name=request.name,
            custom=True,
            inputs=codec.decode_struct(request.properties),
            parent=request.parent,
            provider=request.provider,
            version=request.version,
            dependencies=tuple(sorted(request.dependencies)),
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
        )
        id = UNKNOWN if request.id == codec.UNKNOWN_TEXT else request.id
        found: Registered = self._lookups.read(goal, id)
        return resource_pb2.ReadResourceResponse(
            urn=found.urn, id=found.id, properties=codec.encode_struct(found.properties or {})
        )

    def Invoke(self, request: Any) -> Any:
        """Call a provider's function."""
        args = codec.decode_struct(request.args)
        try:
            result = self._lookups.invoke(request.tok, args, request.provider, request.version)
        except CheckFailures as error:
            failures = [
                provider_pb2.CheckFailure(property=item.property, reason=item.reason)
                for item in error.failures
            ]
            return resource_pb2.ResourceInvokeResponse(failures=failures)
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(codec.encode_struct(result))
        return response

    def SignalAndWaitForShutdown(self, request: Any) -> Any:  # noqa: ARG002
        """The program registers nothing more; deletions follow when it has returned."""
        return empty_pb2.Empty()

    def _lacks(self, what: str) -> MonitorError:
        self._run.error(f"the local engine lacks {what}: use the pulumi CLI")
        return MonitorError(grpc.StatusCode.UNIMPLEMENTED, f"the local engine lacks {what}")

    def RegisterPackage(self, request: Any) -> Any:  # noqa: ARG002
        """Refused."""
        raise self._lacks("parameterized packages")

    def Call(self, request: Any) -> Any:  # noqa: ARG002
        """Refused."""
        raise self._lacks("resource methods")

    def ExistsResource(self, request: Any) -> Any:  # noqa: ARG002
        """Refused."""
        raise self._lacks("existence checks")

    def RegisterStackTransform(self, request: Any) -> Any:  # noqa: ARG002
        """Refused."""
        raise self._lacks("transforms")

    def RegisterStackInvokeTransform(self, request: Any) -> Any:  # noqa: ARG002
        """Refused."""
        raise self._lacks("invoke transforms")

    def RegisterResourceHook(self, request: Any) -> Any:  # noqa: ARG002
        """Refused."""
        raise self._lacks("resource hooks")

    def RegisterErrorHook(self, request: Any) -> Any:  # noqa: ARG002
        """Refused."""
        raise self._lacks("error hooks")


class Engine:
    """Stands where the SDK expects an Engine stub."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def Log(self, request: Any) -> Any:
        """Show what the program logs; debugging lines are dropped."""
        severities: dict[int, Severity] = {
            engine_pb2.INFO: "info",
            engine_pb2.WARNING: "warning",
            engine_pb2.ERROR: "error",
        }
        severity = severities.get(request.severity)
        if severity == "error":
            self._run.failed = True
        if severity is not None:
            self._run.sink.message(severity, request.message, request.urn)
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, request: Any) -> Any:  # noqa: ARG002
        """Every version asked for is taken as met."""
        return engine_pb2.RequirePulumiVersionResponse()

    def GetRootResource(self, request: Any) -> Any:  # noqa: ARG002
        """Not used by this SDK."""
        return engine_pb2.GetRootResourceResponse()

    def SetRootResource(self, request: Any) -> Any:  # noqa: ARG002
        """Not used by this SDK."""
        return engine_pb2.SetRootResourceResponse()
