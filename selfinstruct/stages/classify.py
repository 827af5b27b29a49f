"""The second stage: is a draft classification, one label of a few?

Decides: which seed tasks show the model the difference. Does not know: what follows from the
answer.
"""

from collections.abc import Sequence

import msgspec

from selfinstruct import parse
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
    prompts = [
        settings.prompts.classify(key, exemplars, draft, sampling=now.seeded(how.sampling, key))
        for draft in drafts
        for key in [now.key("classify", place_of(draft))]
    ]
    return [
        failed(reply, "classify", draft)
        or Kept(msgspec.structs.replace(draft, is_classification=parse.is_yes(reply.text)))
        for draft, reply in zip(drafts, now.ask("classify", prompts), strict=True)
    ]
