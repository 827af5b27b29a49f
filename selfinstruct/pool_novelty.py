"""The judges of novelty that a recipe asks for, and what they know.

Decides: which judges there are, and that a round's drafts are on trial until the round is done.
Does not know: how texts are compared, or what a round does.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import fsum
from pathlib import Path

import msgspec
import numpy as np

from selfinstruct.novelty import Layered, Novelty, RougeL, Semantic, open_embedder
from selfinstruct.recipe import NoveltySettings
from selfinstruct.task import Task
from selfinstruct.text import TOKENISERS

SAVE_FROM = 50_000
"""Tasks from which a saved memory is quicker than reading the pool again by a second or more."""


class PoolNovelty:
    """The judges over the pool: ROUGE-L, and one by meaning if the recipe has one."""

    def __init__(self, how: NoveltySettings) -> None:
        self._similar = how.similar
        self._rouge = partial(RougeL, how.max_similarity, tokenise=TOKENISERS[how.tokens])
        self._pool = self._rouge()
        self._others: list[Callable[[], Novelty]] = []
        if how.semantic:
            embedder = open_embedder(how.semantic.model)
            self._others.append(partial(Semantic, embedder, how.semantic.min_similarity))
        self.seen: list[Novelty] = [self._pool, *(new() for new in self._others)]

    def recall(self, tasks: Sequence[Task], saved: Path) -> None:
        """Remember the tasks that are in the pool, with the help of a file if it is of use."""
        known = self._pool.restore(saved, [task.id for task in tasks]) if saved.exists() else 0
        self._pool.add_all((task.id, task.instruction) for task in tasks[known:])
        for one in self.seen[1:]:
            one.add_all((task.id, task.instruction) for task in tasks)

    def save(self, path: Path) -> None:
        """Write what is remembered, where reading it again saves time."""
        if len(self._pool) >= SAVE_FROM:
            self._pool.save(path)

    def add(self, tasks: Sequence[Task]) -> None:
        """Remember tasks that are in the pool."""
        for one in self.seen:
            one.add_all((task.id, task.instruction) for task in tasks)

    def for_a_round(self) -> tuple[list[Novelty], Callable[[Task], Task]]:
        """Return judges for a round's drafts, and what notes similar tasks on a kept one."""
        trial = self._rouge()
        fresh: list[Novelty] = [trial, *(new() for new in self._others)]
        layers = [Layered(*pair) for pair in zip(self.seen, fresh, strict=True)]
        return list(layers), partial(self._note, trial)

    def _note(self, trial: RougeL, task: Task) -> Task:
        """Record the most similar earlier tasks and the mean similarity, if they are wanted.

        The published code keeps both with each instruction it accepts; nothing depends on them.
        """
        if not self._similar:
            return task
        scores = np.concatenate([one.scores(task.instruction) for one in (self._pool, trial)])
        order = np.argsort(-scores, kind="stable")[: self._similar].tolist()
        ids = (*self._pool.ids, *trial.ids)
        origin = msgspec.structs.replace(
            task.origin,
            similar=tuple((ids[row], float(scores[row])) for row in order),
            mean_similarity=fsum(scores) / len(scores) if len(scores) else 0.0,
        )
        return msgspec.structs.replace(task, origin=origin)
