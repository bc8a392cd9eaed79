"""Names in the cloud, and what a droplet's size says."""

from __future__ import annotations

import re

import pytest

from infra.names import capacity, is_reserved, prefix


@pytest.mark.parametrize(
    ("size", "memory_mb", "vcpus"),
    [
        ("s-1vcpu-512mb-10gb", 512, 1),
        ("s-2vcpu-4gb", 4096, 2),
        ("s-2vcpu-8gb-160gb-intel", 8192, 2),
        ("s-4vcpu-8gb-amd", 8192, 4),
        ("g-2vcpu-8gb", 8192, 2),
        ("so1_5-2vcpu-16gb", 16384, 2),
        ("c-2", 4096, 2),
        ("c-4-intel", 8192, 4),
        ("c-4-8gib", 8192, 4),
    ],
)
def test_a_size_says_its_memory_and_cpus(size: str, memory_mb: int, vcpus: int) -> None:
    assert capacity(size) == (memory_mb, vcpus)


@pytest.mark.parametrize("size", ["gpu-h100x1-80gb", "s-large", "c2-custom"])
def test_a_size_that_does_not_say_gives_nothing_rather_than_a_guess(size: str) -> None:
    assert capacity(size) is None


@pytest.mark.parametrize(
    ("stack", "name"), [("staging", "shop-staging"), ("Pr_12.b", "shop-pr-12-b"), ("--", "shop")]
)
def test_names_carry_site_and_stack_and_suit_the_cloud(stack: str, name: str) -> None:
    assert prefix("shop", stack) == name


def test_the_longest_names_still_make_a_hostname() -> None:
    name = prefix("a" * 24, "Stack_" * 30) + "-web"
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])", name)


@pytest.mark.parametrize(
    ("domain", "reserved"), [("a.localhost", True), ("a.test", True), ("test.com", False)]
)
def test_only_names_that_no_one_can_own_count_as_reserved(domain: str, reserved: bool) -> None:
    assert is_reserved(domain) is reserved
