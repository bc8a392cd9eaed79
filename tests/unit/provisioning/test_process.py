"""A process of this machine that has ended is known for certain; any other is left alone."""

from __future__ import annotations

import subprocess
import sys

from provisioning import process


def test_a_process_is_gone_once_it_has_ended_and_not_before() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = process.identity(child.pid)
    assert name
    assert not process.is_gone(name)
    child.communicate(b"\n")
    assert process.is_gone(name)


def test_another_process_under_the_same_number_is_not_taken_for_the_one_that_ended() -> None:
    *place, started = process.identity().split("/")
    assert process.is_gone("/".join([*place, str(int(started) + 1)]))
    assert not process.is_gone(process.identity())


def test_a_process_of_another_machine_is_never_called_gone() -> None:
    _, *rest = process.identity().split("/")
    assert not process.is_gone("/".join(["another-boot", *rest[:-1], "1"]))
    assert not process.is_gone("")
