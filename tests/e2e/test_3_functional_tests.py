"""The example's own functional tests, in a real browser, against what `make up` put there."""

from __future__ import annotations

from tests.e2e.project import Project


def test_the_examples_functional_tests_pass_against_the_stack(project: Project) -> None:
    done = project.make("ft")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
