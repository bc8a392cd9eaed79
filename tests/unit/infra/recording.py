"""Runs the whole program against Pulumi's mocks and keeps the raw requests, options included."""

from __future__ import annotations

import json
import runpy
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf import json_format
from pulumi import Output
from pulumi.runtime import set_all_config
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.settings import get_root_resource, set_root_resource
from pulumi.runtime.stack import Stack

with warnings.catch_warnings():
    # The SDKs import classes of their own that they have deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_command
    import pulumi_digitalocean  # noqa: F401

    _ = pulumi_command.remote.Command  # imported when first asked for

PROJECT = Path(__file__).resolve().parents[3]

DROPLET = "digitalocean:index/droplet:Droplet"
DOMAIN = "digitalocean:index/domain:Domain"
RECORD = "digitalocean:index/dnsRecord:DnsRecord"
FIREWALL = "digitalocean:index/firewall:Firewall"
RESERVED_IP = "digitalocean:index/reservedIp:ReservedIp"
SSH_KEY = "digitalocean:index/sshKey:SshKey"
VPC = "digitalocean:index/vpc:Vpc"
TAG = "digitalocean:index/tag:Tag"
REMOTE = "command:remote:Command"
LOCAL = "command:local:Command"
PASSWORD = "random:index/randomPassword:RandomPassword"  # noqa: S105  a type's name
PRIVATE_KEY = "tls:index/privateKey:PrivateKey"
CERTIFICATE = "tls:index/selfSignedCert:SelfSignedCert"
STACK_REFERENCE = "pulumi:pulumi:StackReference"
GET_DOMAIN = "digitalocean:index/getDomain:getDomain"

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  the mark of a secret on the wire
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

CONFIG: dict[str, Any] = {
    "site_name": "shop",
    "repository": "https://example.com/ana/shop.git",
    "domain": "example.com",
    "host": "staging",
    "ssh_allowed": ["203.0.113.7"],
}
RESULT: dict[str, Any] = {
    "release": {"id": "20260101T000000Z-abc", "revision": "a" * 40},
    "previous_release": None,
    "rollout": {
        "seconds": {"build": 1.5},
        "probe": {"requests": 10, "failed": 0, "p99_ms": 8},
        "result": "ok",
    },
}


@dataclass(frozen=True)
class Secret:
    """A value that was marked as a secret on the wire."""

    value: Any


@dataclass(frozen=True)
class Registered:
    """One resource as it was asked for: inputs with their secrets marked, and the raw request's options."""

    urn: str
    type: str
    name: str
    inputs: dict[str, Any]
    request: Any

    def plain(self, key: str) -> Any:
        """An input without the mark of a secret."""
        value = self.inputs.get(key)
        return value.value if isinstance(value, Secret) else value


@dataclass(frozen=True)
class Exported:
    """A stack output."""

    value: Any
    is_secret: bool
    is_known: bool


@dataclass
class Graph:
    """Everything that one run of the program asked for."""

    resources: list[Registered] = field(default_factory=list)
    registered_outputs: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    outputs: dict[str, Exported] = field(default_factory=dict)

    def all(self, type_: str) -> list[Registered]:
        return [resource for resource in self.resources if resource.type == type_]

    def one(self, type_: str) -> Registered:
        (found,) = self.all(type_)
        return found

    def duplicates(self) -> list[str]:
        return [urn for urn, times in Counter(r.urn for r in self.resources).items() if times > 1]


def marked(value: Any) -> Any:
    """A value of the wire with its secrets as Secret."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return Secret(marked(value["value"]))
        return {key: marked(inner) for key, inner in value.items()}
    return [marked(inner) for inner in value] if isinstance(value, list) else value


def texts(value: Any, *, secrets: bool) -> Iterator[str]:
    """Every text in a value, those inside secrets only when asked for."""
    if isinstance(value, Secret):
        if secrets:
            yield from texts(value.value, secrets=True)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts(inner, secrets=secrets)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, secrets=secrets)
    elif isinstance(value, str):
        yield value


def address(resource: str) -> int:
    """The last number of a droplet's two addresses, another one for each host."""
    host = resource.removesuffix("-droplet").split("-", 1)[1]
    groups = {"web": 10, "edge-": 20, "app-": 30, "data-": 60, "log-": 70}
    (first,) = (number for group, number in groups.items() if host.startswith(group))
    return first + int(host.partition("-")[2] or 0)


class Cloud(Mocks):
    """Answers as the providers would, the same on every run."""

    def __init__(
        self, graph: Graph, *, preview: bool, domain_error: str, stacks: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.graph, self.preview, self.domain_error, self.stacks = graph, preview, domain_error, stacks

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        self.graph.calls.append(args.token)
        if self.domain_error:
            return {}, [("name", self.domain_error)]
        return {"name": args.args["name"], "id": args.args["name"]}, []

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ == STACK_REFERENCE:
            if args.resource_id is None or args.resource_id not in self.stacks:
                raise LookupError(f"no stack named '{args.resource_id}' found")
            outputs = dict(self.stacks[args.resource_id])
            return args.resource_id, {**args.inputs, "outputs": outputs, "secretOutputNames": []}
        if self.preview:
            return None, dict(args.inputs)
        number = address(args.name) if args.typ == DROPLET else 0
        computed: dict[str, dict[str, Any]] = {
            DROPLET: {
                "ipv4Address": f"192.0.2.{number}",
                "ipv4AddressPrivate": f"10.10.0.{number}",
                "memory": 3072,
                "vcpus": 3,
            },
            SSH_KEY: {"fingerprint": "aa:bb"},
            VPC: {"ipRange": "10.10.0.0/20"},
            RESERVED_IP: {"ipAddress": "192.0.2.99"},
            PASSWORD: {"result": f"random-{args.name}"},
            PRIVATE_KEY: {
                "privateKeyOpenssh": f"-----PRIVATE {args.name}-----\n",
                "publicKeyOpenssh": f"ssh-ed25519 AAAA{args.name}\n",
                "privateKeyPem": f"-----PRIVATE {args.name}-----\n",
            },
            CERTIFICATE: {
                "certPem": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            },
            LOCAL: {"stdout": json.dumps(RESULT)},
        }
        id_ = f"10{number}" if args.typ == DROPLET else f"id-{args.name}"
        return id_, {**args.inputs, **computed.get(args.typ, {})}


class Recorder(MockMonitor):
    """Keeps each raw request, which the mocks alone never show."""

    def __init__(self, mocks: Cloud) -> None:
        super().__init__(mocks)
        self.graph = mocks.graph

    def RegisterResource(self, request: Any) -> Any:
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            inputs = marked(json_format.MessageToDict(request.object))
            urn = f"{request.parent}/{request.type}::{request.name}"
            self.graph.resources.append(Registered(urn, request.type, request.name, inputs, request))
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.graph.registered_outputs.append(request.urn.rsplit("::", 2)[1].rsplit("$", 1)[-1])
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def run_program(
    changes: Mapping[str, Any] | None = None,
    *,
    stack: str = "staging",
    secret: tuple[str, ...] = (),
    preview: bool = False,
    domain_error: str = "",
    stacks: Mapping[str, Mapping[str, Any]] | None = None,
) -> Graph:
    """Run `__main__.py` with CONFIG and `changes` as its settings; `stacks` are other stacks' outputs.

    Returns when every registration has landed and every output is resolved, so that what is missing from
    the graph is really missing. What the program raises, this raises.
    """
    graph = Graph()
    cloud = Cloud(graph, preview=preview, domain_error=domain_error, stacks=stacks or {})
    set_root_resource(None)  # type: ignore[arg-type]
    pulumi.runtime.set_mocks(
        cloud, "seatrial", stack, preview, monitor=Recorder(cloud), organization="organization"
    )
    settings = {**CONFIG, **(changes or {})}
    texts_ = {k: v if isinstance(v, str) else json.dumps(v) for k, v in settings.items()}
    set_all_config(
        {f"seatrial:{key}": value for key, value in texts_.items()}, [f"seatrial:{key}" for key in secret]
    )

    async def resolved() -> None:
        root = get_root_resource()
        assert isinstance(root, Stack)
        for name, value in root.outputs.items():
            output = Output.from_input(value)
            graph.outputs[name] = Exported(
                await output.future(with_unknowns=True), await output.is_secret(), await output.is_known()
            )

    def program() -> Output[None]:
        runpy.run_path(str(PROJECT / "__main__.py"), run_name="__main__")
        return Output.from_input(resolved())

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    set_all_config({}, [])
    return graph
