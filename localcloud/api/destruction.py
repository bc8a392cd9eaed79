"""Destroying a droplet together with what belongs to it: here that can be reserved addresses."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Header, Response
from pydantic import Field

from localcloud.api.answers import droplet_or_404
from localcloud.api.bodies import Body, Listed
from localcloud.api.droplets import remove
from localcloud.api.reserved_ips import release
from localcloud.cloud import Cloud
from localcloud.errors import ApiError, not_found
from localcloud.state import ReservedIp, State, now


class Chosen(Body):
    """Which of the things that belong to a droplet go with it."""

    floating_ips: Listed[str] = Field(default_factory=list)
    reserved_ips: Listed[str] = Field(default_factory=list)


def routes(cloud: Cloud) -> APIRouter:
    """The routes under /v2/droplets/{id}/destroy_with_associated_resources."""
    router = APIRouter(prefix="/v2/droplets/{id}/destroy_with_associated_resources")
    outcomes: dict[int, dict[str, Any]] = {}

    def destroy(id: int, addresses: list[str]) -> Response:
        with cloud.store.read() as state:
            name = droplet_or_404(state, id).name
            held = {ip.ip for ip in belonging(state, id)}
        if unknown := sorted(set(addresses) - held):
            raise ApiError(404, f"{unknown[0]} is not associated with droplet {id}.")
        remove(cloud, id)
        for address in addresses:
            release(cloud, address)
        moment = now()
        gone = [{"id": address, "name": address, "destroyed_at": moment} for address in addresses]
        outcomes[id] = {
            "droplet": {"id": str(id), "name": name, "destroyed_at": moment},
            "resources": associated(gone),
            "completed_at": moment,
            "failures": 0,
        }
        return Response(status_code=202)

    @router.get("")
    def list_associated(id: int) -> dict[str, Any]:
        with cloud.store.read() as state:
            droplet_or_404(state, id)
            held = [{"id": ip.ip, "name": ip.ip, "cost": "0.00"} for ip in belonging(state, id)]
        return associated(held)

    @router.delete("/selective", status_code=202)
    def destroy_some(id: int, body: Chosen) -> Response:
        return destroy(id, list(dict.fromkeys(body.reserved_ips + body.floating_ips)))

    @router.delete("/dangerous", status_code=202)
    def destroy_all(id: int, x_dangerous: bool = Header(False)) -> Response:
        if not x_dangerous:
            raise ApiError(400, "The X-Dangerous header must be true to destroy all associated resources.")
        with cloud.store.read() as state:
            addresses = [ip.ip for ip in belonging(state, id)]
        return destroy(id, addresses)

    @router.get("/status")
    def status(id: int) -> dict[str, Any]:
        if id not in outcomes:
            raise not_found()
        return outcomes[id]

    @router.post("/retry", status_code=202)
    def retry(id: int) -> Response:
        if id not in outcomes:
            raise not_found()
        return Response(status_code=202)

    return router


def belonging(state: State, droplet_id: int) -> list[ReservedIp]:
    """The reserved addresses that a droplet has."""
    return [ip for ip in state.reserved_ips.values() if ip.droplet_id == droplet_id]


def associated(addresses: list[dict[str, Any]]) -> dict[str, Any]:
    """The lists by kind, as the API has them; addresses stand under both of their names."""
    return {
        "reserved_ips": addresses,
        "floating_ips": addresses,
        "snapshots": [],
        "volumes": [],
        "volume_snapshots": [],
    }
