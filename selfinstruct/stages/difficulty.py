"""A stage: how much each instruction helps the model to write the answer that it has.

Decides: after which prompt an answer is measured, and between which bounds a task stays. Does
not know: what the number means (difficulty.py does), or whether an answer is right.
"""

import msgspec

from selfinstruct.conversation import Script
from selfinstruct.difficulty import difficulty_prompts, instruction_following_difficulty
from selfinstruct.engines.base import Prompt, Sampling
from selfinstruct.recipe import DifficultySettings
from selfinstruct.sift import Kept, Rejected, Verdict
from selfinstruct.stages.base import Round, each_instance, failed
from selfinstruct.task import Task


def measure(now: Round, task: Task, how: DifficultySettings) -> Script[list[Verdict]]:
    """Measure each instance of a task; return refused ones, and the task with what is left."""

    def measured(single: Task, place: str) -> Script[Verdict]:
        found = yield from _measured(now, single, place)
        if isinstance(found, Rejected):
            if not how.only_score:
                return found
            found = None
        single = msgspec.structs.replace(single, difficulties=(found,))
        fault = _fault(found, how)
        return Rejected("difficulty", "difficulty", fault, single) if fault else Kept(single)

    return (yield from each_instance(task, measured))


def _measured(now: Round, task: Task, place: str) -> Script[float | Rejected | None]:
    """Have the answer of a task of one instance read after its instruction, and alone."""
    key = now.key("difficulty", place)
    first, second = difficulty_prompts(_asked(now, key, task), task.instances[0].output)
    after = yield first
    alone = yield second
    refusal = failed(after, "difficulty", task) or failed(alone, "difficulty", task)
    return refusal or instruction_following_difficulty(after, alone)


def _asked(now: Round, key: str, task: Task) -> Prompt:
    """Return what the model is given before an answer: for a base model, the bare texts."""
    given = task.instances[0].input
    prompt = now.settings.prompts.respond(key, task, given, sampling=Sampling())
    if now.settings.engine.chat or not prompt.messages:
        return prompt
    text = "".join(f"{message.content}\n\n" for message in prompt.messages)
    return Prompt(key, text=text)


def _fault(value: float | None, how: DifficultySettings) -> str:
    """Say which bound a difficulty breaks; "" when it lies between both."""
    if how.only_score or value is None or how.min <= value <= how.max:
        return ""
    side = f"below {how.min:g}" if value < how.min else f"above {how.max:g}"
    return f"difficulty {value:.2f}, {side}"
