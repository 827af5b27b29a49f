"""What one query costs, by number of earlier texts; and what the whole way costs at one size."""

from collections.abc import Callable, Container, Mapping
from functools import partial
from itertools import islice

import click
from measure import clock, interleaved, spread
from novelty_peers import CDIST, FAST, FAST_LARGE, INDEX, PLAIN, Ours, Peer, makers, warm_up
from novelty_rapidfuzz import Cdist
from novelty_sets import Source, batches, pool

Numbers = dict[str, object]
_BATCH = 20


def query_section(base: Source, sizes: list[int], queries: int, rounds: int) -> Numbers:
    """Measure every peer at every pool size, fresh grown texts as queries."""
    fresh = list(islice(base.walk(23).texts(), queries))
    everything = pool(base, max(sizes))
    by_size: Numbers = {}
    for size in sizes:
        texts = everything[:size]
        click.echo(f"query: {size:,} earlier texts", err=True)
        by_size[str(size)] = {
            "microseconds": _costs(texts, fresh, makers(), rounds),
            "similar": _agreement(texts, fresh, (FAST, CDIST)),
        }
    return {
        "base": base.name,
        "queries": queries,
        "rounds": rounds,
        "sizes": by_size,
        "samples": {name: make().sample for name, make in makers().items()},
        "agreement": _agreement(everything[:400], _near(everything[:400], fresh), makers()),
    }


def _costs(
    texts: list[str],
    fresh: list[str],
    peers: Mapping[str, Callable[[], Peer]],
    rounds: int,
) -> dict[str, float]:
    """Return microseconds of CPU for a query, by peer.

    A peer with a sample is measured on a fourth of the sample and on all of it, and the line
    through the two is followed to the pool size: it charges a start-up cost once.
    """
    works: dict[str, Callable[[], object]] = {}
    points: dict[str, list[tuple[int, str]]] = {}
    counts: dict[str, int] = {}
    for name, make in peers.items():
        asked, most = make().sample or (len(fresh), len(texts))
        asked_texts = spread(fresh, asked)
        counts[name] = len(asked_texts)
        taken = [len(texts)] if most >= len(texts) else [most // 4, most]
        points[name] = [(count, f"{name} {count}") for count in taken]
        for count, label in points[name]:
            peer = make()
            peer.load(texts[:: max(1, len(texts) // count)][:count])
            peer.query(asked_texts[:2])  # what is compiled or cached at first use
            works[label] = partial(peer.query, asked_texts)
    least = interleaved(works, rounds)
    return {
        name: _line([(count, least[label]) for count, label in measured], len(texts))
        * 1e6
        / counts[name]
        for name, measured in points.items()
    }


def _line(measured: list[tuple[int, float]], size: int) -> float:
    """Return the cost at a size: as measured there, or on the line through two smaller sizes."""
    count, cost = measured[-1]
    if len(measured) == 1:
        return cost
    fewer, less = measured[0]
    return cost + (cost - less) / (count - fewer) * (size - count)


def _near(texts: list[str], fresh: list[str]) -> list[str]:
    """Return queries of which about half are too similar: texts with a word more, and new ones."""
    return [f"{text} now" for text in spread(texts, 16)] + fresh[:16] + ["", "!!!"]


def _agreement(texts: list[str], queries: list[str], names: Container[str]) -> Numbers:
    """Count the answers of each peer that differ from the first one's; all see all texts."""
    made = {name: make for name, make in makers().items() if name in names}
    answers: dict[str, list[bool]] = {}
    asked = spread(queries, 256)
    for name, make in made.items():
        peer = make()
        peer.load(list(texts))
        answers[name] = peer.query(asked)
    first = next(iter(answers.values()))
    differing = {
        name: sum(a != b for a, b in zip(first, found, strict=True))
        for name, found in answers.items()
    }
    if any(differing.values()):
        click.echo(f"ANSWERS DIFFER: {differing}", err=True)
    return {"queries": len(asked), "similar": sum(first), "differing": differing}


def end_to_end_section(base: Source, size: int, tail: int, rounds: int) -> Numbers:
    """Measure text in, verdict out, with what is new kept, in batches of twenty.

    Ours takes the whole stream; what is slower is loaded with all but the last texts first. The
    peers without an index of their own (their insertion is an append) are charged the query.
    """
    texts = pool(base, size)
    costs: dict[str, float] = {}
    warm_up(texts)
    whole = [_stream_fast(texts, tail) for _ in range(rounds)]
    costs[f"{FAST}, last {tail}"] = min(last for last, _ in whole)
    costs[f"{FAST}, whole stream"] = min(average for _, average in whole)
    few = min(tail, 400)
    for name, make in ((PLAIN, partial(Ours, "plain")), (CDIST, Cdist)):
        click.echo(f"end to end: {name}", err=True)
        costs[f"{name}, last {few}"] = min(_stream_tail(make(), texts, few) for _ in range(rounds))
    taken = {FAST, FAST_LARGE, INDEX, PLAIN, CDIST}
    slow = {name: make for name, make in makers().items() if name not in taken}
    for name, cost in _costs(texts[:-tail], texts[-tail:], slow, rounds).items():
        costs[f"{name}, query only"] = cost
    return {"base": base.name, "size": size, "rounds": rounds, "microseconds": costs}


def _stream_fast(texts: list[str], tail: int) -> tuple[float, float]:
    """Return microseconds a text over the last `tail` and over the whole stream."""
    peer = Ours("fast")
    begun = clock()
    batches(texts[:-tail], _BATCH, lambda batch: _admit(peer, batch))
    between = clock()
    batches(texts[-tail:], _BATCH, lambda batch: _admit(peer, batch))
    ended = clock()
    return (ended - between) * 1e6 / tail, (ended - begun) * 1e6 / len(texts)


def _stream_tail(peer: Ours | Cdist, texts: list[str], tail: int) -> float:
    """Load all but the last texts; return microseconds a text for those."""
    peer.load(texts[:-tail])
    begun = clock()
    batches(texts[-tail:], _BATCH, lambda batch: _admit(peer, batch))
    return (clock() - begun) * 1e6 / tail


def _admit(peer: Ours | Cdist, batch: list[str]) -> None:
    peer.admit(batch)
