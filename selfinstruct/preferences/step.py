"""Preferences: several responses to each task, and which of them is better.

Decides: which tasks are answered again, and who says what of a response: the recipe's rules, then
a judge of those that they keep. Does not know: which two become a pair, how a rule judges, or
whether a judge is right.

preferences.jsonl is a pure function of the pool, the settings and the journal. A key is
"prefer-1a2b3c4d/respond/<task>-0": a run that grows on asks for new tasks only.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from selfinstruct import parse
from selfinstruct.conversation import Conversation, Script
from selfinstruct.engines.base import Completion, Engine, EngineInfo, Sampling, seeded
from selfinstruct.errors import EngineError
from selfinstruct.journal import Journal
from selfinstruct.play import rule_set
from selfinstruct.preferences.pairs import FILE, Preference, Side, pair
from selfinstruct.prompts import Prompts
from selfinstruct.run import Run
from selfinstruct.sift import Rejected, RuleSet, judge_whole
from selfinstruct.stages.base import Watch
from selfinstruct.stages.judge import counted
from selfinstruct.storage import replace_file
from selfinstruct.task import Instance, Judgement, Task, digest, folded, to_json

JUDGING = Sampling(max_tokens=60)
"""Three answers and a score, as JSON."""


class PreferSettings(msgspec.Struct, frozen=True):
    """How pairs are made.

    `responses` are sampled for each task, beside the one it has; `votes` are asked of the judge
    for each that the rules keep, 0 for no judge; a pair needs `min_gap` between the scores.
    """

    responses: int
    sampling: Sampling
    votes: int
    min_gap: float


class Preferred(NamedTuple):
    """What the step came to."""

    tasks: int
    responses: int
    pairs: int
    refused: int


class Engines(NamedTuple):
    """Who writes, and who judges."""

    model: Engine
    judge: Engine


class _Response(NamedTuple):
    """A response to a task, and the fault of its reply, "" for none."""

    task: Task
    text: str
    prompt: str
    fault: str


def prefer(
    run: Run, engines: Engines, how: PreferSettings, prompts: Prompts, watch: Watch
) -> Preferred:
    """Have tasks answered several times, and write the pairs. For who holds the lock.

    Classification is left out: a label is right or wrong. Raises EngineError where every response
    failed.
    """
    asked = _Asking(run.settings.seed, _step(run, engines, how, prompts), how, prompts)
    tasks = [task for task in run.grown if task.instances and not task.is_classification]
    with Journal(run.journals, asked.step) as journal:
        with Conversation(engines.model, journal, watch) as talk:
            talks = [
                talk.begin(_respond(asked, task, n)) for task in tasks for n in range(how.responses)
            ]
            responses = [talk.result(one) for one in talks]
        _refuse_broken_engine(responses)
        sides = _ranked(run, tasks, responses)
        if how.votes:
            with Conversation(engines.judge, journal, watch) as talk:
                sides = _scored(asked, talk, tasks, sides, engines.judge.info)
    info = engines.model.info
    pairs = [
        Preference(task.id, *found, info.model, info.revision)
        for task in tasks
        if (found := pair(sides[task.id], how.min_gap))
    ]
    replace_file(run.folder / FILE, [to_json(pair) + b"\n" for pair in pairs])
    refused = sum(bool(one.refused) for found in sides.values() for one in found)
    return Preferred(len(tasks), len(responses), len(pairs), refused)


class _Asking(NamedTuple):
    """What all questions of a run share."""

    seed: int
    step: str
    how: PreferSettings
    prompts: Prompts

    def seeded(self, sampling: Sampling, key: str) -> Sampling:
        """Give a prompt its own seed, from the run's seed and its key."""
        return seeded(sampling, self.seed, key)


def _step(run: Run, engines: Engines, how: PreferSettings, prompts: Prompts) -> str:
    """Return the name of the step: other settings, texts or models have another journal."""
    texts = {name: prompts.texts[name] for name in ("respond", "judge")}
    infos = [(one.info.model, one.info.revision) for one in engines]
    seed = run.settings.seed
    return f"prefer-{digest(to_json((how, texts, infos, seed)).decode(), 8)}"


def _respond(asked: _Asking, task: Task, number: int) -> Script[_Response]:
    """Have a task answered once more."""
    key = f"{asked.step}/respond/{task.id}-{number}"
    sampling = asked.seeded(asked.how.sampling, key)
    given = task.instances[0].input
    reply = yield asked.prompts.respond(key, task, given, sampling=sampling)
    return _Response(task, parse.answer(reply.text), key, _fault(reply))


def _fault(reply: Completion) -> str:
    if reply.finish == "error":
        return "engine_error"
    return "truncated" if reply.finish == "length" else ""


def _refuse_broken_engine(responses: Sequence[_Response]) -> None:
    if responses and all(one.fault == "engine_error" for one in responses):
        message = f"all {len(responses)} responses failed"
        raise EngineError(message, hint="mend the engine, then give the same command again")


def _ranked(
    run: Run, tasks: Sequence[Task], responses: Iterable[_Response]
) -> dict[str, list[Side]]:
    """Return the responses of each task, its own first, with the rule that refuses each."""
    rules = rule_set(run.settings.recipe, run.settings.prompts)
    sides = {task.id: [_own(task)] for task in tasks}
    for one in responses:
        known = {folded(side.text) for side in sides[one.task.id]}
        if one.fault != "engine_error" and one.text.strip() and folded(one.text) not in known:
            refused = one.fault or _refused(one, rules)
            sides[one.task.id].append(Side(one.text, one.prompt, refused, 0.0))
    return sides


def _own(task: Task) -> Side:
    """Return the response that a task has already; what the judge said of it stays."""
    score = task.judgements[0].score if task.judgements else 0.0
    return Side(task.instances[0].output, "", "", score)


def _refused(response: _Response, rules: RuleSet) -> str:
    verdict = judge_whole(_with(response.task, response.text), rules, "prefer")
    return verdict.rule if isinstance(verdict, Rejected) else ""


def _with(task: Task, text: str) -> Task:
    """Return a task with its first input and another output."""
    instance = Instance(task.instances[0].input, text)
    return msgspec.structs.replace(
        task, instances=(instance,), judgements=msgspec.UNSET, difficulties=msgspec.UNSET
    )


def _scored(
    asked: _Asking,
    talk: Conversation,
    tasks: Sequence[Task],
    sides: dict[str, list[Side]],
    info: EngineInfo,
) -> dict[str, list[Side]]:
    """Have every response judged that the rules keep; the task's own again, by the same judge."""
    talks = {
        (task.id, place): talk.begin(_votes(asked, _with(task, side.text), place, info))
        for task in tasks
        for place, side in enumerate(sides[task.id])
        if not side.refused
    }
    scores = {where: talk.result(one) for where, one in talks.items()}
    return {
        name: [
            msgspec.structs.replace(side, score=found.score if found else 0.0)
            for place, side in enumerate(those)
            for found in [scores.get((name, place))]
        ]
        for name, those in sides.items()
    }


def _votes(asked: _Asking, task: Task, place: int, info: EngineInfo) -> Script[Judgement | None]:
    """Ask for each vote on a response; None where no reply could be read."""
    votes: list[parse.Vote] = []
    for number in range(asked.how.votes):
        key = f"{asked.step}/judge/{task.id}-{place}-{number}"
        sampling = asked.seeded(JUDGING, key)
        reply = yield asked.prompts.judge(key, task, sampling=sampling)
        if vote := parse.vote(reply.text):
            votes.append(vote)
    return counted(votes, info.model, info.revision) if votes else None
