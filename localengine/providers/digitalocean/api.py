"""DigitalOcean's HTTP API: requests with retries, pages, and errors a user can read."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from localengine.provider import ProviderError
from localengine.providers.waiting import Deadline

if TYPE_CHECKING:
    import httpx

DEFAULT_ENDPOINT = "https://api.digitalocean.com"
REQUEST_TIMEOUT = 60.0
FIRST_POLL, LONGEST_POLL = 0.2, 2.0
PENDING = "pending event"
"""Part of the message of a 422 that only means: not now, something else is still going on."""
IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})


class ApiError(ProviderError):
    """An answer that is no success: `POST <url>: 422 <message>`."""

    def __init__(self, request: str, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(f"{request}: {status} {message}")


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where the API is and how to use it. Waits are in seconds, `retries` come after the first try."""

    endpoint: str = DEFAULT_ENDPOINT
    token: str = ""
    retries: int = 4
    shortest_wait: float = 1.0
    longest_wait: float = 30.0


class Api:
    """A client for several threads at once. Its methods raise ApiError, and end when `cancel` is set."""

    def __init__(self, access: Access, cancel: threading.Event) -> None:
        self._access = access
        self._cancel = cancel
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def deadline(self, seconds: float | None) -> Deadline:
        """An end of waiting for this client's work."""
        return Deadline(seconds, self._cancel)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """GET an object."""
        return self._request("GET", path, query=query)

    def find(self, path: str) -> dict[str, Any] | None:
        """GET an object, or None where there is none (404)."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def pages(self, path: str, key: str, **query: Any) -> Iterator[dict[str, Any]]:
        """GET every element of a list, page by page."""
        page = 1
        while True:
            answer = self.get(path, **query, page=page, per_page=200)
            yield from answer.get(key) or ()
            if not ((answer.get("links") or {}).get("pages") or {}).get("next"):
                return
            page += 1

    def post(self, path: str, body: Any, deadline: Deadline) -> dict[str, Any]:
        """POST; waits while something else is going on with the object."""
        return self._patiently("POST", path, body, deadline)

    def put(self, path: str, body: Any, deadline: Deadline) -> dict[str, Any]:
        """PUT; waits as `post` does."""
        return self._patiently("PUT", path, body, deadline)

    def patch(self, path: str, body: Any, deadline: Deadline) -> dict[str, Any]:
        """PATCH; waits as `post` does."""
        return self._patiently("PATCH", path, body, deadline)

    def delete(self, path: str, deadline: Deadline, body: Any = None) -> None:
        """DELETE; waits as `post` does. What is gone already is no error."""
        try:
            self._patiently("DELETE", path, body, deadline)
        except ApiError as error:
            if error.status != 404:
                raise

    def act(
        self, path: str, body: Mapping[str, Any], deadline: Deadline, *, poll: str = "v2/actions"
    ) -> None:
        """Start an action and wait for its end; its progress is at `<poll>/<id>`. Raises ProviderError."""
        action = self.post(path, body, deadline)["action"]
        what = f"{body['type']} of {path.removesuffix('/actions').removeprefix('v2/')}"
        waits = polls(deadline, f"waiting for {what}")
        while action["status"] not in ("completed", "errored"):
            next(waits)
            action = self.get(f"{poll}/{action['id']}")["action"]
        if action["status"] == "errored":
            raise ProviderError(f"{what}: DigitalOcean could not do it (action {action['id']} errored)")

    def _patiently(self, method: str, path: str, body: Any, deadline: Deadline) -> dict[str, Any]:
        waits = polls(deadline, f"waiting for {path} to be free")
        while True:
            try:
                return self._request(method, path, body=body)
            except ApiError as error:
                if error.status != 422 or PENDING not in error.message:
                    raise
            next(waits)

    def _request(
        self, method: str, path: str, *, body: Any = None, query: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        import httpx

        url = f"{self._access.endpoint.rstrip('/')}/{path}"
        wait, tries = self._access.shortest_wait, self._access.retries
        while True:
            self.deadline(None).check(f"asking {url}")
            try:
                answer = self._open().request(method, url, json=body, params=query)
            except httpx.HTTPError as error:
                # A request that was never sent may be sent again, whatever it is.
                unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                failure: ProviderError = ProviderError(
                    f"{method} {url}: no answer: {error or type(error).__name__}"
                )
                again, pause = unsent or method in IDEMPOTENT, wait
            else:
                if answer.is_success:
                    return _json(answer) if answer.content else {}
                failure = ApiError(f"{method} {url}", answer.status_code, _message(answer))
                # 429 means it was not done; after a 500 a POST may have been.
                again = answer.status_code == 429 or (
                    answer.status_code >= 500 and answer.status_code != 501 and method in IDEMPOTENT
                )
                pause = _retry_after(answer) or wait
            if not again or tries <= 0:
                raise failure
            tries -= 1
            self.deadline(None).pause(min(pause, self._access.longest_wait), f"waiting to ask {url} again")
            wait = min(wait * 2, self._access.longest_wait)

    def _open(self) -> httpx.Client:
        import ssl

        import httpx

        with self._lock:
            if self._client is None:
                if not self._access.token:
                    raise ProviderError(
                        "digitalocean: no token; set one with `config set --secret digitalocean:token`, "
                        "or in the environment variable DIGITALOCEAN_TOKEN"
                    )
                host = urlsplit(self._access.endpoint).hostname or ""
                secure = self._access.endpoint.startswith("https:")
                self._client = httpx.Client(
                    headers={"Authorization": f"Bearer {self._access.token}", "Accept": "application/json"},
                    timeout=REQUEST_TIMEOUT,
                    # The system's own store of certificates: a company's proxy is known there.
                    verify=ssl.create_default_context() if secure else False,
                    # A proxy has no way to this machine's own loopback.
                    trust_env=not (host == "localhost" or host.startswith("127.") or host == "::1"),
                )
            return self._client


def polls(deadline: Deadline, what: str) -> Iterator[None]:
    """Each `next` waits a little longer than the one before; ends as `deadline` does."""
    pause = FIRST_POLL
    while True:
        deadline.pause(pause, what)
        yield
        pause = min(pause * 1.5, LONGEST_POLL)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        request = f"{answer.request.method} {answer.request.url}"
        raise ApiError(request, answer.status_code, f"the answer is not the API's: {answer.text[:200]!r}")
    return body


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.reason_phrase} {answer.text[:200].strip()}".strip()


def _retry_after(answer: httpx.Response) -> float | None:
    try:
        return float(answer.headers["Retry-After"])
    except (KeyError, ValueError):
        return None
