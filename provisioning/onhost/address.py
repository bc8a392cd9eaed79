"""The address that two edges share: taken by the one that is well where the other one is not.

Where it is, only the cloud's API says, and only it moves it. Both edges may ask at the same time: whoever
comes second finds that a well edge has it, and leaves it there.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .wire import Failure

CONFIGURATION = Path("/etc/seatrial/address.json")
TOKEN = Path("/etc/seatrial/address.token")

_PATIENCE = 120.0
_API_SECONDS = 20.0
_WELL_SECONDS = 1.0
_LONGEST_PAUSE = 15.0
_ACTION_SECONDS = 30.0
"""How long the cloud may take to move an address before it is asked again."""
_NOBODY_SECONDS = 10.0
"""How long an address that nobody has is left alone: someone may be about to give it back."""
_REFUSED = {
    401: "the API does not know the token",
    403: "the token may not do that: it needs the scope reserved_ip:update",
    404: "the API knows no such address",
}

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Terms:
    """What an edge knows of the address: where the API is, who it is itself, and who the other edge is.

    `here` and `peer` are URLs that answer 200 where that edge is well.
    """

    api: str
    address: str
    droplet_id: int
    here: str
    peer: str
    peer_droplet_id: int

    @classmethod
    def read(cls, path: Path = CONFIGURATION) -> Terms:
        """Raises Failure where this host is no edge of two."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            raise Failure(f"this host shares no address: there is no {path}") from None


class TryAgain(Exception):
    """What keeps the API from doing it now; after `pause` seconds it may go."""

    def __init__(self, why: str, pause: float = 0.0) -> None:
        super().__init__(why)
        self.pause = pause


class Api:
    """DigitalOcean's API, as far as it is about one address."""

    def __init__(self, url: str, address: str, token: str) -> None:
        self._url = f"{url}/v2/reserved_ips/{address}"
        self._address = address
        self._token = token

    def holder(self) -> int | None:
        """The id of the droplet that has the address. Raises TryAgain or Failure."""
        droplet = self._ask("")["reserved_ip"]["droplet"]
        return int(droplet["id"]) if droplet else None

    def assign(self, droplet_id: int) -> None:
        """Ask for the address; it comes some seconds later. Raises TryAgain or Failure."""
        self._ask("/actions", {"type": "assign", "droplet_id": droplet_id})

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            self._url + path,
            data=json.dumps(body).encode() if body else None,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "User-Agent": "seatrial-edge",
            },
        )
        try:
            with _opener().open(request, timeout=_API_SECONDS) as answer:
                told: dict[str, Any] = json.load(answer)
                return told
        except urllib.error.HTTPError as error:
            with error:
                if error.code in _REFUSED:
                    raise Failure(
                        f"{self._address} cannot be moved: {_REFUSED[error.code]}",
                        next_step="see seatrial:edge_token and seatrial:edge_api, then run `make up` again",
                    ) from None
                raise TryAgain(f"the API answers {error.code}: {_message(error)}", _pause(error)) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise TryAgain(f"the API at {self._url.partition('/v2/')[0]} does not answer: {reason}") from None


def take(
    terms: Terms,
    api: Api,
    tell: Tell,
    *,
    always: bool = False,
    is_well: Callable[[str], bool] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = _PATIENCE,
) -> bool:
    """Have the address here, unless a well edge has it; with `always`, also then. Whether it is here now.

    Raises Failure where the API refuses, or does not do it within `patience` seconds.
    """
    is_well = is_well or answers_well
    waited, pause, why = 0.0, 1.0, ""
    asked: float | None = None
    left_alone = False
    while waited < patience:
        length = pause
        try:
            holder = api.holder()
            if holder == terms.droplet_id:
                if asked is not None:
                    tell(f"{terms.address} is here now")
                return True
            if not is_well(terms.here):
                if always:
                    raise TryAgain("HAProxy on this edge finds no app host up")
                return False
            if not always and holder == terms.peer_droplet_id and is_well(terms.peer):
                return False
            if holder is None and not left_alone:
                left_alone, length = True, _NOBODY_SECONDS
            elif asked is None or waited - asked > _ACTION_SECONDS:
                tell(f"taking {terms.address} from {_name(terms, holder)}")
                api.assign(terms.droplet_id)
                asked, length = waited, 0.5
            else:
                length = 1.0
        except TryAgain as error:
            if str(error) != why:
                why = str(error)
                tell(f"{terms.address} is not moved yet: {why}")
            length = max(pause, error.pause)
        waited += length
        pause = min(2 * pause, _LONGEST_PAUSE)
        sleep(length)
    raise Failure(
        f"{terms.address} did not come here within {patience:.0f} seconds" + (f": {why}" if why else ""),
        next_step="see the address in the cloud's own panel; it is tried again",
    )


def answers_well(url: str) -> bool:
    """Whether an edge says that it is well."""
    try:
        with _opener().open(url, timeout=_WELL_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def token() -> str:
    """The API's token."""
    return TOKEN.read_text().strip()


def _name(terms: Terms, holder: int | None) -> str:
    if holder is None:
        return "nobody"
    return "the other edge" if holder == terms.peer_droplet_id else f"droplet {holder}"


def _opener() -> urllib.request.OpenerDirector:
    # A proxy of the host's is for what is far away from it.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["message"])
    except (OSError, ValueError, KeyError, TypeError):
        return str(error.reason)


def _pause(error: urllib.error.HTTPError) -> float:
    try:
        return min(float(error.headers.get("Retry-After", 0)), 60.0)
    except ValueError:
        return 0.0
