"""The engines that a command opens: the one that writes, and a judge of its own.

Decides: when a second engine is opened, and what the first has to be able to do. Does not know:
what engines are asked.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from selfinstruct.engines import Engine, Given, open_engine
from selfinstruct.errors import InputError
from selfinstruct.recipe import Recipe


class Engines(NamedTuple):
    """The model that writes, if any is to, and the one that judges, where that is another."""

    model: Engine | None
    judge: Engine | None


def open_judge(recipe: Recipe, given: Given) -> AbstractContextManager[Engine | None]:
    """Open the engine that the recipe's judge names, if it names one.

    Engine arguments (`--engine-arg`) are for the model that writes.
    """
    if recipe.judge is None or not recipe.judge.engine:
        return nullcontext()
    own = Given(trust_remote_code=given.trust_remote_code, quiet=given.quiet)
    return open_engine(recipe.judge.engine, own)


def check_scores(recipe: Recipe, engine: Engine) -> None:
    """Raise InputError where the recipe measures what the engine cannot say."""
    if recipe.difficulty and not engine.info.scores:
        message = f"{engine.info.model} cannot say how likely an answer is, as [difficulty] needs"
        hint = "take llamacpp:, transformers: or vllm:, or leave out [difficulty]"
        raise InputError(message, hint=hint)
