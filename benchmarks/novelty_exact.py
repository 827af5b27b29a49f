"""Are the verdicts those of comparing everything with everything?

Two streams at 0.7: the instructions as they are; and odd texts, then the instructions with an
edited earlier one after every fourth. The fast tier's verdicts are compared with the plain
tier's (which compares all texts of a possible length), with rapidfuzz `cdist` of everything,
and for the first few thousand with `RougeScorer.score` itself on every pair.
"""

import hashlib
from collections.abc import Callable
from typing import TypeVar

import click
from measure import THRESHOLD, clock
from novelty_peers import Ours, PerPair
from novelty_rapidfuzz import Cdist
from novelty_sets import Source, batches, with_edits

from selfinstruct.novelty import Match

Numbers = dict[str, object]
T = TypeVar("T")
Found = list[Match | None]
_BATCH = 20


def exact_section(base: Source, limit: int, literal: int, *, plain: bool, brute: bool) -> Numbers:
    """Compare the verdicts on both streams."""
    texts = base.instructions[:limit]
    streams = {"as it is": texts, "with edited copies": with_edits(texts, 5)}
    results: Numbers = {"base": base.name}
    for name, stream in streams.items():
        results[name] = _compared(stream, literal, plain=plain, brute=brute)
    return results


def _compared(stream: list[str], literal: int, *, plain: bool, brute: bool) -> Numbers:
    fast, seconds = _judged(Ours("fast"), stream)
    result: Numbers = {"fast tier": {**_summary(_flags(fast)), "seconds": seconds}}
    if plain:
        found, seconds = _judged(Ours("plain"), stream)
        result["plain tier"] = {
            **_summary(_flags(found)),
            "seconds": seconds,
            "verdicts differing": _differing(_flags(fast), _flags(found)),
            "nearest differing": _differing(fast, found),
        }
    if brute:
        flags, seconds = _timed(_cdist_verdicts, stream)
        result["rapidfuzz cdist of everything"] = {
            **_summary(flags),
            "seconds": seconds,
            "verdicts differing": _differing(_flags(fast), flags),
        }
    first = stream[:literal]
    if first:
        found, seconds = _timed(_literal, first)
        result[f"rouge_score on every pair of the first {len(first)}"] = {
            **_summary(_flags(found)),
            "fast tier": _summary(_flags(fast[:literal])),
            "seconds": seconds,
            "verdicts differing": _differing(_flags(fast[:literal]), _flags(found)),
            "nearest differing": _differing(fast[:literal], found),
        }
    return result


def _judged(peer: Ours, stream: list[str]) -> tuple[Found, float]:
    """Stream texts into a tier in batches."""
    found: Found = []
    begun = clock()
    batches(stream, _BATCH, lambda batch: found.extend(peer.admit(batch)))
    return found, clock() - begun


def _timed(work: Callable[[list[str]], T], stream: list[str]) -> tuple[T, float]:
    click.echo(f"exact: {work.__name__} of {len(stream):,}", err=True)
    begun = clock()
    result = work(stream)
    return result, clock() - begun


def _cdist_verdicts(stream: list[str]) -> list[bool]:
    """Judge by comparing everything, with rapidfuzz."""
    return Cdist().admit(stream)


def _literal(stream: list[str]) -> Found:
    """Judge by rouge_score on every pair: the nearest, the first of equals."""
    scorer = PerPair("rouge_score")
    kept: list[str] = []
    ids: list[str] = []
    scorer.load(kept)
    found: Found = []
    for row, text in enumerate(stream):
        scores = scorer.scores(text)
        best = max(scores, default=0.0)
        if best > THRESHOLD:
            found.append(Match(ids[scores.index(best)], best))
            continue
        found.append(None)
        kept.append(text)
        ids.append(str(row))
    return found


def _flags(found: Found) -> list[bool]:
    return [match is not None for match in found]


def _differing(one: list[Match | None] | list[bool], other: list[Match | None] | list[bool]) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def _summary(flags: list[bool]) -> Numbers:
    """Count the accepted texts, and name the vector of verdicts by its digest."""
    digest = hashlib.sha256(bytes(flags)).hexdigest()
    return {"texts": len(flags), "accepted": flags.count(False), "sha256": digest[:16]}
