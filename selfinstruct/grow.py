"""The loop: each round samples the pool, proposes, sifts, answers, sifts again, and is kept.

Decides: the order of stages, and when to stop. Does not know: how a prompt is worded, how a rule
judges, how bytes reach the disk, or which model answers.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Literal

import msgspec

from selfinstruct.engines.base import Engine
from selfinstruct.judges import Judges
from selfinstruct.pool import Pool
from selfinstruct.rules import PromptEcho, Rule
from selfinstruct.run import Marker, Outcome, Run
from selfinstruct.sift import Kept, Rejected, Verdict, sift, sift_instances
from selfinstruct.stages.answer import answer
from selfinstruct.stages.base import Round, Unwatched, Watch
from selfinstruct.stages.classify import classify
from selfinstruct.stages.propose import propose
from selfinstruct.task import Task

BARREN_ROUNDS = 3
"""A run for a target stops after this many rounds in a row that accepted nothing."""


def grow(
    run: Run, engine: Engine, *, rounds: int | None, target: int = 0, watch: Watch | None = None
) -> Iterator[Marker]:
    """Play rounds until the run has `rounds` of them or `target` grown tasks; yield each marker.

    Rounds that are finished already are not played again. Without a number of rounds, a run
    for a target gives up after BARREN_ROUNDS that accepted nothing.
    """
    pool = Pool(run.settings.seeds, run.grown)
    judges = Judges(run.settings.recipe.novelty)
    saved = run.folder / "novelty.index"
    judges.recall((*pool.seeds, *pool.grown), saved)
    while not _enough(run, rounds, target):
        outcome = Outcome(round=len(run.markers) + 1)
        play(Round(run, engine, pool, watch or Unwatched(), outcome), judges)
        for task in outcome.kept:
            pool.add(task)
        judges.add(outcome.kept)
        yield run.finish(outcome)
    judges.save(saved)


def _enough(run: Run, rounds: int | None, target: int) -> bool:
    """Say whether a run has all its rounds or tasks, or gives up."""
    if target and len(run.grown) >= target:
        return True
    if rounds is not None:
        return len(run.markers) >= rounds
    last = run.markers[-BARREN_ROUNDS:]
    return len(last) == BARREN_ROUNDS and not any(marker.accepted for marker in last)


def play(now: Round, judges: Judges) -> None:
    """Play one round, from its sample to its outcome; nothing but the journal is written."""
    drafts = settle(now, propose(now))
    now.outcome.proposed = len(drafts) + len(now.outcome.rejected)
    novelty, note = judges.for_a_round()
    drafts = settle(now, list(sift(drafts, rules(now, "instruction"), novelty, note)))
    drafts = settle(now, classify(now, drafts))
    tasks = settle(now, answer(now, drafts))
    single, whole = rules(now, "instance"), rules(now, "task")
    most = now.run.settings.recipe.instances.max_instances
    verdicts = [sift_instances(task, single, whole, "instances", most=most) for task in tasks]
    now.outcome.kept = settle(now, list(chain.from_iterable(verdicts)))


def settle(now: Round, verdicts: Sequence[Verdict]) -> list[Task]:
    """Note refusals and return the tasks that were kept."""
    kept = [verdict.task for verdict in verdicts if isinstance(verdict, Kept)]
    refused = [verdict for verdict in verdicts if isinstance(verdict, Rejected)]
    now.outcome.rejected += refused
    now.watch.judged(len(kept), len(refused))
    return kept


def rules(now: Round, what: Literal["instruction", "instance", "task"]) -> tuple[Rule, ...]:
    """Return the recipe's rules for drafts, instances or tasks; an echo rule learns the prompts."""
    settings = now.run.settings
    headings = tuple(settings.prompts.headings())
    return tuple(
        msgspec.structs.replace(rule, phrases=rule.phrases + headings)
        if isinstance(rule, PromptEcho)
        else rule
        for rule in settings.recipe.rules(what)
    )
