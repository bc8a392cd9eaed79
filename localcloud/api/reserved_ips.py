"""Reserved addresses: public ones that outlive the droplets they are assigned to."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from fastapi import APIRouter, Request

from localcloud.api.account import RESERVED_IP_LIMIT
from localcloud.api.actions import begin, link, newest_first
from localcloud.api.actions import describe as describe_action
from localcloud.api.answers import droplet_or_404, paged
from localcloud.api.bodies import Body
from localcloud.api.droplets import describe as describe_droplet
from localcloud.cloud import Cloud
from localcloud.errors import PENDING_EVENT, not_found, refused
from localcloud.state import Action, Assignment, ReservedIp, State


class NewReservedIp(Body):
    """An address to reserve: for a region, or at once for a droplet."""

    region: str | None = None
    droplet_id: int | None = None
    project_id: str | None = None


class NewAction(Body):
    """What to do with an address."""

    type: str
    droplet_id: int | None = None


def routes(cloud: Cloud, kind: str = "reserved_ips") -> APIRouter:
    """The routes under /v2/reserved_ips, or the same under their old name, /v2/floating_ips."""
    router = APIRouter(prefix=f"/v2/{kind}")
    one = kind.removesuffix("s")

    @router.get("")
    def list_all(request: Request) -> dict[str, Any]:
        with cloud.store.read() as state:
            found = [describe(cloud, state, ip) for ip in state.reserved_ips.values()]
        return paged(request, kind, found)

    @router.post("", status_code=202)
    def reserve(request: Request, body: NewReservedIp) -> dict[str, Any]:
        with cloud.store.change() as state:
            ip = place(cloud, state, body)
            answer: dict[str, Any] = {}
            action = None
            if body.droplet_id is not None:
                action = assign(state, ip, body.droplet_id)
                droplet = {
                    "id": body.droplet_id,
                    "rel": "droplet",
                    "href": f"{str(request.base_url).rstrip('/')}/v2/droplets/{body.droplet_id}",
                }
                links = {"droplets": [droplet], "actions": [link(request, action, "assign_ip")]}
                answer = {"links": links}
            answer[one] = describe(cloud, state, ip)
        if action:
            cloud.jobs.submit(action.id)
        return answer

    @router.get("/{address}")
    def get_one(address: str) -> dict[str, Any]:
        with cloud.store.read() as state:
            return {one: describe(cloud, state, find(state, address))}

    @router.delete("/{address}", status_code=204)
    def remove(address: str) -> None:
        release(cloud, address)

    @router.get("/{address}/actions")
    def list_actions(request: Request, address: str) -> dict[str, Any]:
        with cloud.store.read() as state:
            find(state, address)
            actions = newest_first(state, "reserved_ip", int(IPv4Address(address)))
        return paged(request, "actions", [describe_action(cloud, action) for action in actions])

    @router.post("/{address}/actions", status_code=201)
    def act(address: str, body: NewAction) -> dict[str, Any]:
        with cloud.store.change() as state:
            ip = find(state, address)
            if body.type == "assign":
                if body.droplet_id is None:
                    raise refused("droplet_id can't be blank")
                action = assign(state, ip, body.droplet_id)
            elif body.type == "unassign":
                action = unassign(state, ip)
            else:
                raise refused(f"the action {body.type} is not one of assign, unassign")
            described = describe_action(cloud, action)
        cloud.jobs.submit(action.id)
        return {"action": described}

    @router.get("/{address}/actions/{action_id}")
    def get_action(address: str, action_id: int) -> dict[str, Any]:
        with cloud.store.read() as state:
            find(state, address)
            for action in newest_first(state, "reserved_ip", int(IPv4Address(address))):
                if action.id == action_id:
                    return {"action": describe_action(cloud, action)}
        raise not_found()

    return router


def describe(cloud: Cloud, state: State, ip: ReservedIp) -> dict[str, Any]:
    """A reserved address as the API answers it, with the whole droplet it is assigned to."""
    droplet = state.droplet(ip.droplet_id) if ip.droplet_id is not None else None
    return {
        "ip": ip.ip,
        "region": cloud.catalog.describe_region(ip.region),
        "droplet": describe_droplet(cloud, state, droplet) if droplet else None,
        "locked": pending(state, ip),
        "project_id": ip.project_id,
    }


def find(state: State, address: str) -> ReservedIp:
    """The reserved address. Raises ApiError where there is none."""
    if address not in state.reserved_ips:
        raise not_found()
    return state.reserved_ips[address]


def place(cloud: Cloud, state: State, body: NewReservedIp) -> ReservedIp:
    """Reserve an address. Raises ApiError."""
    if len(state.reserved_ips) >= RESERVED_IP_LIMIT:
        raise refused(f"you have reached the limit of {RESERVED_IP_LIMIT} reserved IPs")
    region = body.region.lower() if body.region else None
    if body.droplet_id is not None:
        droplet = state.droplet(body.droplet_id)
        if droplet is None:
            raise refused("The Droplet does not exist.")
        region = droplet.region
    if region not in cloud.catalog.regions:
        raise refused("Region is not available")
    project_id = body.project_id or state.default_project().id
    if project_id not in state.projects:
        raise refused(f"there is no project {project_id}")
    ip = ReservedIp(ip=cloud.take_public_address(state), region=region, project_id=project_id)
    state.reserved_ips[ip.ip] = ip
    state.urns[urn(ip.ip)] = Assignment(project_id=project_id)
    return ip


def urn(address: str) -> str:
    """The name of a reserved address among a project's resources."""
    return f"do:floatingip:{address}"


def pending(state: State, ip: ReservedIp) -> bool:
    """Whether an address is being assigned or unassigned right now."""
    return any(
        action.status == "in-progress"
        for action in newest_first(state, "reserved_ip", int(IPv4Address(ip.ip)))
    )


def assign(state: State, ip: ReservedIp, droplet_id: int) -> Action:
    """Begin to give an address to a droplet. Raises ApiError."""
    droplet = droplet_or_404(state, droplet_id)
    if pending(state, ip):
        raise refused("The reserved IP already has a pending event.")
    if state.pending(droplet_id):
        raise refused(PENDING_EVENT)
    if droplet.region != ip.region:
        raise refused(f"the reserved IP is in {ip.region}, the Droplet in {droplet.region}")
    if any(other.droplet_id == droplet_id and other is not ip for other in state.reserved_ips.values()):
        raise refused("The Droplet already has a reserved IP.")
    return begin(
        state, "assign_ip", "reserved_ip", int(IPv4Address(ip.ip)), ip.region, ip=ip.ip, droplet_id=droplet_id
    )


def unassign(state: State, ip: ReservedIp) -> Action:
    """Begin to take an address from its droplet. Raises ApiError."""
    if pending(state, ip):
        raise refused("The reserved IP already has a pending event.")
    if ip.droplet_id is None:
        raise refused("The reserved IP is not assigned.")
    return begin(
        state, "unassign_ip", "reserved_ip", int(IPv4Address(ip.ip)), ip.region, ip=ip.ip, droplet_id=None
    )


def release(cloud: Cloud, address: str) -> None:
    """Give an address up, and take it from the droplet that has it. Raises ApiError."""
    with cloud.store.read() as state:
        ip = find(state, address)
        if pending(state, ip):
            raise refused("The reserved IP already has a pending event.")
        holder = ip.droplet_id
    if holder is not None:
        cloud.fleet.remove_public_address(holder, address)
    with cloud.store.change() as state:
        state.reserved_ips.pop(address, None)
        state.urns.pop(urn(address), None)
    cloud.enforcer.apply()
