"""The loop: round after round is played and kept, and the pool grows.

Decides: when to stop, and that a round is finished before the next begins. Does not know: what a
round does, or which model answers.
"""

import time
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from selfinstruct.engines.base import Engine
from selfinstruct.journal import Journal
from selfinstruct.play import AllProposalsFailedError, play
from selfinstruct.pool import Pool
from selfinstruct.pool_novelty import PoolNovelty
from selfinstruct.run import Marker, Outcome, Run
from selfinstruct.stages.base import Round, Unwatched, Watch, draw_exemplars
from selfinstruct.stages.topics import topics_of
from selfinstruct.stats import last_novelty
from selfinstruct.topics import full

BARREN_ROUNDS = 3
"""A run for a target stops after this many rounds in a row that accepted nothing."""


class End(NamedTuple):
    """When a run ends: at `rounds`, or `target` grown tasks, whichever comes first.

    A run with topics ends when each has its quota; any run ends after a round in which a smaller
    share of drafts than `min_novelty` was new (see stats.last_novelty). Without a number of
    rounds, a run for a target gives up after BARREN_ROUNDS that accepted nothing.
    """

    rounds: int | None = None
    target: int = 0
    min_novelty: float = 0


def grow(
    run: Run,
    engine: Engine,
    end: End,
    *,
    watch: Watch | None = None,
    judge: Engine | None = None,
) -> Iterator[Marker]:
    """Play rounds until the end; yield each marker.

    Rounds that are finished already are not played again. `judge` is the engine that judges
    tasks, where the recipe has another one for that.
    """
    pool = Pool(run.settings.seeds, run.grown)
    novelty = PoolNovelty(run.settings.recipe.novelty)
    saved = run.folder / "novelty.index"
    exemplars = draw_exemplars(run.settings, pool)
    novelty.recall((*pool.seeds, *pool.grown), saved)
    topics = topics_of(run, engine, watch or Unwatched())
    while not (_enough(run, end) or full(topics, pool.counts)):
        outcome = Outcome(round=len(run.markers) + 1)
        now = Round(
            settings=run.settings,
            engine=engine,
            pool=pool,
            watch=watch or Unwatched(),
            exemplars=exemplars,
            outcome=outcome,
            topics=topics,
            judge=judge,
        )
        began = time.monotonic()
        try:
            with Journal(run.journals, f"{outcome.round:04d}") as journal:
                play(now, novelty, journal)
        except AllProposalsFailedError:
            run.forget(outcome.round)  # not kept as answered: the next process asks again
            raise
        finally:
            run.record_time(outcome.round, time.monotonic() - began)
        for task in outcome.kept:
            pool.add(task)
        novelty.add(outcome.kept)
        yield run.finish(outcome)
    novelty.save(saved)


def _enough(run: Run, end: End) -> bool:
    """Say whether a run has all its rounds or tasks, gives up, or finds too little that is new."""
    if end.target and len(run.grown) >= end.target:
        return True
    if end.min_novelty and last_novelty(run.folder, run.markers).share < end.min_novelty:
        return True
    if end.rounds is not None:
        return len(run.markers) >= end.rounds
    return bool(barren_rounds(run))


def barren_rounds(run: Run) -> int:
    """Return how many of the last rounds accepted nothing, once that is reason to give up.

    Rounds in which quotas left room for few prompts need to be more of them: all together have
    proposed what a whole round does.
    """
    barren = list(takewhile(lambda marker: not marker.accepted, reversed(run.markers)))
    proposed = sum(marker.proposed for marker in barren)
    enough = len(barren) >= BARREN_ROUNDS and proposed >= run.settings.prompts_per_round
    return len(barren) if enough else 0
