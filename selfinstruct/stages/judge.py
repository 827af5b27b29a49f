"""The last stage: a model says of each instance what it is worth.

Decides: how votes are counted, and what a task has to reach to stay. Does not know: how the
questions are worded, or whether the model is right.
"""

from fractions import Fraction

import msgspec

from selfinstruct import parse
from selfinstruct.conversation import Script
from selfinstruct.recipe import JudgeSettings
from selfinstruct.sift import Kept, Rejected, Verdict
from selfinstruct.stages.base import Round, each_instance, failed
from selfinstruct.task import Judgement, Task


def judge(now: Round, task: Task, how: JudgeSettings) -> Script[list[Verdict]]:
    """Have each instance of a task judged; return refused ones, and the task with what is left."""

    def judged(single: Task, place: str) -> Script[Verdict]:
        found = yield from _votes(now, single, how, place)
        if isinstance(found, Rejected):
            return found
        single = msgspec.structs.replace(single, judgements=(found,))
        fault = _fault(found, how)
        return Rejected("judge", "judge", fault, single) if fault else Kept(single)

    return (yield from each_instance(task, judged))


def _votes(now: Round, task: Task, how: JudgeSettings, place: str) -> Script[Judgement | Rejected]:
    """Ask for each vote on a task of one instance, and count them."""
    votes: list[parse.Vote] = []
    refusal: Rejected | None = None
    for number in range(how.votes):
        key = now.key("judge", f"{place}-{number}")
        sampling = now.seeded(how.sampling, key)
        reply = yield now.settings.prompts.judge(key, task, sampling=sampling)
        refusal = refusal or failed(reply, "judge", task)
        if vote := parse.vote(reply.text):
            votes.append(vote)
    if votes:
        info = now.settings.judge or now.settings.engine
        return counted(votes, info.model, info.revision)
    return refusal or Rejected("judge", "no_vote", "no reply of the judge could be read", task)


def counted(votes: list[parse.Vote], model: str, revision: str) -> Judgement:
    """Return the shares of votes that said yes, and the mean of their scores."""
    many = len(votes)
    return Judgement(
        valid_task=float(Fraction(sum(vote.valid_task for vote in votes), many)),
        input_fits=float(Fraction(sum(vote.input_fits for vote in votes), many)),
        output_correct=float(Fraction(sum(vote.output_correct for vote in votes), many)),
        score=float(Fraction(sum(vote.score for vote in votes), many)),
        votes=many,
        model=model,
        revision=revision,
    )


def _fault(found: Judgement, how: JudgeSettings) -> str:
    """Say which question a judgement fails; "" when it passes, or when all pass."""
    if how.only_score:
        return ""
    for question in how.require:
        if (share := getattr(found, question)) <= 0.5:
            return f"{question}: {share:.0%} of {found.votes} votes"
    return f"score {found.score:g} of 5" if found.score < how.min_score else ""
