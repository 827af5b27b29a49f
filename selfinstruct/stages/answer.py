"""The third stage: instances for each draft.

Decides: whether the model is asked itself (a chat model: input, then response) or goes on from
worked examples (a base model, and always for classification, answer first), and what a reply
counts for. Does not know: whether an answer is right.
"""

import re

import msgspec

from selfinstruct import parse
from selfinstruct.conversation import Script
from selfinstruct.engines.base import Completion
from selfinstruct.pool import slot_random
from selfinstruct.recipe import Instances
from selfinstruct.sift import Kept, Rejected, Verdict
from selfinstruct.stages.base import Round, failed, place_of
from selfinstruct.task import Instance, Task


def answer(now: Round, draft: Task) -> Script[Verdict]:
    """Have instances written for a draft."""
    style = now.settings.recipe.instances.style
    chat = style == "respond" or (style == "auto" and now.settings.engine.chat)
    if chat and not draft.is_classification:
        return (yield from respond(now, draft))
    return (yield from go_on(now, draft))


def respond(now: Round, draft: Task) -> Script[Verdict]:
    """Have the model write the input where a draft speaks of one, then the response."""
    settings = now.settings
    how = settings.recipe.instances
    given = ""
    if kind := missing_input(how, draft.instruction):
        key = now.key("input", place_of(draft))
        # a task with a topic is about it, if not by its words, then by what it is done with
        topic = draft.category or slot_random(settings.seed, key).choice(how.input_topics)
        sampling = now.seeded(how.input_sampling, key)
        reply = yield settings.prompts.input(key, draft, kind=kind, topic=topic, sampling=sampling)
        if refusal := failed(reply, "input", draft, whole=True):
            return refusal
        given = parse.answer(reply.text)
    key = now.key("respond", place_of(draft))
    task = msgspec.structs.replace(draft, instances=(Instance(given, ""),))
    sampling = now.seeded(how.respond_sampling, key)
    reply = yield settings.prompts.respond(key, task, given, sampling=sampling)
    instance = Instance(given, parse.answer(reply.text))
    answered = msgspec.structs.replace(draft, instances=(instance,))
    return failed(reply, "respond", answered, whole=True) or Kept(answered)


def missing_input(how: Instances, instruction: str) -> str:
    """Return what an instruction speaks of that has to be written; "" for nothing."""
    if any(re.search(sign, instruction) for sign in how.input_present):
        return ""
    for cue in how.input_cues:
        if found := re.search(cue, instruction, re.IGNORECASE):
            return str(found.groupdict().get("kind") or "text").casefold()
    return ""


def go_on(now: Round, draft: Task) -> Script[Verdict]:
    """Have the model go on from worked examples: the label first for classification."""
    settings = now.settings
    how = settings.recipe.instances
    shown = now.exemplars.classes if draft.is_classification else now.exemplars.others
    key = now.key("instances", place_of(draft))
    sampling = now.seeded(how.few_shot_sampling, key)
    reply = yield settings.prompts.instances(key, shown, draft, sampling=sampling)
    return failed(reply, "instances", draft) or _completed(how, draft, reply)


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
