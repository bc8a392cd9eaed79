from __future__ import annotations

from pathlib import Path

import pytest

from ops import site


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("https://host/ana/My_Shop.git", "my-shop"),
        ("git@host:ana/shop", "shop"),
        ("/home/ana/bakery/", "bakery"),
        ("https://host/9lives", "site-9lives"),
        ("https://host/a-name-that-is-much-longer-than-allowed", "a-name-that-is-much-long"),
    ],
)
def test_a_sites_name_comes_from_its_repository(repository: str, name: str) -> None:
    assert site.slug(repository) == name


def test_a_site_inside_the_project_is_named_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    settings = site.settings(str(tmp_path / "shop"), tmp_path)
    assert settings["seatrial:repository"] == "shop"
    assert settings["seatrial:subdirectory"] == ""


def test_a_url_is_taken_as_it_is(tmp_path: Path) -> None:
    assert (
        site.settings("https://host/ana/shop.git", tmp_path)["seatrial:repository"]
        == "https://host/ana/shop.git"
    )
