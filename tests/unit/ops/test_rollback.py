"""Going back: to what, and with which settings."""

from __future__ import annotations

import pytest

from ops import rollback

OUTPUTS = {
    "release": {"id": "20260102-101010-bbbbbbb", "revision": "b" * 40},
    "previous_release": {"id": "20260101-101010-aaaaaaa", "revision": "a" * 40},
}


def test_with_nothing_said_the_release_before_is_meant() -> None:
    assert rollback.target(OUTPUTS, "") == "a" * 40
    assert rollback.target(OUTPUTS, "v1.2") == "v1.2"


def test_a_stack_with_nothing_to_go_back_to_says_so() -> None:
    with pytest.raises(rollback.RollbackError, match="first: make up"):
        rollback.target({}, "")
    with pytest.raises(rollback.RollbackError, match=r"first release.*--to"):
        rollback.target({**OUTPUTS, "previous_release": {}}, "")


def test_where_another_stack_verifies_commits_going_back_gives_its_reason() -> None:
    assert rollback.settings({}, OUTPUTS, "v1") == {"seatrial:revision": "v1"}
    changes = rollback.settings({"seatrial:verified_by": "staging"}, OUTPUTS, "v1")
    assert changes["seatrial:allow_unverified"] == "rollback from 20260102-101010-bbbbbbb"
