"""The HTTP API: its routes put together, and its refusals in one shape."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from localcloud import errors
from localcloud.api import (
    account,
    actions,
    control,
    destruction,
    dns_records,
    domains,
    droplet_actions,
    droplets,
    firewalls,
    offers,
    projects,
    reserved_ips,
    tags,
    vpcs,
)
from localcloud.cloud import Cloud
from localcloud.errors import ApiError
from localcloud.gate import Gate
from localcloud.machine_types import MachineError

log = logging.getLogger(__name__)


def create_app(cloud: Cloud, token: str) -> FastAPI:
    """The API of a cloud, for those who have the token."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    for module in (
        account,
        offers,
        actions,
        destruction,
        droplet_actions,
        droplets,
        tags,
        vpcs,
        firewalls,
        dns_records,
        domains,
        reserved_ips,
        projects,
        control,
    ):
        app.include_router(module.routes(cloud))
    app.include_router(reserved_ips.routes(cloud, "floating_ips"))
    app.add_middleware(Gate, cloud=cloud, token=token)
    _refuse_in_one_shape(app)
    return app


def _refuse_in_one_shape(app: FastAPI) -> None:
    def answer(request: Request, status: int, message: str) -> JSONResponse:
        return JSONResponse(errors.body(status, message, request.state.request_id), status)

    @app.exception_handler(ApiError)
    def refused(request: Request, error: ApiError) -> JSONResponse:
        return answer(request, error.status, error.message)

    @app.exception_handler(RequestValidationError)
    def unreadable(request: Request, error: RequestValidationError) -> JSONResponse:
        problems = error.errors()
        if any(problem["loc"][0] == "path" for problem in problems):
            log.warning("no such thing: %s %s", request.method, request.url.path)
            missing = errors.not_found()
            return answer(request, missing.status, missing.message)
        if any(problem["type"] == "json_invalid" for problem in problems):
            return answer(request, 400, "The request's body is not valid JSON.")
        where = [".".join(str(part) for part in problem["loc"][1:]) or "body" for problem in problems]
        whats = [f"{name}: {problem['msg']}" for name, problem in zip(where, problems, strict=True)]
        return answer(request, 422, "; ".join(whats))

    @app.exception_handler(HTTPException)
    def no_route(request: Request, error: HTTPException) -> JSONResponse:
        log.warning("no such route: %s %s", request.method, request.url.path)
        message = (
            f"{request.method} {request.url.path} is not offered by the local cloud."
            if error.status_code == 404
            else str(error.detail)
        )
        return answer(request, error.status_code, message)

    @app.exception_handler(MachineError)
    def machine_failed(request: Request, error: MachineError) -> JSONResponse:
        log.error("%s %s: %s", request.method, request.url.path, error)
        return answer(request, 500, str(error))

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return answer(request, 500, "Server was unable to give you a response.")
