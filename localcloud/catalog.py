"""What the cloud offers: regions, sizes and images, with how the API describes each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

REGION_FEATURES = ["metadata", "install_agent", "monitoring", "private_networking"]
CREATED_AT = "2026-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Size:
    """A droplet size: memory in MiB, disk in GiB, transfer in TiB, prices in US dollars."""

    slug: str
    memory: int
    vcpus: int
    disk: int
    transfer: float
    price_monthly: float
    price_hourly: float


@dataclass(frozen=True, kw_only=True)
class Image:
    """A base image. One that is not bootable is known by name but cannot be made on this machine."""

    id: int
    slug: str
    name: str
    distribution: str
    bootable: bool


@dataclass(frozen=True)
class Catalog:
    """Everything on offer; each size and image is in every region."""

    regions: dict[str, str]
    sizes: dict[str, Size]
    images: dict[str, Image]

    @staticmethod
    def load() -> Catalog:
        """Read the catalog that comes with the package."""
        data = json.loads(resources.files("localcloud").joinpath("catalog.json").read_text("utf-8"))
        return Catalog(
            regions={entry["slug"]: entry["name"] for entry in data["regions"]},
            sizes={entry["slug"]: Size(**entry) for entry in data["sizes"]},
            images={entry["slug"]: Image(**entry) for entry in data["images"]},
        )

    @cached_property
    def bootable(self) -> list[str]:
        """The images that droplets can be made of."""
        return [image.slug for image in self.images.values() if image.bootable]

    def image(self, identifier: int | str) -> Image | None:
        """The image of a slug or an id."""
        for image in self.images.values():
            if str(identifier) in (image.slug, str(image.id)):
                return image
        return None

    def region(self, wanted: str | None) -> str | None:
        """The region of a slug, of a prefix of one ("nyc"), or the first where none is named."""
        if not wanted:
            return next(iter(self.regions))
        wanted = wanted.lower()
        if wanted in self.regions:
            return wanted
        return next((slug for slug in self.regions if slug.rstrip("0123456789") == wanted), None)

    def describe_region(self, slug: str) -> dict[str, Any]:
        """A region as the API answers it."""
        return {
            "name": self.regions[slug],
            "slug": slug,
            "features": REGION_FEATURES,
            "available": True,
            "sizes": list(self.sizes),
        }

    def describe_size(self, slug: str) -> dict[str, Any]:
        """A size as the API answers it."""
        size = self.sizes[slug]
        return {
            "slug": size.slug,
            "memory": size.memory,
            "vcpus": size.vcpus,
            "disk": size.disk,
            "transfer": size.transfer,
            "price_monthly": size.price_monthly,
            "price_hourly": size.price_hourly,
            "regions": list(self.regions),
            "available": True,
            "description": "Basic",
            "disk_info": [{"type": "local", "size": {"amount": size.disk, "unit": "gib"}}],
        }

    def describe_image(self, slug: str) -> dict[str, Any]:
        """An image as the API answers it."""
        image = self.images[slug]
        return {
            "id": image.id,
            "name": image.name,
            "distribution": image.distribution,
            "slug": image.slug,
            "public": True,
            "regions": list(self.regions),
            "created_at": CREATED_AT,
            "type": "base",
            "min_disk_size": 7,
            "size_gigabytes": 0.5,
            "description": f"{image.distribution} {image.name}",
            "tags": [],
            "status": "available",
            "error_message": "",
        }
