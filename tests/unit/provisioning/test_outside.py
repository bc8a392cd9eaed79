"""The smoke test, as far as it needs no site."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioning import prober
from provisioning.outside import Outside
from provisioning.remote import HostFailure
from tests.unit.provisioning.pretend import request_for, world


def answers(monkeypatch: pytest.MonkeyPatch, *statuses: int) -> Iterator[int]:
    """What the site answers, one after the other; what is left of it afterwards."""
    left = iter(statuses)
    monkeypatch.setattr(prober, "ask", lambda _: (next(left), ""))
    monkeypatch.setattr("provisioning.outside.time.sleep", lambda _: None)
    return left


def test_an_edge_that_asks_for_patience_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    left = answers(monkeypatch, 200, 429, 429, *[200] * 6)
    assert Outside(request_for(world(2))).smoke_test() == 200
    assert [*left] == []


def test_an_answer_of_the_site_itself_is_believed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    left = answers(monkeypatch, 404, 200)
    with pytest.raises(HostFailure, match="answered 404"):
        Outside(request_for(world(1))).smoke_test()
    assert [*left] == [200]
