"""The second stage: is a draft classification, one label of a few?

Decides: which drafts the model is asked about, and what its answer counts for. Does not know: what
follows from it.
"""

import re

import msgspec

from selfinstruct import parse
from selfinstruct.conversation import Script
from selfinstruct.engines.base import Completion
from selfinstruct.sift import Kept, Verdict
from selfinstruct.stages.base import Round, failed, place_of
from selfinstruct.task import Task


def classify(now: Round, draft: Task) -> Script[Verdict]:
    """Ask of a draft whether it is classification, unless its words say so."""
    settings = now.settings
    how = settings.recipe.classify
    if any(re.search(cue, draft.instruction) for cue in how.cues):
        return _marked(draft, is_classification=True)
    if how.signs and not any(re.search(sign, draft.instruction) for sign in how.signs):
        return _marked(draft, is_classification=False)
    key = now.key("classify", place_of(draft))
    sampling = now.seeded(how.sampling, key)
    prompt = settings.prompts.classify(key, now.exemplars.labelled, draft, sampling=sampling)
    reply = yield prompt
    return _read(draft, reply)


def _read(draft: Task, reply: Completion) -> Verdict:
    """Read the model's Yes or No."""
    return failed(reply, "classify", draft) or _marked(
        draft, is_classification=parse.is_yes(reply.text)
    )


def _marked(draft: Task, *, is_classification: bool) -> Kept:
    return Kept(msgspec.structs.replace(draft, is_classification=is_classification))
