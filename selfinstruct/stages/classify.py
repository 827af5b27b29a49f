"""The second stage: is a draft classification, one label of a few?

Decides: which seed tasks show the model the difference. Does not know: what follows from the
answer.
"""

import re
from collections.abc import Sequence

import msgspec

from selfinstruct import parse
from selfinstruct.engines.base import Completion
from selfinstruct.pool import slot_random
from selfinstruct.sift import Kept, Verdict
from selfinstruct.stages.base import Round, failed, place_of
from selfinstruct.task import Task


def classify(now: Round, drafts: Sequence[Task]) -> list[Verdict]:
    """Ask of each draft whether it is classification; the exemplars are the run's, not the slot's.

    All prompts of a run share their head, so that an engine computes it once.
    """
    settings = now.run.settings
    how = settings.recipe.classify
    random = slot_random(settings.seed, "classify")
    exemplars = now.pool.exemplars(random, how.yes, classification=True)
    exemplars += now.pool.exemplars(random, how.no, classification=False)
    random.shuffle(exemplars)
    clear = [any(re.search(cue, draft.instruction) for cue in how.cues) for draft in drafts]
    prompts = [
        settings.prompts.classify(key, exemplars, draft, sampling=now.seeded(how.sampling, key))
        for draft, known in zip(drafts, clear, strict=True)
        if not known
        for key in [now.key("classify", place_of(draft))]
    ]
    replies = iter(now.ask("classify", prompts))
    return [
        _marked(draft, is_classification=True) if known else _read(draft, next(replies))
        for draft, known in zip(drafts, clear, strict=True)
    ]


def _read(draft: Task, reply: Completion) -> Verdict:
    """Read the model's Yes or No."""
    return failed(reply, "classify", draft) or _marked(
        draft, is_classification=parse.is_yes(reply.text)
    )


def _marked(draft: Task, *, is_classification: bool) -> Kept:
    return Kept(msgspec.structs.replace(draft, is_classification=is_classification))
