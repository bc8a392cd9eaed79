"""Raw HTTP against the API, with the expected status beside each request."""

from __future__ import annotations

import time
from typing import Any

import httpx


class Client:
    """Sends requests; an answer with another status than the expected one fails the test with its text."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def get(self, path: str, *, expect: int = 200) -> Any:
        return self.send("GET", path, None, expect)

    def post(self, path: str, body: Any, *, expect: int = 201) -> Any:
        return self.send("POST", path, body, expect)

    def put(self, path: str, body: Any, *, expect: int = 200) -> Any:
        return self.send("PUT", path, body, expect)

    def patch(self, path: str, body: Any, *, expect: int = 200) -> Any:
        return self.send("PATCH", path, body, expect)

    def delete(self, path: str, body: Any = None, *, expect: int = 204) -> Any:
        return self.send("DELETE", path, body, expect)

    def send(self, method: str, path: str, body: Any, expect: int) -> Any:
        answer = self.http.request(method, path, json=body)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        if expect == 204:
            assert answer.content == b"", "204 comes without a body"
            return None
        return answer.json() if answer.content else None

    def until_done(self, action_id: int) -> dict[str, Any]:
        """Polls an action until it is no longer in progress."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            action: dict[str, Any] = self.get(f"/v2/actions/{action_id}")["action"]
            if action["status"] != "in-progress":
                return action
            time.sleep(0.01)
        raise AssertionError(f"action {action_id} is still in progress")

    def act(self, path: str, **body: Any) -> dict[str, Any]:
        """Begins an action and waits for its end."""
        return self.until_done(self.post(path, body)["action"]["id"])
