"""What a wording has to pass: another surface, the same meaning, the recipe's rules, novelty.

Decides: the order of judgement, and who is kin: a wording may be as like its parent as the recipe
allows, but not as like any other task as two proposals may not be. Does not know: where wordings
come from.
"""

from functools import cached_property

import numpy as np

from selfinstruct.augment.meaning import drift, surface
from selfinstruct.augment.methods import Wording
from selfinstruct.novelty import Match, RougeL, open_embedder
from selfinstruct.novelty.semantic import Embedder
from selfinstruct.recipe import AugmentSettings
from selfinstruct.sift import Kept, Rejected, RuleSet, Verdict, judge_whole
from selfinstruct.task import Task

SAME = 0.95
"""ROUGE-L with another wording of the same task above which the two are one."""


class Gate:
    """Judges wordings one by one, and remembers those that it lets through."""

    def __init__(
        self, how: AugmentSettings, rules: RuleSet, tasks: RougeL, max_similarity: float
    ) -> None:
        """Judge by `tasks`, all that there are; `max_similarity` is their threshold."""
        self._how = how
        self._max_similarity = max_similarity
        self._rules = rules
        self._tasks = tasks
        self._parents: dict[str, str] = {}

    def judge(self, wording: Wording, task: Task) -> Verdict:
        """Judge one wording as the task it would be."""
        stage = wording.method.partition(":")[0]
        if wording.fault:
            return Rejected(stage, "no_wording", wording.fault, task)
        before, after = wording.task.instruction, task.instruction
        for rule, fault in (
            ("same_surface", surface(before, after, self._how)),
            ("meaning", drift(before, after, self._how) or self._far(before, after)),
        ):
            if fault:
                return Rejected(stage, rule, fault, task)
        if not wording.agreed:
            return Rejected(stage, "judge", "the model says that it means something else", task)
        verdict = judge_whole(task, self._rules, stage)
        if isinstance(verdict, Kept) and (near := self._near(task, wording.task)):
            detail = f"{self._tasks.measure} {near.score:.3f} with another task"
            return Rejected(stage, "novelty", detail, task, near)
        if isinstance(verdict, Kept):
            self._parents[task.id] = wording.task.id
            self._tasks.add(task.id, after)
        return verdict

    @cached_property
    def _embedder(self) -> Embedder | None:
        return open_embedder(self._how.semantic.model) if self._how.semantic else None

    def _far(self, before: str, after: str) -> str:
        """Say how far apart two texts are in meaning, where the recipe has a bound for it."""
        if self._embedder is None or self._how.semantic is None:
            return ""
        one, other = np.asarray(self._embedder.encode([before, after]), dtype=np.float64)
        norm = float(np.linalg.norm(one) * np.linalg.norm(other))
        cosine = float(one @ other) / norm if norm else 0.0
        far = cosine < self._how.semantic.min_similarity
        return f"cosine {cosine:.3f} with the instruction" if far else ""

    def _near(self, task: Task, parent: Task) -> Match | None:
        """Return the most similar task beyond the bound, if there is one."""
        nearest = self._tasks.nearest(task.instruction)
        if nearest is None or not self._kin(nearest.id, parent):
            return nearest
        for one in self._tasks.ranked(task.instruction, most=len(self._parents) + 2):
            if not self._kin(one.id, parent):
                return one if one.score > self._max_similarity else None
            if one.id != parent.id and one.score > SAME:
                return one
        return None

    def _kin(self, name: str, parent: Task) -> bool:
        return name == parent.id or self._parents.get(name) == parent.id
