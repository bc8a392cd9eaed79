"""What is the same for every request: the token, refusals, headers, pages."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fastapi.testclient import TestClient

from localcloud.app import create_app
from localcloud.cloud import Cloud, Knobs
from tests.localcloud.client import Client
from tests.localcloud.conftest import TOKEN


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer other"}, {"Authorization": TOKEN}])
@pytest.mark.parametrize("path", ["/v2/account", "/control/faults", "/nowhere"])
def test_without_the_token_nothing_is_answered(cloud: Cloud, header: dict[str, str], path: str) -> None:
    answer = TestClient(create_app(cloud, TOKEN)).get(path, headers=header)
    assert answer.status_code == 401
    assert answer.json()["id"] == "unauthorized"
    assert answer.json()["message"] == "Unable to authenticate you"


def test_an_unknown_route_is_a_404_and_a_line_in_the_log(
    api: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        refused = api.get("/v2/kubernetes/clusters", expect=404)
    assert refused["id"] == "not_found"
    assert "/v2/kubernetes/clusters is not offered by the local cloud" in refused["message"]
    assert "GET /v2/kubernetes/clusters" in caplog.text


def test_a_wrong_method_is_a_405(api: Client) -> None:
    assert api.delete("/v2/account", expect=405)["id"] == "method_not_allowed"


def test_an_identifier_of_the_wrong_kind_is_a_404(api: Client) -> None:
    assert api.get("/v2/droplets/web", expect=404)["id"] == "not_found"


def test_what_is_no_json_is_a_400(api: Client) -> None:
    answer = api.http.post("/v2/tags", content=b"{")
    assert (answer.status_code, answer.json()["id"]) == (400, "bad_request")


def test_a_missing_field_is_named(api: Client) -> None:
    assert (
        "size" in api.post("/v2/droplets", {"name": "web", "image": "debian-13-x64"}, expect=422)["message"]
    )


def test_json_is_read_whatever_its_content_type_says(api: Client) -> None:
    answer = api.http.post("/v2/tags", content=b'{"name": "web"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 201


def test_answers_carry_a_request_id_and_the_rate_limit(api: Client) -> None:
    first, second = api.http.get("/v2/account"), api.http.get("/v2/droplets/1")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert second.json()["request_id"] == second.headers["x-request-id"]
    assert first.headers["ratelimit-limit"] == "5000"
    left = [int(answer.headers["ratelimit-remaining"]) for answer in (first, second)]
    assert left == [4999, 4998]
    assert int(second.headers["ratelimit-reset"]) > 0


def test_a_rate_limit_is_kept_once_it_is_set(api: Client, cloud: Cloud) -> None:
    cloud.knobs = Knobs(requests_per_hour=2)
    api.get("/v2/account")
    api.get("/v2/account")
    answer = api.http.get("/v2/account")
    assert answer.status_code == 429
    assert answer.json()["id"] == "too_many_requests"
    assert answer.json()["message"] == "API Rate limit exceeded."
    assert answer.headers["ratelimit-remaining"] == "0"


def make_tags(api: Client, count: int) -> None:
    for number in range(count):
        api.post("/v2/tags", {"name": f"tag-{number:03}"})


def names(page: dict[str, Any]) -> list[str]:
    return [tag["name"] for tag in page["tags"]]


def test_a_list_that_fits_one_page_has_empty_links(api: Client) -> None:
    make_tags(api, 3)
    page = api.get("/v2/tags")
    assert page["links"] == {}
    assert page["meta"] == {"total": 3}


def test_pages_of_twenty_are_linked_by_absolute_urls(api: Client) -> None:
    make_tags(api, 45)
    first = api.get("/v2/tags")
    assert len(first["tags"]) == 20
    assert set(first["links"]["pages"]) == {"next", "last"}
    second = api.get(first["links"]["pages"]["next"])
    assert set(second["links"]["pages"]) == {"first", "prev", "next", "last"}
    assert second["links"]["pages"]["prev"] == "http://testserver/v2/tags?page=1"
    last = api.get(second["links"]["pages"]["last"])
    assert set(last["links"]["pages"]) == {"first", "prev"}
    assert names(first) + names(second) + names(last) == [f"tag-{number:03}" for number in range(45)]


def test_links_keep_the_page_size_and_the_filter(api: Client) -> None:
    make_tags(api, 5)
    page = api.get("/v2/tags?per_page=2&page=2")
    assert names(page) == ["tag-002", "tag-003"]
    assert "per_page=2" in page["links"]["pages"]["next"]
    assert "page=3" in page["links"]["pages"]["next"]


@pytest.mark.parametrize(("asked", "count"), [("per_page=1000", 200), ("per_page=0", 1), ("per_page=x", 20)])
def test_odd_page_sizes_are_brought_within_bounds(api: Client, cloud: Cloud, asked: str, count: int) -> None:
    with cloud.store.change() as state:
        state.tags = [f"tag-{number}" for number in range(250)]
    assert len(api.get(f"/v2/tags?{asked}")["tags"]) == count
