"""What a load balancer or a deployment asks: can this process reach what it needs?"""

import logging
from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

logger = logging.getLogger(__name__)


def ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def ask_cache() -> None:
    # Not read back: a dummy cache keeps nothing and is healthy all the same.
    cache.set("healthz", 1, timeout=5)


def state_of(name: str, ask: Callable[[], None]) -> str:
    try:
        ask()
    except Exception:
        # Why goes to the log; a stranger learns only that.
        logger.exception("health: %s does not answer", name)
        return "failed"
    return "ok"


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """200 when database and cache answer, 503 when one doesn't."""
    states = {"database": state_of("database", ask_database), "cache": state_of("cache", ask_cache)}
    return JsonResponse(states, status=200 if set(states.values()) == {"ok"} else 503)
