from __future__ import annotations

import pytest

from provisioning.sizing import size_for


@pytest.mark.parametrize(
    ("memory_mb", "cpus", "workers"),
    [(512, 1, 1), (1024, 1, 2), (2048, 1, 2), (2048, 2, 4), (4096, 2, 4), (16384, 8, 12)],
)
def test_workers_come_from_the_hosts_size(memory_mb: int, cpus: int, workers: int) -> None:
    assert size_for(memory_mb=memory_mb, cpus=cpus).workers == workers


@pytest.mark.parametrize("memory_mb", [512, 1024, 2048, 16384])
def test_cache_and_database_leave_more_than_half_of_the_memory_to_the_site(memory_mb: int) -> None:
    size = size_for(memory_mb=memory_mb, cpus=2)
    assert size.redis_memory_mb + size.postgres_buffers_mb < memory_mb / 2


@pytest.mark.parametrize("cpus", [1, 2, 8])
def test_the_database_takes_the_connections_of_both_slots_at_once(cpus: int) -> None:
    size = size_for(memory_mb=16384, cpus=cpus)
    assert size.postgres_connections > 2 * size.workers * size.threads
