"""The table of `make bench`, from figures that are given to it."""

from __future__ import annotations

from tests.bench.table import CODE, FIRST, GROWN, UNCHANGED, Result, markdown, ratio, rows, verdicts

_FAST = "built first"
RESULTS = [
    Result(contestant="seatrial", work=FIRST, seconds=(60.0,)),
    Result(contestant="seatrial", work=UNCHANGED, seconds=(2.0, 9.0, 3.0), requests=300),
    Result(contestant="seatrial", work=CODE, seconds=(12.0,), requests=700),
    Result(contestant="ansible", work=FIRST, seconds=(100.0,)),
    Result(contestant="ansible", work=UNCHANGED, seconds=(30.0,), requests=1500),
    Result(contestant="ansible", work=CODE, seconds=(40.0,), requests=2000, lost=3, first_loss="status 503"),
    Result(contestant="ansible", work=f"{CODE}, {_FAST}", seconds=(20.0,), requests=1000),
    Result(contestant="ansible", work=GROWN, seconds=(50.0,), requests=2500),
]


def test_a_ratio_is_of_the_median_round_to_ansibles() -> None:
    assert ratio(RESULTS, "seatrial", UNCHANGED) == 0.1


def test_another_way_to_release_is_compared_with_ansibles_usual_one() -> None:
    assert ratio(RESULTS, "ansible", f"{CODE}, {_FAST}") == 0.5


def test_without_ansible_there_is_no_ratio_and_nothing_is_said_of_one() -> None:
    alone = [result for result in RESULTS if result.contestant != "ansible"]
    assert ratio(alone, "seatrial", FIRST) is None
    assert verdicts(alone) == ["requests lost: 0 of 1000, to hold: 0 - held"]


def test_every_work_has_its_line_in_the_order_of_the_course_with_losses_below() -> None:
    assert rows(RESULTS) == [
        ["", "seatrial", "ansible"],
        [FIRST, "60.0 (0.60)", "100.0 (1.00)"],
        [UNCHANGED, "3.0 (0.10)", "30.0 (1.00)"],
        ["  requests lost", "0 of 300", "0 of 1500"],
        [CODE, "12.0 (0.30)", "40.0 (1.00)"],
        ["  requests lost", "0 of 700", "3 of 2000"],
        [f"{CODE}, {_FAST}", "-", "20.0 (0.50)"],
        ["  requests lost", "-", "0 of 1000"],
        [GROWN, "-", "50.0 (1.00)"],
        ["  requests lost", "-", "0 of 2500"],
    ]


def test_what_is_held_to_is_told_missed_or_held() -> None:
    assert verdicts(RESULTS) == [
        "first provisioning: 0.60 of ansible's time, to hold: 0.5 - missed",
        "code-only release: 0.30 of ansible's time, to hold: 0.25 - missed",
        "requests lost: 0 of 1000, to hold: 0 - held",
    ]


def test_a_lost_request_is_told_with_its_reason() -> None:
    told = [str(result) for result in RESULTS if result.lost]
    assert told == [
        "ansible: code-only release: 40.0 s; 3 of 2000 requests lost, the first: status 503",
    ]


def test_the_markdown_table_has_as_many_columns_in_every_line() -> None:
    lines = [line for line in markdown(RESULTS).splitlines() if line.startswith("|")]
    assert len(lines) == len(rows(RESULTS)) + 1
    assert {line.count("|") for line in lines} == {4}
