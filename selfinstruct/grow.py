"""The loop: each round samples the pool, proposes, sifts, answers, sifts again, and is kept.

Decides: the order of stages, and when to stop. Does not know: how a prompt is worded, how a rule
judges, how bytes reach the disk, or which model answers.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Literal

import msgspec

from selfinstruct.engines.base import Engine
from selfinstruct.novelty import RougeL
from selfinstruct.pool import Pool
from selfinstruct.rules import PromptEcho, Rule
from selfinstruct.run import Marker, Outcome, Run
from selfinstruct.settings import Settings
from selfinstruct.sift import Kept, Rejected, Verdict, sift, sift_instances
from selfinstruct.stages.answer import answer
from selfinstruct.stages.base import Round, Unwatched, Watch
from selfinstruct.stages.classify import classify
from selfinstruct.stages.propose import propose
from selfinstruct.task import Task
from selfinstruct.text import TOKENISERS

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
    index = new_index(run.settings)
    index.add_all((task.id, task.instruction) for task in (*pool.seeds, *pool.grown))
    while rounds is None or len(run.markers) < rounds:
        if target and len(run.grown) >= target:
            return
        last = run.markers[-BARREN_ROUNDS:]
        if rounds is None and len(last) == BARREN_ROUNDS and not any(m.accepted for m in last):
            return
        outcome = Outcome(round=len(run.markers) + 1)
        play(Round(run, engine, pool, watch or Unwatched(), outcome), index)
        for task in outcome.kept:
            pool.add(task)
            index.add(task.id, task.instruction)
        yield run.finish(outcome)


def play(now: Round, index: RougeL) -> None:
    """Play one round, from its sample to its outcome; nothing but the journal is written."""
    drafts = settle(now, propose(now))
    fresh = new_index(now.run.settings)  # this round's drafts: forgotten with those that fail
    now.outcome.proposed = len(drafts) + len(now.outcome.rejected)
    drafts = settle(now, list(sift(drafts, rules(now, "instruction"), [index, fresh])))
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


def new_index(settings: Settings) -> RougeL:
    """Return an empty novelty index as the recipe wants it."""
    how = settings.recipe.novelty
    return RougeL(how.max_similarity, tokenise=TOKENISERS[how.tokens])


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
