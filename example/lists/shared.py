"""The lists people share, as one piece of HTML kept in the cache.

The piece is stored under a generation, which every change of the data replaces. So what was being put
together while the data changed ends up under the old generation, and is never served.
"""

import uuid
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.db.models import Prefetch
from django.template.loader import render_to_string
from django.utils import timezone

from .models import Todo, TodoList

GENERATION_KEY = "shared-lists:generation"
LISTS_SHOWN = 12


@dataclass(frozen=True)
class Piece:
    html: str
    from_cache: bool


def forget() -> None:
    """Makes the next visitor's page a new one. Call it once a change is committed."""
    cache.set(GENERATION_KEY, uuid.uuid4().hex, timeout=None)


def current() -> Piece:
    """The HTML of the shared lists, from the cache where it has it."""
    key = f"shared-lists:html:{_generation()}"
    html = cache.get(key)
    if html is not None:
        return Piece(html, from_cache=True)
    html = _render()
    cache.set(key, html, timeout=settings.SHARED_LISTS_SECONDS)
    return Piece(html, from_cache=False)


def _generation() -> str:
    fresh = uuid.uuid4().hex
    return cache.get_or_set(GENERATION_KEY, fresh, timeout=None) or fresh


def _render() -> str:
    todo_lists = (
        TodoList.objects.filter(shared=True)
        .with_progress()
        .select_related("owner")
        .prefetch_related(Prefetch("todos", queryset=Todo.objects.only("text", "done", "todo_list")))
    )
    context = {"todo_lists": todo_lists[:LISTS_SHOWN], "made_at": timezone.now()}
    return render_to_string("lists/_shared.html", context)
