"""One round: what is proposed is sifted, answered, sifted again and judged.

Decides: what follows from what in a round. Does not know: how many rounds there are, how a prompt
is worded, how a rule judges, how bytes reach the disk, or which model answers.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from selfinstruct.conversation import STAGES, Conversation, Script
from selfinstruct.errors import EngineError
from selfinstruct.journal import Journal
from selfinstruct.pool_novelty import PoolNovelty
from selfinstruct.prompts import Prompts
from selfinstruct.recipe import Recipe
from selfinstruct.rules import PromptEcho, Rule
from selfinstruct.sift import Kept, Rejected, RuleSet, Verdict, sift, sift_instances
from selfinstruct.stages.answer import answer
from selfinstruct.stages.base import NEVER_ASKED, Round
from selfinstruct.stages.classify import classify
from selfinstruct.stages.difficulty import measure
from selfinstruct.stages.judge import judge
from selfinstruct.stages.propose import propose, slots
from selfinstruct.task import Task


def rule_set(recipe: Recipe, prompts: Prompts | None = None) -> RuleSet:
    """Return the rules of a recipe by what they judge; echo rules learn the prompts' lines."""
    headings = tuple(prompts.headings()) if prompts else ()

    def learnt(rules: Iterable[Rule]) -> tuple[Rule, ...]:
        return tuple(
            msgspec.structs.replace(rule, phrases=rule.phrases + headings)
            if isinstance(rule, PromptEcho)
            else rule
            for rule in rules
        )

    return RuleSet(
        learnt(recipe.rules("instruction")),
        learnt(recipe.rules("instance")),
        learnt(recipe.rules("task")),
    )


class AllProposalsFailedError(EngineError):
    """A round in which every proposal failed: a fault of the engine, not of single prompts."""


def play(now: Round, novelty: PoolNovelty, journal: Journal) -> None:
    """Play one round, from its sample to its outcome; nothing but the journal is written.

    Raises AllProposalsFailedError where nothing can grow.
    """
    budget = now.settings.max_tokens_per_round
    with Conversation(now.engine, journal, now.watch, budget=budget) as talk:
        proposals = [talk.begin(propose(now, slot)) for slot in slots(now)]
        drafts = (talk.result(proposal) for proposal in proposals)
        sift_and_answer(now, novelty, talk, drafts)
    if now.judge and now.settings.recipe.judge:
        judge_by_another(now, journal)


def sift_and_answer(
    now: Round, novelty: PoolNovelty, talk: Conversation, drafts: Iterable[Sequence[Verdict]]
) -> None:
    """Sift drafts as they come, have those that pass answered, and note what all came to.

    Drafts are judged in their order, whatever order replies arrive in; one that passes is
    answered at once, while later ones are still being written.
    """
    rules, outcome = rule_set(now.settings.recipe, now.settings.prompts), now.outcome
    judges, note = novelty.for_a_round()
    unwritten: list[Rejected] = []
    sifted: list[Rejected] = []
    tasks = []
    for verdicts in drafts:
        outcome.proposed += len(verdicts)
        written = settle(now, verdicts, unwritten)
        new = settle(now, list(sift(written, rules.drafts, judges, note)), sifted)
        tasks += [talk.begin(complete(now, draft, rules)) for draft in new]
    answered = [verdict for task in tasks for verdict in talk.result(task)]
    outcome.prompt_tokens += talk.prompt_tokens
    outcome.completion_tokens += talk.completion_tokens
    if not tasks:
        refuse_broken_engine(unwritten)
    refused: list[Rejected] = []
    outcome.kept += settle(now, answered, refused)
    refused.sort(key=lambda row: STAGES.index(row.stage))
    outcome.rejected += unwritten + sifted + refused


def complete(now: Round, draft: Task, rules: RuleSet) -> Script[list[Verdict]]:
    """Have a draft classified and answered, sift what came back, and have that judged."""
    verdict = yield from classify(now, draft)
    if isinstance(verdict, Kept):
        verdict = yield from answer(now, verdict.task)
    if isinstance(verdict, Rejected):
        return [verdict]
    recipe = now.settings.recipe
    most = recipe.instances.max_instances
    verdicts = sift_instances(verdict.task, rules.instances, rules.tasks, "instances", most=most)
    if difficulty := recipe.difficulty:
        verdicts = yield from each_kept(verdicts, lambda task: measure(now, task, difficulty))
    if (how := recipe.judge) and not now.judge:
        verdicts = yield from each_kept(verdicts, lambda task: judge(now, task, how))
    return verdicts


def each_kept(
    verdicts: Sequence[Verdict], stage: Callable[[Task], Script[list[Verdict]]]
) -> Script[list[Verdict]]:
    """Put in the place of a task that is kept what a stage makes of it."""
    found: list[Verdict] = []
    for verdict in verdicts:
        if isinstance(verdict, Kept):
            found += yield from stage(verdict.task)
        else:
            found.append(verdict)
    return found


def judge_by_another(now: Round, journal: Journal) -> None:
    """Have the tasks of a round judged by an engine of its own, once all are there."""
    how, outcome = now.settings.recipe.judge, now.outcome
    if how is None or now.judge is None:
        return
    with Conversation(now.judge, journal, now.watch) as talk:
        asked = [talk.begin(judge(now, task, how)) for task in outcome.kept]
        verdicts = [verdict for one in asked for verdict in talk.result(one)]
        outcome.prompt_tokens += talk.prompt_tokens
        outcome.completion_tokens += talk.completion_tokens
    refused: list[Rejected] = []
    outcome.kept = settle(now, verdicts, refused)
    outcome.rejected += refused


def refuse_broken_engine(unwritten: Sequence[Rejected]) -> None:
    """Raise AllProposalsFailedError when every proposal that was asked for failed."""
    asked = [refusal for refusal in unwritten if refusal.rule not in NEVER_ASKED.values()]
    if asked and all(refusal.rule == "engine_error" for refusal in asked):
        message = f"all {len(asked)} proposals failed; the first: {asked[0].detail}"
        hint = "mend the engine, then give the same command again: finished rounds are kept"
        raise AllProposalsFailedError(message, hint=hint)


def settle(now: Round, verdicts: Sequence[Verdict], refused: list[Rejected]) -> list[Task]:
    """Note refusals and return the tasks that were kept."""
    kept = [verdict.task for verdict in verdicts if isinstance(verdict, Kept)]
    refusals = [verdict for verdict in verdicts if isinstance(verdict, Rejected)]
    refused += refusals
    now.watch.refused(len(refusals))
    return kept
