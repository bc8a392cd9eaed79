"""The account, its keys, and what there is to choose from."""

from __future__ import annotations

import pytest

from localcloud.catalog import Catalog
from tests.localcloud.client import Client
from tests.localcloud.keys import public_key

PLAIN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEVBYZs0QWfK6WPA6RnCuyDeiCWjDy0WJjWTgRBVUWVR me"


def test_a_key_is_known_by_its_md5_fingerprint(api: Client) -> None:
    key = api.post("/v2/account/keys", {"name": "laptop", "public_key": f"\n {PLAIN} \n"})["ssh_key"]
    assert key["fingerprint"].count(":") == 15
    assert key["public_key"] == PLAIN
    for identifier in (key["id"], key["fingerprint"]):
        assert api.get(f"/v2/account/keys/{identifier}")["ssh_key"] == key


def test_a_key_is_renamed_and_removed(api: Client) -> None:
    key = api.post("/v2/account/keys", {"name": "laptop", "public_key": public_key()})["ssh_key"]
    api.put(f"/v2/account/keys/{key['id']}", {"name": "desktop"})
    assert [each["name"] for each in api.get("/v2/account/keys")["ssh_keys"]] == ["desktop"]
    api.delete(f"/v2/account/keys/{key['fingerprint']}")
    api.delete(f"/v2/account/keys/{key['id']}", expect=404)


def test_the_same_key_is_not_taken_twice(api: Client) -> None:
    api.post("/v2/account/keys", {"name": "a", "public_key": PLAIN})
    refused = api.post("/v2/account/keys", {"name": "b", "public_key": f"{PLAIN}@other"}, expect=422)
    assert refused["message"] == "SSH Key is already in use on your account"


@pytest.mark.parametrize("text", ["", "hello", "ssh-ed25519 AAAA me", "ssh-rsa !!! me"])
def test_what_is_no_key_is_refused(api: Client, text: str) -> None:
    refused = api.post("/v2/account/keys", {"name": "a", "public_key": text}, expect=422)
    assert refused["message"] == "Fingerprint could not be generated, please make sure your key is valid"


def test_sizes_images_and_regions_are_on_offer(api: Client) -> None:
    assert {"fra1", "nyc1", "syd1"} <= {region["slug"] for region in api.get("/v2/regions")["regions"]}
    sizes = {size["slug"]: size for size in api.get("/v2/sizes")["sizes"]}
    assert sizes["s-2vcpu-2gb"]["memory"] == 2048
    images = {image["slug"] for image in api.get("/v2/images?type=distribution")["images"]}
    assert {"debian-12-x64", "debian-13-x64"} <= images
    assert api.get("/v2/images?private=true")["images"] == []
    assert api.get("/v2/images?type=application")["images"] == []


def test_an_image_is_found_by_slug_and_by_id(api: Client) -> None:
    image = api.get("/v2/images/debian-13-x64")["image"]
    assert api.get(f"/v2/images/{image['id']}")["image"] == image


def test_every_size_in_the_catalog_costs_something_and_grows() -> None:
    sizes = list(Catalog.load().sizes.values())
    assert [size.price_monthly for size in sizes] == sorted(size.price_monthly for size in sizes)
    assert all(size.price_hourly > 0 and size.disk >= 10 for size in sizes)
