"""What the program's SDK is told of a call that is refused."""

from __future__ import annotations

import grpc  # type: ignore[import-untyped]


class MonitorError(grpc.RpcError):  # type: ignore[misc]
    """What the SDK expects from a monitor that refuses a call."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self._code = code
        self._details = details

    def code(self) -> grpc.StatusCode:
        """The kind of refusal; UNAVAILABLE tells the SDK that the run is over."""
        return self._code

    def details(self) -> str:
        """The message the program gets."""
        return self._details


def stopped() -> MonitorError:
    """The answer to everything a program asks for after a failure or an interruption."""
    return MonitorError(grpc.StatusCode.UNAVAILABLE, "the run has been stopped")
