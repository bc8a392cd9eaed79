"""The cloud's own switches, outside the real API: faults and knobs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import TypeAdapter

from localcloud.cloud import Cloud, Knobs
from localcloud.faults import Fault


def routes(cloud: Cloud) -> APIRouter:
    """The routes under /control."""
    router = APIRouter(prefix="/control")
    faults = TypeAdapter(list[Fault])

    @router.get("/faults")
    def list_faults() -> dict[str, Any]:
        return {"faults": faults.dump_python(cloud.faults.waiting())}

    @router.post("/faults", status_code=201)
    def add_fault(fault: Fault) -> dict[str, Any]:
        cloud.faults.add(fault)
        return {"fault": fault.model_dump()}

    @router.delete("/faults", status_code=204)
    def clear_faults() -> None:
        cloud.faults.clear()
        cloud.jobs.release()

    @router.get("/knobs")
    def get_knobs() -> dict[str, Any]:
        return {"knobs": cloud.knobs.model_dump()}

    @router.put("/knobs")
    def set_knobs(knobs: Knobs) -> dict[str, Any]:
        cloud.knobs = knobs
        return {"knobs": knobs.model_dump()}

    return router
