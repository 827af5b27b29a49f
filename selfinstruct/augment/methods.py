"""The ways in which a task is said in other words: by a model, through a language, by noise.

Decides: what is asked for each wording and how a reply is read. Does not know: whether a wording
is any good.

A key is "augment-1a2b3c4d/paraphrase/<task>-0": a wording depends on its task, its number and the
settings alone, so a run that grows on asks for new tasks only.
"""

from random import Random

import msgspec

from selfinstruct import parse
from selfinstruct.augment.meaning import drift, surface
from selfinstruct.conversation import Script
from selfinstruct.engines.base import Completion, Prompt, Sampling, seeded
from selfinstruct.pool import slot_random
from selfinstruct.prompts import Prompts
from selfinstruct.recipe import AugmentSettings
from selfinstruct.task import Task


class Wording(msgspec.Struct, frozen=True):
    """A text that is to say what a task says: how it came about, and the keys of its replies.

    `fault` says why there is none; `agreed`, whether the model says that it means the same, where
    it was asked.
    """

    task: Task
    text: str
    method: str
    prompt: str = ""
    fault: str = ""
    agreed: bool = True


class Asking(msgspec.Struct, frozen=True):
    """What all wordings of a run share: its seed, the step they belong to, and how to ask."""

    seed: int
    step: str
    how: AugmentSettings
    prompts: Prompts
    language: str

    def key(self, stage: str, task: Task, number: int) -> str:
        """Return the key of a question."""
        return f"{self.step}/{stage}/{task.id}-{number}"

    def random(self, stage: str, task: Task) -> Random:
        """Return the generator of a task's choices."""
        return slot_random(self.seed, "augment", stage, task.id)

    def seeded(self, sampling: Sampling, key: str) -> Sampling:
        """Give a prompt its own seed, from the run's seed and its key."""
        return seeded(sampling, self.seed, key)


def paraphrases(now: Asking, task: Task) -> list[Script[Wording]]:
    """Return the scripts that have a task paraphrased, each in a style of its own."""
    styles = now.random("paraphrase", task).sample(now.how.styles, len(now.how.styles))
    many = now.how.paraphrases
    return [_paraphrase(now, task, n, styles[n % len(styles)]) for n in range(many)]


def _paraphrase(now: Asking, task: Task, number: int, style: str) -> Script[Wording]:
    """Have a task said in a style."""
    key = now.key("paraphrase", task, number)
    sampling = now.seeded(now.how.paraphrase_sampling, key)
    text = " ".join(task.instruction.split())
    reply = yield now.prompts.fill("paraphrase", key, sampling, {"text": text, "style": style})
    return (yield from _agreed(now, _read(task, reply, f"paraphrase:{style}"), number))


def back_translations(now: Asking, task: Task, *, model: bool) -> list[Script[Wording]]:
    """Return the scripts that have a task translated and back, each through another language.

    A `model` for translation is given texts as they are; any other is asked in words.
    """
    pivots = now.random("translate", task).sample(now.how.pivots, len(now.how.pivots))
    many = now.how.back_translations
    return [
        _back_translation(now, task, n, pivots[n % len(pivots)], model=model) for n in range(many)
    ]


def _back_translation(
    now: Asking, task: Task, number: int, pivot: str, *, model: bool
) -> Script[Wording]:
    """Have a task translated, and what comes of it translated back."""
    text = task.instruction
    source = now.language if model else now.how.own_language or now.language
    for stage, origin, target in (("translate", source, pivot), ("back", pivot, source)):
        key = now.key(stage, task, number)
        sampling = now.seeded(now.how.translate_sampling, key)
        if model:
            prompt = Prompt(key, text=f"{origin}\n{target}\n{text}", sampling=sampling)
        else:
            prompt = now.prompts.fill("translate", key, sampling, {"text": text, "target": target})
        reply = yield prompt
        found = _read(task, reply, f"back-translation:{pivot}")
        if found.fault:
            return found
        text = found.text
    return (yield from _agreed(now, found, number))


def _agreed(now: Asking, found: Wording, number: int) -> Script[Wording]:
    """Ask whether a wording means the same, if the recipe wants that and it may be kept at all."""
    before, after = found.task.instruction, found.text
    if not now.how.judge or found.fault:
        return found
    if surface(before, after, now.how) or drift(before, after, now.how):
        return found
    way = found.method.partition(":")[0]
    key = f"{now.step}/same/{found.task.id}-{way}-{number}"
    sampling = Sampling(max_tokens=3, choices=now.how.agreement)
    values = {"before": before, "after": after}
    reply = yield now.prompts.fill("same", key, now.seeded(sampling, key), values)
    return msgspec.structs.replace(found, agreed=reply.text == now.how.agreement[0])


def _read(task: Task, reply: Completion, method: str) -> Wording:
    """Read the first line of a reply that has lines; what broke off is no wording."""
    if reply.finish == "error":
        return Wording(task, "", method, reply.key, fault=reply.error)
    text = parse.answer(reply.text)
    if "\n" not in task.instruction:
        text = text.partition("\n")[0]
    text = parse.unwrapped(text)
    if reply.finish == "length":
        return Wording(task, text, method, reply.key, fault="the reply breaks off")
    fault = "" if text else "the reply is empty"
    return Wording(task, text, method, reply.key, fault=fault)
