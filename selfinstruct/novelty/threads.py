"""A batch shared out to the cores that this process may use.

Decides: how many threads a batch is worth. Does not know: what is done with it. Compiled code
lets other threads run; results must not depend on how a batch is cut.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

LEAST_TEXTS = 1024
"""Texts for a thread: a few milliseconds of work, many times what a thread costs to start."""


def cores_for(count: int) -> int:
    """Return how many threads so many texts are worth."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, count // LEAST_TEXTS))


def share_out(count: int, cores: int, work: Callable[[int, int, int], None]) -> None:
    """Call `work(part, first, last)` for each of `cores` parts of a batch, at the same time."""
    edges = [count * part // cores for part in range(cores + 1)]
    spans = [(part, edges[part], edges[part + 1]) for part in range(cores)]
    if cores == 1:
        work(*spans[0])
        return
    with ThreadPoolExecutor(cores) as threads:
        list(threads.map(lambda span: work(*span), spans))
