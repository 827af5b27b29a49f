"""The third stage: instances for each draft.

Decides: whether the model is asked itself (a chat model: input, then response) or goes on from
worked examples (a base model, and always for classification, answer first), and what a reply
counts for. Does not know: whether an answer is right.
"""

import re
from collections.abc import Sequence

import msgspec

from selfinstruct import parse
from selfinstruct.engines.base import Completion
from selfinstruct.pool import slot_random
from selfinstruct.recipe import Instances
from selfinstruct.sift import Kept, Rejected, Verdict
from selfinstruct.stages.base import Round, failed, place_of
from selfinstruct.task import Instance, Task


def answer(now: Round, drafts: Sequence[Task]) -> list[Verdict]:
    """Have instances written; return one verdict for each draft, in order."""
    style = now.run.settings.recipe.instances.style
    chat = style == "respond" or (style == "auto" and now.engine.info.chat)
    asked = [draft for draft in drafts if chat and not draft.is_classification]
    shown = [draft for draft in drafts if not chat or draft.is_classification]
    verdicts = {place_of(v.task): v for v in (*respond(now, asked), *go_on(now, shown))}
    return [verdicts[place_of(draft)] for draft in drafts]


def respond(now: Round, drafts: Sequence[Task]) -> list[Verdict]:
    """Have the model write the input where a draft speaks of one, then the response."""
    settings = now.run.settings
    how = settings.recipe.instances
    complete: list[Task] = []
    verdicts: list[Verdict] = []
    for draft, reply in zip(drafts, _inputs(now, drafts), strict=True):
        if reply and (refusal := failed(reply, "input", draft, whole=True)):
            verdicts.append(refusal)
            continue
        given = Instance(input=parse.answer(reply.text) if reply else "", output="")
        complete.append(msgspec.structs.replace(draft, instances=(given,)))
    prompts = [
        settings.prompts.respond(
            key, task, task.instances[0].input, sampling=now.seeded(how.respond_sampling, key)
        )
        for task in complete
        for key in [now.key("respond", place_of(task))]
    ]
    for task, reply in zip(complete, now.ask("respond", prompts), strict=True):
        instance = Instance(task.instances[0].input, parse.answer(reply.text))
        answered = msgspec.structs.replace(task, instances=(instance,))
        verdicts.append(failed(reply, "respond", answered, whole=True) or Kept(answered))
    return verdicts


def _inputs(now: Round, drafts: Sequence[Task]) -> list[Completion | None]:
    """Ask for the text that each draft speaks of; None for a draft that speaks of none."""
    settings = now.run.settings
    how = settings.recipe.instances
    kinds = [missing_input(how, draft.instruction) for draft in drafts]
    prompts = []
    for draft, kind in zip(drafts, kinds, strict=True):
        if kind:
            key = now.key("input", place_of(draft))
            topic = slot_random(settings.seed, key).choice(how.input_topics)
            sampling = now.seeded(how.input_sampling, key)
            prompts.append(
                settings.prompts.input(key, draft, kind=kind, topic=topic, sampling=sampling)
            )
    replies = iter(now.ask("input", prompts))
    return [next(replies) if kind else None for kind in kinds]


def missing_input(how: Instances, instruction: str) -> str:
    """Return what an instruction speaks of that has to be written; "" for nothing."""
    if any(re.search(sign, instruction) for sign in how.input_present):
        return ""
    for cue in how.input_cues:
        if found := re.search(cue, instruction, re.IGNORECASE):
            return str(found.groupdict().get("kind") or "text").casefold()
    return ""


def go_on(now: Round, drafts: Sequence[Task]) -> list[Verdict]:
    """Have the model go on from worked examples: the label first for classification."""
    settings = now.run.settings
    how = settings.recipe.instances
    random = slot_random(settings.seed, "instances")
    classes = now.pool.exemplars(random, how.class_exemplars, classification=True)
    others = now.pool.exemplars(random, how.exemplars, classification=False)
    prompts = [
        settings.prompts.instances(
            key,
            classes if draft.is_classification else others,
            draft,
            sampling=now.seeded(how.few_shot_sampling, key),
        )
        for draft in drafts
        for key in [now.key("instances", place_of(draft))]
    ]
    return [
        failed(reply, "instances", draft) or _completed(how, draft, reply)
        for draft, reply in zip(drafts, now.ask("instances", prompts), strict=True)
    ]


def _completed(how: Instances, draft: Task, reply: Completion) -> Verdict:
    """Read the instances of a reply; a draft that gets none is refused."""
    cut = reply.finish == "length"
    if draft.is_classification:
        read = parse.paper_classes if how.parse == "paper" else parse.labelled_classes
        found = read(f"Class label:{reply.text}", truncated=cut)
    else:
        read = parse.paper_instances if how.parse == "paper" else parse.labelled_instances
        found = read(f"Example 1\nInput:{reply.text}", truncated=cut)
    if found:
        return Kept(msgspec.structs.replace(draft, instances=tuple(found)))
    if cut:
        return Rejected("instances", "truncated", "the reply breaks off", draft)
    return Rejected("instances", "no_instance", f"no instance in {reply.text[:60]!r}", draft)
