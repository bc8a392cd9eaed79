"""The site as its visitors see it, from the machine that runs the rollout."""

from __future__ import annotations

import time
from typing import Any

from provisioning import prober
from provisioning.remote import HostFailure
from provisioning.request import Request

_PATIENCE_SECONDS = 15.0
_LEAST_RATE = 4


def bearable(rate: int, seconds: float, hosts: int) -> int:
    """How many requests a second a site takes beside its visitors: at most `rate`.

    `seconds` is how long one takes; no more than one for each app host are to be under way at a time.
    """
    return max(min(rate, _LEAST_RATE), min(rate, int(hosts / max(seconds, 0.001))))


class Outside:
    """Asks the site through its public address."""

    def __init__(self, request: Request) -> None:
        self.target = prober.Target(
            address=request.site_address or request.entry.address,
            host=request.host_header,
            path=request.health_path,
            scheme=request.scheme,
        )
        self._name = request.entry.name
        self._rate = request.probe_rate
        self._hosts = len(request.app_hosts)
        self._prober: prober.Prober | None = None
        self._found: dict[str, Any] | None = None

    def start(self) -> None:
        """Begin to measure, once, at the rate that is asked for or the one that the site can bear."""
        if self._prober is None:
            rate = bearable(self._rate, prober.usual_seconds(self.target), self._hosts)
            self._prober = prober.Prober(self.target, rate)
            self._prober.start()

    def stop(self, after: float = 0.0) -> dict[str, Any]:
        """End the measurement, `after` so many seconds; what it found, also when asked again."""
        if self._found is None:
            if self._prober is None:
                return prober.summary([])
            time.sleep(after)
            self._found = self._prober.stop()
        return self._found

    def smoke_test(self) -> int:
        """The site answers below 400, a few times in a row, so that every app host has its turn; its status.

        Raises HostFailure where it does not within 15 s.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        wanted = 1 if self._hosts == 1 else 3 * self._hosts
        good = 0
        while True:
            status, text = prober.ask(self.target)
            good = good + 1 if 200 <= status < 400 else 0
            if good == wanted:
                return status
            if good:
                continue
            # 429: an edge's limit, which is as strict with us as with anybody; it has room again soon.
            if time.monotonic() > deadline or (400 <= status < 500 and status != 429):
                break
            time.sleep(0.5)
        target = self.target
        raise HostFailure(
            self._name,
            f"from outside, GET {target.path} at {target.address} with Host {target.host} "
            + (f"answered {status}" if status else f"got no answer ({text})"),
            next_step="correct it in the site's repository, or seatrial:revision, and run `make up` again"
            if status
            else f"see that port {target.port} of {target.address} is open to this machine, and runs on it",
        )
