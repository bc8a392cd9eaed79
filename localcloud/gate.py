"""What every request passes: its number, the token, the rate limit, and faults made on purpose."""

from __future__ import annotations

import asyncio
import hmac
import json
import threading
import time
from collections import deque
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localcloud import errors
from localcloud.cloud import RATE_LIMIT_PER_HOUR, Cloud
from localcloud.state import new_uuid

HOUR_SECONDS = 3600


class RateLimit:
    """Counts the requests of the last hour; refuses none unless a limit is set by the cloud's knobs."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._times: deque[float] = deque()

    def count(self) -> tuple[bool, dict[str, str]]:
        """Count one request: whether it is within the limit, and the headers that tell where that stands."""
        enforced = self._cloud.knobs.requests_per_hour
        limit = enforced or RATE_LIMIT_PER_HOUR
        now = time.time()
        with self._lock:
            while self._times and self._times[0] <= now - HOUR_SECONDS:
                self._times.popleft()
            within = enforced is None or len(self._times) < limit
            if within:
                self._times.append(now)
            left = max(0, limit - len(self._times))
            reset = int(self._times[0] if self._times else now) + HOUR_SECONDS
        headers = {
            "ratelimit-limit": str(limit),
            "ratelimit-remaining": str(left),
            "ratelimit-reset": str(reset),
        }
        return within, headers


class Gate:
    """ASGI middleware around the whole API."""

    def __init__(self, app: ASGIApp, cloud: Cloud, token: str) -> None:
        self._app = app
        self._cloud = cloud
        self._expected = f"Bearer {token}".encode()
        self._limit = RateLimit(cloud)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_uuid()
        scope.setdefault("state", {})["request_id"] = request_id
        within, headers = self._limit.count()
        headers["x-request-id"] = request_id

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in headers.items()]
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        async def refuse(status: int, message: str, **more: str) -> None:
            body = json.dumps(errors.body(status, message, request_id)).encode()
            lines = {"content-type": "application/json", "content-length": str(len(body))} | more
            pairs = [(name.encode(), value.encode()) for name, value in lines.items()]
            await answer({"type": "http.response.start", "status": status, "headers": pairs})
            await answer({"type": "http.response.body", "body": body})

        given = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, self._expected):
            await refuse(401, "Unable to authenticate you")
            return
        # Bodies are JSON, whatever a client such as curl calls them.
        others = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
        scope["headers"] = [*others, (b"content-type", b"application/json")]
        method, path = scope["method"], scope["path"]
        if not path.startswith("/v2/"):
            await self._app(scope, receive, answer)
            return
        if not within:
            await refuse(429, "API Rate limit exceeded.")
            return
        if fault := self._cloud.faults.for_request("delay", method, path):
            await asyncio.sleep(fault.seconds)
        fault = self._cloud.faults.for_request("error", method, path)
        if fault is None:
            await self._app(scope, receive, answer)
            return
        if fault.after:
            await self._app(scope, receive, _ignore)
        again: dict[str, Any] = (
            {"retry-after": str(fault.retry_after)} if fault.retry_after is not None else {}
        )
        await refuse(fault.status, fault.message, **again)


class ForDroplets:
    """ASGI middleware that lets those who come to one of this machine's addresses move reserved IPs alone.

    What a droplet runs is not to be trusted with the cloud it runs on, as it would not be with a token of
    all scopes.
    """

    def __init__(self, app: ASGIApp, address: str) -> None:
        self._app = app
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_theirs = scope["type"] == "http" and (scope.get("server") or [""])[0] == self._address
        if not is_theirs or _is_about_an_address(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        body = json.dumps(errors.body(403, "You are not authorized to perform this operation", new_uuid()))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})


def _is_about_an_address(method: str, path: str) -> bool:
    return path.startswith("/v2/reserved_ips") and (method == "GET" or path.endswith("/actions"))


async def _ignore(_: Message) -> None:
    return None
