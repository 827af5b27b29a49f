"""The loop: each round samples the pool, proposes, sifts, answers, sifts again, and is kept.

Decides: what follows from what in a round, and when to stop. Does not know: how a prompt is
worded, how a rule judges, how bytes reach the disk, or which model answers.
"""

import time
from collections.abc import Iterator, Sequence
from itertools import chain, takewhile
from typing import Literal

import msgspec

from selfinstruct.conversation import Conversation, Script
from selfinstruct.engines.base import Engine
from selfinstruct.errors import EngineError
from selfinstruct.journal import Journal
from selfinstruct.judges import Judges
from selfinstruct.pool import Pool
from selfinstruct.rules import PromptEcho, Rule
from selfinstruct.run import Marker, Outcome, Run
from selfinstruct.sift import Kept, Rejected, Verdict, sift, sift_instances
from selfinstruct.stages.answer import answer
from selfinstruct.stages.base import Round, Unwatched, Watch, draw_exemplars
from selfinstruct.stages.classify import classify
from selfinstruct.stages.propose import propose, slots
from selfinstruct.stages.topics import topics_of
from selfinstruct.stats import last_novelty
from selfinstruct.task import Task
from selfinstruct.topics import full

BARREN_ROUNDS = 3
"""A run for a target stops after this many rounds in a row that accepted nothing."""


def grow(
    run: Run,
    engine: Engine,
    *,
    rounds: int | None,
    target: int = 0,
    min_novelty: float = 0,
    watch: Watch | None = None,
) -> Iterator[Marker]:
    """Play rounds until the run has `rounds` of them or `target` grown tasks; yield each marker.

    A run with topics ends when each has its quota; any run ends after a round in which a smaller
    share of drafts than `min_novelty` was new (see stats.last_novelty).
    Rounds that are finished already are not played again. Without a number of rounds, a run
    for a target gives up after BARREN_ROUNDS that accepted nothing.
    """
    pool = Pool(run.settings.seeds, run.grown)
    judges = Judges(run.settings.recipe.novelty)
    saved = run.folder / "novelty.index"
    exemplars = draw_exemplars(run, pool)
    judges.recall((*pool.seeds, *pool.grown), saved)
    topics = topics_of(run, engine, watch or Unwatched())
    while not (
        _enough(run, rounds, target)
        or full(topics, pool.counts)
        or (min_novelty and last_novelty(run.folder, run.markers).share < min_novelty)
    ):
        outcome = Outcome(round=len(run.markers) + 1)
        now = Round(
            run=run,
            engine=engine,
            pool=pool,
            watch=watch or Unwatched(),
            exemplars=exemplars,
            outcome=outcome,
            topics=topics,
        )
        began = time.monotonic()
        try:
            play(now, judges)
        finally:
            run.record_time(outcome.round, time.monotonic() - began)
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


def play(now: Round, judges: Judges) -> None:
    """Play one round, from its sample to its outcome; nothing but the journal is written.

    Proposals are judged in slot order, whatever order they arrive in; a draft that passes is
    answered at once, while later proposals are still being written.
    """
    outcome, run = now.outcome, now.run
    novelty, note = judges.for_a_round()
    for_drafts = rules(now, "instruction")
    proposed: list[Rejected] = []
    sifted: list[Rejected] = []
    budget = run.settings.max_tokens_per_round
    with (
        Journal(run.journals, outcome.round) as journal,
        Conversation(now.engine, journal, now.watch, budget=budget) as talk,
    ):
        proposals = [talk.begin(propose(now, slot)) for slot in slots(now)]
        tasks = []
        for proposal in proposals:
            verdicts = talk.result(proposal)
            outcome.proposed += len(verdicts)
            drafts = settle(now, verdicts, proposed)
            drafts = settle(now, list(sift(drafts, for_drafts, novelty, note)), sifted)
            tasks += [talk.begin(complete(now, draft)) for draft in drafts]
        answered = [talk.result(task) for task in tasks]
        outcome.prompt_tokens = talk.prompt_tokens
        outcome.completion_tokens = talk.completion_tokens
    if not tasks:
        refuse_broken_engine(now, proposed)
    outcome.rejected += proposed + sifted
    judge_complete(now, answered)


def complete(now: Round, draft: Task) -> Script[Verdict]:
    """Have a draft classified, then answered."""
    verdict = yield from classify(now, draft)
    if isinstance(verdict, Rejected):
        return verdict
    return (yield from answer(now, verdict.task))


def judge_complete(now: Round, answered: Sequence[Verdict]) -> None:
    """Judge complete tasks by the rules for instances and for whole tasks."""
    failures: list[Rejected] = []
    tasks = settle(now, answered, failures)
    failures.sort(key=lambda refusal: refusal.stage != "classify")  # in the order of stages
    single, whole = rules(now, "instance"), rules(now, "task")
    most = now.run.settings.recipe.instances.max_instances
    verdicts = [sift_instances(task, single, whole, "instances", most=most) for task in tasks]
    refused: list[Rejected] = []
    now.outcome.kept = settle(now, list(chain.from_iterable(verdicts)), refused)
    now.outcome.rejected += failures + refused


def refuse_broken_engine(now: Round, proposed: Sequence[Rejected]) -> None:
    """Raise EngineError when every proposal that was asked for failed: nothing can grow from it.

    That is a fault of the engine, not of single prompts, so they are not kept as answered.
    """
    asked = [refusal for refusal in proposed if refusal.rule != "budget"]
    if asked and all(refusal.rule == "engine_error" for refusal in asked):
        now.run.forget(now.outcome.round)
        message = f"all {len(asked)} proposals failed; the first: {asked[0].detail}"
        hint = "mend the engine, then give the same command again: finished rounds are kept"
        raise EngineError(message, hint=hint)


def settle(now: Round, verdicts: Sequence[Verdict], refused: list[Rejected]) -> list[Task]:
    """Note refusals and return the tasks that were kept."""
    kept = [verdict.task for verdict in verdicts if isinstance(verdict, Kept)]
    refusals = [verdict for verdict in verdicts if isinstance(verdict, Rejected)]
    refused += refusals
    now.watch.refused(len(refusals))
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
