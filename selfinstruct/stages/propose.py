"""The first stage: new instructions, asked for by showing some that are there.

Decides: which instructions a prompt shows, what they are to be about, and where each draft is said
to come from. Does not know: whether a draft is any good, or about what it was asked to be.
"""

from collections.abc import Iterator

import msgspec

from selfinstruct import parse
from selfinstruct.conversation import Script
from selfinstruct.engines.base import Completion
from selfinstruct.pool import Shown, slot_random
from selfinstruct.recipe import Propose
from selfinstruct.sift import Kept, Rejected, Verdict
from selfinstruct.stages.base import Round, failed
from selfinstruct.task import Origin, Task, new_task
from selfinstruct.topics import Turn, deal


class Slot(msgspec.Struct, frozen=True):
    """A place for one prompt: the tasks it shows, how many new ones it asks for, and about what.

    The first new one begins with `lead`; `topic` is "" in a run without topics.
    """

    number: int
    examples: tuple[Task, ...]
    lead: str
    new: int
    topic: str


def slots(now: Round) -> Iterator[Slot]:
    """Draw the slots of a round: by the run's seed, the round and the slot alone.

    Topics depend on the pool as it stood when the round began, too. With the recipe's `share`,
    that many slots in a row show the examples of the first of them.
    """
    settings = now.settings
    how = settings.recipe.propose
    examples: tuple[Task, ...] = ()
    shown = Shown(
        count=how.in_context,
        grown=how.grown,
        max_words=how.max_words,
        inputs=not how.without_input,
    )
    draw = now.pool.sample_kinds if how.balance else now.pool.sample
    for number, turn in enumerate(_turns(now)):
        random = slot_random(settings.seed, now.outcome.round, number)
        drawn = draw(random, shown)
        examples = examples if number % how.share else tuple(drawn)
        lead = random.choice(how.leads) if how.leads else ""
        yield Slot(number, examples, lead, turn.new, turn.topic)


def _turns(now: Round) -> Iterator[Turn]:
    """Say what each slot of a round asks for."""
    settings = now.settings
    slots, new = settings.prompts_per_round, settings.recipe.propose.new
    if not now.topics:
        return iter([Turn("", new)] * slots)
    random = slot_random(settings.seed, now.outcome.round, "topics")
    return deal(now.topics, now.pool.counts, random, slots=slots, new=new)


def propose(now: Round, slot: Slot) -> Script[list[Verdict]]:
    """Ask for new instructions; return drafts (kept so far) and refusals, in their order."""
    settings = now.settings
    how = settings.recipe.propose
    key = now.key("propose", f"{slot.number:04d}")
    sampling = now.seeded(how.sampling, key)
    shown, lead, new, topic = slot.examples, slot.lead, slot.new, slot.topic
    if how.parse == "json":
        prompt = settings.prompts.propose_json(
            key, shown, lead=lead, new=new, topic=topic, sampling=sampling
        )
    else:
        last = len(shown) + new
        prompt = settings.prompts.propose(
            key, shown, lead=lead, last=last, topic=topic, sampling=sampling
        )
    reply = yield prompt
    items = _items(how, reply, lead, len(shown) + 1)
    if not items:
        return [_no_task(reply, _draft(now, slot, reply.text, f"{key}#0"))]
    drafts = [
        (item, _draft(now, slot, item.text, f"{key}#{place}"))
        for place, item in enumerate(items, 1)
    ]
    verdicts = [_verdict(item, draft) for item, draft in drafts[:new]]
    surplus = f"{new} asked for"
    verdicts += [Rejected("propose", "surplus", surplus, draft) for _, draft in drafts[new:]]
    return verdicts


def _items(how: Propose, reply: Completion, lead: str, first: int) -> list[parse.Item]:
    """Read the instructions of a reply in the recipe's way; the lead is the first one's start."""
    if reply.finish == "error":
        return []
    cut = reply.finish == "length"
    if how.parse == "json":
        return parse.json_items(reply.text, truncated=cut)
    if how.parse == "paper":
        return parse.paper_items(lead + reply.text, truncated=cut)
    return parse.listed_items(lead + reply.text, first=first, truncated=cut)


def _draft(now: Round, slot: Slot, text: str, place: str) -> Task:
    """Make a draft that says where it came from."""
    info = now.settings.engine  # the model, with the licence that the user may have given
    origin = Origin(
        kind="generated",
        round=now.outcome.round,
        prompt=place,
        parents=tuple(task.id for task in slot.examples),
        model=info.model,
        revision=info.revision,
        licence=info.licence,
    )
    language = now.settings.language
    return new_task(text, origin=origin, language=language, category=slot.topic)


def _verdict(item: parse.Item, draft: Task) -> Verdict:
    """Refuse an item that breaks off: the rest of it was never written."""
    if item.truncated:
        return Rejected("propose", "truncated", "the reply breaks off", draft)
    return Kept(draft)


def _no_task(reply: Completion, draft: Task) -> Rejected:
    """Refuse a reply in which there is no instruction."""
    return failed(reply, "propose", draft, whole=True) or Rejected(
        "propose", "no_task", "no instruction in the reply", draft
    )
