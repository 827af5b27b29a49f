"""A pool that grows to a million: cost of a text on the way, memory, and the longest pause."""

from collections.abc import Callable, Iterator
from itertools import chain, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection

import click
from measure import clock, resident
from novelty_peers import FAST, PLAIN, Ours, warm_up
from novelty_rapidfuzz import Cdist
from novelty_sets import Source

from selfinstruct.text import rouge_tokens

Numbers = dict[str, object]
_BATCH = 20
_WINDOW = 4_000


def million_section(base: Source, sizes: list[int]) -> Numbers:
    """Stream real and grown texts until the largest size is accepted; then weigh the pool."""
    warm_up(base.instructions)
    candidates = chain(base.instructions, base.walk(11).texts())
    accepted: list[str] = []
    grown = _grow(candidates, sorted(sizes), accepted)
    memory = {
        name: {str(size): _weigh(load, accepted[:size]) for size in sizes}
        for name, load in _LOADERS.items()
    }
    return {"base": base.name, **grown, "bytes resident": memory}


def _grow(candidates: Iterator[str], sizes: list[int], accepted: list[str]) -> Numbers:
    """Admit candidates in batches of twenty; note the numbers at each size."""
    peer = Ours("fast")
    recent: list[float] = []
    total, seen, longest = 0.0, 0, 0.0
    marks: Numbers = {}
    waiting = list(sizes)
    while waiting:
        batch = list(islice(candidates, _BATCH))
        begun = clock()
        verdicts = peer.admit(batch)
        spent = clock() - begun
        total, seen, longest = total + spent, seen + len(batch), max(longest, spent)
        recent.append(spent)
        accepted += [t for t, match in zip(batch, verdicts, strict=True) if match is None]
        if len(accepted) >= waiting[0]:
            marks[str(waiting.pop(0))] = _mark(peer, recent, total, seen)
    return {"marks": marks, "longest batch": longest}


def _mark(peer: Ours, recent: list[float], total: float, seen: int) -> Numbers:
    """Note what a text costs lately and on average, and the arrays of the index."""
    window = sorted(recent[-(_WINDOW // _BATCH) :])
    click.echo(f"million: {len(peer.index):,} accepted of {seen:,}", err=True)
    return {
        "candidates": seen,
        "accepted": len(peer.index),
        "microseconds, mean of all so far": total * 1e6 / seen,
        "microseconds, median batch of late": window[len(window) // 2] * 1e6 / _BATCH,
        "bytes of the index": dict(peer.index.memory),
    }


def _load_fast(texts: list[str]) -> object:
    peer = Ours("fast")
    peer.load(texts)
    return peer


def _load_plain(texts: list[str]) -> object:
    peer = Ours("plain")
    peer.load(texts)
    return peer


def _load_characters(texts: list[str]) -> object:
    peer = Cdist()
    peer.load(texts)
    return peer


def _load_tokens(texts: list[str]) -> object:
    return [rouge_tokens(text) for text in texts]


_LOADERS: dict[str, Callable[[list[str]], object]] = {
    FAST: _load_fast,
    PLAIN: _load_plain,
    "rapidfuzz, strings": _load_characters,
    "lists of tokens (Alpaca)": _load_tokens,
}


def _weigh(load: Callable[[list[str]], object], texts: list[str]) -> int:
    """Return by how much a new process grows when it loads the texts, the texts not counted."""
    context = get_context("spawn")  # a forked one would fill what this one has freed
    here, there = context.Pipe()
    process = context.Process(target=_loaded, args=(there, load, texts))
    process.start()
    grown: int = here.recv()
    process.join()
    return grown


def _loaded(there: Connection, load: Callable[[list[str]], object], texts: list[str]) -> None:
    load(texts[:2000])  # what is compiled or cached at first use
    before = resident()
    kept = load(texts)
    there.send(resident() - before)
    del kept
