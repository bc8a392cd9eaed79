"""How much of a host each of its services may use, from the host's memory and processors alone."""

from __future__ import annotations

from dataclasses import dataclass

_WORKER_MB = 400  # a Django worker with room to grow; twice over while a release is being switched
_MOST_WORKERS = 12
_THREADS = 4


@dataclass(frozen=True, kw_only=True)
class Sizing:
    """Worker, connection and open file counts, and memory in MiB."""

    workers: int
    threads: int
    redis_memory_mb: int
    postgres_connections: int
    postgres_buffers_mb: int
    postgres_cache_mb: int
    edge_connections: int
    edge_files: int


def size_for(*, memory_mb: int, cpus: int, shared: bool = False) -> Sizing:
    """Shares out a host of `memory_mb` MiB and `cpus` processors, on which all the roles may live.

    `shared`: other hosts use its database. How many is not asked, or each new one would restart it.
    """
    workers = max(1, min(2 * cpus, memory_mb // _WORKER_MB, _MOST_WORKERS))
    both_slots = 2 * workers * _THREADS
    connections = min(1000, max(100, memory_mb // 8)) if shared else max(40, both_slots + 20)
    visitors = min(8000, max(1000, memory_mb * 4))
    return Sizing(
        workers=workers,
        threads=_THREADS,
        redis_memory_mb=max(32, memory_mb // 4),
        postgres_connections=connections,
        postgres_buffers_mb=max(32, memory_mb * 15 // 100),
        postgres_cache_mb=max(64, memory_mb * 40 // 100),
        edge_connections=visitors,
        edge_files=2 * visitors + 2000,  # a connection to the visitor and one to the app host
    )
