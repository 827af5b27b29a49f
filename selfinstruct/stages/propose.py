"""The first stage: new instructions, asked for by showing some that are there.

Decides: which instructions a prompt shows, and where each draft is said to come from. Does not
know: whether a draft is any good.
"""

from selfinstruct import parse
from selfinstruct.engines.base import Completion, Prompt
from selfinstruct.errors import EngineError
from selfinstruct.pool import slot_random
from selfinstruct.recipe import Propose
from selfinstruct.sift import Kept, Rejected, Verdict
from selfinstruct.stages.base import OVER_BUDGET, Round, failed
from selfinstruct.task import Origin, Task, new_task


def propose(now: Round) -> list[Verdict]:
    """Ask for new instructions; return drafts (kept so far) and refusals, in slot order."""
    settings = now.run.settings
    how = settings.recipe.propose
    prompts: list[Prompt] = []
    shown: list[list[Task]] = []
    leads: list[str] = []
    for slot in range(settings.prompts_per_round):
        random = slot_random(settings.seed, now.outcome.round, slot)
        examples = now.pool.sample(
            random, count=how.in_context, grown=how.grown, max_words=how.max_words
        )
        lead = random.choice(how.leads) if how.leads else ""
        key = now.key("propose", f"{slot:04d}")
        prompts.append(
            settings.prompts.propose(
                key,
                examples,
                lead=lead,
                last=len(examples) + how.new,
                sampling=now.seeded(how.sampling, key),
            )
        )
        shown.append(examples)
        leads.append(lead)
    replies = now.ask("propose", prompts)
    asked = [reply for reply in replies if reply.error != OVER_BUDGET]
    if asked and all(reply.finish == "error" for reply in asked):
        # Nothing can grow from this: a fault of the engine, not of single prompts.
        now.run.forget(now.outcome.round, "propose")
        message = f"all {len(asked)} proposals failed; the first: {asked[0].error}"
        hint = "mend the engine, then give the same command again: finished rounds are kept"
        raise EngineError(message, hint=hint)
    verdicts: list[Verdict] = []
    for reply, examples, lead in zip(replies, shown, leads, strict=True):
        parents = tuple(task.id for task in examples)
        items = _items(how, reply, lead, len(examples) + 1)
        drafts = [
            (item, _draft(now, item.text, f"{reply.key}#{place}", parents))
            for place, item in enumerate(items, 1)
        ]
        verdicts += [_verdict(item, draft) for item, draft in drafts[: how.new]]
        verdicts += [
            Rejected("propose", "surplus", f"{how.new} asked for", draft)
            for _, draft in drafts[how.new :]
        ]
        if not drafts:
            verdicts.append(_no_task(reply, _draft(now, reply.text, f"{reply.key}#0", parents)))
    return verdicts


def _items(how: Propose, reply: Completion, lead: str, first: int) -> list[parse.Item]:
    """Read the instructions of a reply in the recipe's way; the lead is the first one's start."""
    if reply.finish == "error":
        return []
    cut = reply.finish == "length"
    if how.parse == "paper":
        return parse.paper_items(lead + reply.text, truncated=cut)
    return parse.listed_items(lead + reply.text, first=first, truncated=cut)


def _draft(now: Round, text: str, place: str, parents: tuple[str, ...]) -> Task:
    """Make a draft that says where it came from."""
    info = now.run.settings.engine  # the model, with the licence that the user may have given
    origin = Origin(
        kind="generated",
        round=now.outcome.round,
        prompt=place,
        parents=parents,
        model=info.model,
        revision=info.revision,
        licence=info.licence,
    )
    return new_task(text, origin=origin, language=now.run.settings.language)


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
