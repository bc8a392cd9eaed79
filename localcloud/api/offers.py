"""Regions, sizes and images: what there is to choose from."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from localcloud.api.answers import paged
from localcloud.cloud import Cloud
from localcloud.errors import not_found


def routes(cloud: Cloud) -> APIRouter:
    """The routes /v2/regions, /v2/sizes and /v2/images, all read-only."""
    router = APIRouter(prefix="/v2")
    catalog = cloud.catalog

    @router.get("/regions")
    def regions(request: Request) -> dict[str, Any]:
        return paged(request, "regions", [catalog.describe_region(slug) for slug in catalog.regions])

    @router.get("/sizes")
    def sizes(request: Request) -> dict[str, Any]:
        return paged(request, "sizes", [catalog.describe_size(slug) for slug in catalog.sizes])

    @router.get("/images")
    def images(request: Request, type: str = "", private: bool = False, tag_name: str = "") -> dict[str, Any]:
        wanted = type in ("", "distribution") and not private and not tag_name
        found = [catalog.describe_image(slug) for slug in catalog.images] if wanted else []
        return paged(request, "images", found)

    @router.get("/images/{identifier}")
    def image(identifier: str) -> dict[str, Any]:
        found = catalog.image(identifier)
        if found is None:
            raise not_found()
        return {"image": catalog.describe_image(found.slug)}

    return router
