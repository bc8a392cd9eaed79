"""A cause is found in what programs print."""

from __future__ import annotations

import pytest

from provisioning.onhost import diagnosis

TRACEBACK = """\
Traceback (most recent call last):
  File "/srv/shop/releases/x/seatrial/seatrial_build.py", line 30, in main
    step(report)
  File "/srv/shop/releases/x/code/shop/settings.py", line 12, in <module>
    KEY = os.environ["STRIPE_KEY"]
          ~~~~~~~~~~^^^^^^^^^^^^^^
  File "<frozen os>", line 714, in __getitem__
KeyError: 'STRIPE_KEY'
""".splitlines()


def test_the_exception_is_named_with_the_sites_own_line() -> None:
    found = diagnosis.of_site(TRACEBACK, "/srv/shop/releases/x/code")
    assert found is not None
    assert found.cause == "KeyError: 'STRIPE_KEY' (shop/settings.py:12)"
    assert "seatrial:environment" in found.next_step


def test_a_module_that_is_missing_is_to_be_required() -> None:
    found = diagnosis.of_site(["ModuleNotFoundError: No module named 'stripe.api'"], "/code")
    assert found is not None
    assert "'stripe'" in found.next_step


def test_the_last_of_several_exceptions_counts() -> None:
    lines = [
        "ValueError: first",
        "During handling of the above exception",
        "django.db.utils.OperationalError: no",
    ]
    found = diagnosis.of_site(lines, "/code")
    assert found is not None
    assert found.cause == "OperationalError: no"


def test_output_without_an_exception_has_no_cause() -> None:
    assert diagnosis.of_site(["Collected 3 files", "done"], "/code") is None


def test_of_a_traceback_in_a_log_the_sites_own_lines_and_the_exceptions_are_left() -> None:
    lines = [
        "Applying lists.0002_boom...",
        *TRACEBACK,
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        '  File "/srv/shop/releases/x/venv/lib/python3.13/site-packages/django/conf.py", line 3, in _setup',
        "    self._wrapped = Settings(",
        "        settings_module,",
        "    )",
        '  File "/srv/shop/releases/x/code/shop/prices.py", line 4',
        "    PRICE = = 1",
        "            ^",
        "SyntaxError: invalid syntax",
    ]
    assert diagnosis.relevant(lines) == [
        "Applying lists.0002_boom...",
        'shop/settings.py:12: KEY = os.environ["STRIPE_KEY"]',
        "KeyError: 'STRIPE_KEY'",
        "shop/prices.py:4: PRICE = = 1",
        "SyntaxError: invalid syntax",
    ]


def test_other_output_stays_as_it_is_but_is_told_once() -> None:
    lines = ["error: No solution found", "    cause: Because nope was not found", "done"]
    assert diagnosis.relevant([*lines, "", *lines]) == lines


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            [
                "error: No solution found when resolving dependencies",
                "  cause: Because nope was not found in the package registry and you require nope==1, we can",
            ],
            "the package 'nope' does not exist",
        ),
        (
            ["  cause: Because there is no version of django==99 and you require django==99, we can"],
            "there is no version of django==99",
        ),
        (
            ["  cause: Because you require django==5.2.* and django<4, we can conclude that your require"],
            "the requirements cannot be met: you require django==5.2.* and django<4",
        ),
        (
            ["error: Failed to build `mysqlclient==2.2.4`", "  cause: The build backend returned an error"],
            "mysqlclient==2.2.4 has no wheel for this Python",
        ),
        (["error: Failed to write", "Caused by: No space left on device (os error 28)"], "the disk is full"),
        (
            ["error: error sending request for url (https://index.example/simple/)"],
            "index could not be reached",
        ),
    ],
)
def test_why_packages_could_not_be_installed(lines: list[str], words: str) -> None:
    assert words in diagnosis.of_install(lines).cause


def test_the_python_that_a_package_needs_is_read() -> None:
    lines = [
        "  cause: Because the current Python version (3.11.7) does not satisfy Python>=3.12 and "
        "django>=6.1 depends on Python>=3.12, we can conclude that django>=6.1 cannot be used.",
    ]
    assert diagnosis.python_needed(lines) == ">=3.12"
    assert diagnosis.python_needed(["Because nope was not found"]) is None
