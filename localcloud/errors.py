"""The API's refusals, in the wire shape its clients know: `{"id", "message", "request_id"}`."""

from __future__ import annotations

WORDS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    412: "precondition_failed",
    422: "unprocessable_entity",
    429: "too_many_requests",
    500: "server_error",
    503: "service_unavailable",
}
PENDING_EVENT = "Droplet already has a pending event."


class ApiError(Exception):
    """One refusal: an HTTP status and the message its client reads."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def not_found() -> ApiError:
    """The refusal for a thing that is not there."""
    return ApiError(404, "The resource you requested could not be found.")


def refused(message: str) -> ApiError:
    """The refusal of a request that can be read but not be done (422)."""
    return ApiError(422, message)


def body(status: int, message: str, request_id: str) -> dict[str, str]:
    """The answer's body for a refusal."""
    return {"id": WORDS.get(status, "server_error"), "message": message, "request_id": request_id}
