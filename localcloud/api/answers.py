"""How lists are answered: cut into pages, with the links that clients follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Request

from localcloud.errors import not_found
from localcloud.state import Droplet, State

PER_PAGE = 20
MOST_PER_PAGE = 200


def paged(request: Request, name: str, items: Sequence[Any], **more: Any) -> dict[str, Any]:
    """The page of `items` that the request asks for, under `name`, with `links` and `meta`."""
    page = max(1, _number(request, "page", 1))
    size = min(MOST_PER_PAGE, max(1, _number(request, "per_page", PER_PAGE)))
    last = max(1, -(-len(items) // size))
    pages: dict[str, str] = {}
    if page > 1:
        pages["first"] = _link(request, 1)
        pages["prev"] = _link(request, page - 1)
    if page < last:
        pages["next"] = _link(request, page + 1)
        pages["last"] = _link(request, last)
    shown = list(items[(page - 1) * size : page * size])
    return {name: shown, "links": {"pages": pages} if pages else {}, "meta": {"total": len(items)}} | more


def droplet_or_404(state: State, id: int) -> Droplet:
    """The droplet of an id. Raises ApiError where there is none."""
    droplet = state.droplet(id)
    if droplet is None:
        raise not_found()
    return droplet


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() else default


def _link(request: Request, page: int) -> str:
    return str(request.url.include_query_params(page=page))
