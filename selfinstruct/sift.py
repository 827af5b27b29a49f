"""Rules, then novelty: every draft comes out kept or rejected, in the order it came in.

Decides: the order of judgement (cheap rules first, novelty last) and what a refusal records.
Does not know: where drafts come from or where verdicts go.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from selfinstruct.novelty import Match, Novelty
from selfinstruct.rules import Rule
from selfinstruct.task import Task, singles


class Kept(msgspec.Struct, frozen=True):
    """A task that passed."""

    task: Task


class Rejected(msgspec.Struct, frozen=True):
    """A task that did not: at which stage, by which rule, what the rule saw.

    `nearest` is the earlier task that was too similar, with its score. A reply that held no
    task at all has a task with the reply as its instruction.
    """

    stage: str
    rule: str
    detail: str
    task: Task
    nearest: Match | None = None


Verdict = Kept | Rejected


class RuleSet(msgspec.Struct, frozen=True):
    """The rules of a recipe by what they judge: proposals, single instances, whole tasks."""

    drafts: tuple[Rule, ...]
    instances: tuple[Rule, ...]
    tasks: tuple[Rule, ...]


def _unchanged(task: Task) -> Task:
    """Return a task as it is."""
    return task


def judge(task: Task, rules: Sequence[Rule], stage: str) -> Verdict:
    """Judge one task by rules: the first that refuses it decides."""
    for rule in rules:
        if rejection := rule(task):
            return Rejected(stage, rejection.rule, rejection.detail, task)
    return Kept(task)


def judge_whole(task: Task, rules: RuleSet, stage: str) -> Verdict:
    """Judge a task that is complete already: one instance that is refused refuses all of it."""
    for subject, those in [
        (task, rules.drafts),
        *((single, rules.instances) for single in singles(task)),
        (task, rules.tasks),
    ]:
        verdict = judge(subject, those, stage)
        if isinstance(verdict, Rejected):
            return msgspec.structs.replace(verdict, task=task)
    return Kept(task)


def sift(
    drafts: Iterable[Task],
    rules: Sequence[Rule],
    novelty: Sequence[Novelty],
    note: Callable[[Task], Task] = _unchanged,
) -> Iterator[Verdict]:
    """Judge proposals in order by rules, then by each judge of novelty.

    Every judge remembers what is kept, so that later drafts are compared with it too; before
    that, `note` may write down on a task what there is to say of it at that moment.
    """
    for draft in drafts:
        verdict = judge(draft, rules, "propose")
        if isinstance(verdict, Kept):
            verdict = _judge_novelty(draft, novelty)
        if isinstance(verdict, Kept):
            verdict = Kept(note(draft))
            for one in novelty:
                one.add(draft.id, draft.instruction)
        yield verdict


def _judge_novelty(draft: Task, novelty: Sequence[Novelty]) -> Verdict:
    """Judge one proposal by what came before it: the first judge that knows one like it decides."""
    for one in novelty:
        if nearest := one.nearest(draft.instruction):
            detail = f"{one.measure} {nearest.score:.3f} with an earlier instruction"
            return Rejected("propose", "novelty", detail, draft, nearest)
    return Kept(draft)


def sift_instances(
    task: Task,
    instance_rules: Sequence[Rule],
    task_rules: Sequence[Rule],
    stage: str,
    *,
    most: int | None = None,
) -> list[Verdict]:
    """Judge a complete task: each instance by itself, then those that are left together.

    Returns the refused instances (each as the task with that instance alone) and, if any
    instance is left and the task passes, the task with what is left, the first `most` of it.
    """
    verdicts: list[Verdict] = []
    left = []
    for instance in dict.fromkeys(task.instances):
        single = msgspec.structs.replace(task, instances=(instance,))
        verdict = judge(single, instance_rules, stage)
        if isinstance(verdict, Kept):
            left.append(instance)
        else:
            verdicts.append(verdict)
    if left:
        whole = msgspec.structs.replace(task, instances=tuple(left))
        verdict = judge(whole, task_rules, stage)
        if isinstance(verdict, Kept):
            verdict = Kept(msgspec.structs.replace(task, instances=tuple(left[:most])))
        verdicts.append(verdict)
    return verdicts
