"""The site as its visitors see it, from the machine that runs the rollout."""

from __future__ import annotations

import time
from typing import Any

from provisioning import prober
from provisioning.remote import HostFailure
from provisioning.request import Request

_PATIENCE_SECONDS = 10.0
_TAIL_SECONDS = 0.5
"""How long the prober asks on after the last change."""


class Outside:
    """Asks the site through its public address."""

    def __init__(self, request: Request) -> None:
        self.target = prober.Target(
            address=request.entry.address,
            host=request.host_header,
            path=request.health_path,
            scheme=request.scheme,
        )
        self._name = request.entry.name
        self._rate = request.probe_rate
        self._prober: prober.Prober | None = None
        self._found: dict[str, Any] | None = None

    def start(self) -> None:
        """Begin to measure, once."""
        if self._prober is None:
            self._prober = prober.Prober(self.target, self._rate)
            self._prober.start()

    def stop(self) -> dict[str, Any]:
        """End the measurement; what it found, also when asked again."""
        if self._found is None:
            if self._prober is None:
                return prober.summary([])
            time.sleep(_TAIL_SECONDS)
            self._found = self._prober.stop()
        return self._found

    def smoke_test(self) -> int:
        """The site answers below 400; its status. Raises HostFailure where it does not within 10 s."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            status, text = prober.ask(self.target)
            if 200 <= status < 400:
                return status
            if time.monotonic() > deadline or 400 <= status < 500:
                break
            time.sleep(0.5)
        target = self.target
        raise HostFailure(
            self._name,
            f"from outside, GET {target.path} at {target.address} with Host {target.host} "
            + (f"answered {status}" if status else f"got no answer ({text})"),
            next_step="see that port 80 is open to this machine and nginx runs on the host",
        )
