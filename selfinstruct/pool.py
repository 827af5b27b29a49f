"""The tasks so far, and which of them a prompt shows.

Decides: how in-context instructions are drawn. Randomness is derived from the run's seed, the
round and the slot, so any slot can be drawn again. Does not know: prompts, files or models.
"""

from collections import Counter
from collections.abc import Iterable
from random import Random

import msgspec

from selfinstruct.task import Task
from selfinstruct.text import word_count


def slot_random(seed: int, *place: object) -> Random:
    """Return the generator of one place in a run, such as (round, stage, slot)."""
    return Random("/".join(map(str, (seed, *place))))  # noqa: S311 (sampling, not secrets)


def kind_of(task: Task) -> str:
    """Return the kind of a task: its category, or how its instruction begins ("write")."""
    if task.category:
        return task.category
    first = task.instruction.split(maxsplit=1)[:1]
    return first[0].casefold() if first else ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a prompt shows: up to `count` tasks, at most `grown` of them grown.

    Their instructions have at most `max_words` words (Chinese: characters). Without `inputs`
    none of them has an input, but for seeds where fewer than `count` have none.
    """

    count: int
    grown: int
    max_words: int
    inputs: bool = True

    def fits(self, task: Task) -> bool:
        """Whether a prompt may show a task."""
        return _words(task) <= self.max_words and (self.inputs or not _has_input(task))


class Kinds:
    """Tasks by kind: their category, or the first word of an instruction that has none."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._names: list[str] = []
        self._tasks: dict[str, list[Task]] = {}
        for task in tasks:
            self.add(task)

    def add(self, task: Task) -> None:
        """Put a task with those of its kind."""
        kind = kind_of(task)
        if kind not in self._tasks:
            self._names.append(kind)
            self._tasks[kind] = []
        self._tasks[kind].append(task)

    def spread(self, random: Random, count: int) -> list[Task]:
        """Draw up to `count` tasks of as many kinds as there are; every kind is as likely.

        The time depends on `count` alone. A second task of a kind comes once each has one.
        """
        names = random.sample(self._names, min(count, len(self._names)))
        drawn = [
            random.sample(tasks, min(count, len(tasks)))
            for tasks in (self._tasks[name] for name in names)
        ]
        by_turns = [tasks[turn] for turn in range(count) for tasks in drawn if turn < len(tasks)]
        return by_turns[:count]


class Pool:
    """Seed tasks and grown tasks, in order of acceptance."""

    def __init__(self, seeds: Iterable[Task], grown: Iterable[Task] = ()) -> None:
        self.seeds = list(seeds)
        self.grown = list(grown)
        self.counts = Counter(task.category for task in self.grown)
        self._fitting: dict[Shown, tuple[list[Task], list[Task]]] = {}
        self._kinds: dict[Shown, tuple[Kinds, Kinds]] = {}

    def add(self, task: Task) -> None:
        """Accept a task."""
        self.grown.append(task)
        self.counts[task.category] += 1
        for shown, (_, grown) in self._fitting.items():
            if shown.fits(task):
                grown.append(task)
        for shown, (_, kinds) in self._kinds.items():
            if shown.fits(task):
                kinds.add(task)

    def sample(self, random: Random, shown: Shown) -> list[Task]:
        """Draw the tasks that a prompt shows, and shuffle them.

        All are seeds while none is grown (as in the paper, section 2.2). Seeds with an input are
        shown all the same where too few are without one, and long ones where none is short.
        """
        seeds, young = self._of(shown)
        drawn = random.sample(young, min(shown.grown, len(young), shown.count))
        drawn += random.sample(seeds, min(shown.count - len(drawn), len(seeds)))
        random.shuffle(drawn)
        return drawn

    def sample_kinds(self, random: Random, shown: Shown) -> list[Task]:
        """Draw as `sample` does, but of as many kinds as possible, seeds and grown tasks each."""
        if shown not in self._kinds:
            seeds, young = self._of(shown)
            self._kinds[shown] = (Kinds(seeds), Kinds(young))
        of_seeds, of_grown = self._kinds[shown]
        drawn = of_grown.spread(random, min(shown.grown, shown.count))
        drawn += of_seeds.spread(random, shown.count - len(drawn))
        random.shuffle(drawn)
        return drawn

    def _of(self, shown: Shown) -> tuple[list[Task], list[Task]]:
        """Return the seeds and the grown tasks that a prompt may show."""
        if shown not in self._fitting:
            short = [task for task in self.seeds if _words(task) <= shown.max_words] or self.seeds
            plain = [task for task in short if not _has_input(task)]
            enough = not shown.inputs and len(plain) >= shown.count
            grown = [task for task in self.grown if shown.fits(task)]
            self._fitting[shown] = (plain if enough else short, grown)
        return self._fitting[shown]

    def exemplars(self, random: Random, count: int, *, classification: bool) -> list[Task]:
        """Draw up to `count` seed tasks for few-shot prompts, classification or not.

        They come from the shortest third: short exemplars leave the context to the task.
        """
        fitting = [t for t in self.seeds if bool(t.is_classification) == classification]
        fitting.sort(key=_size)
        short = fitting[: max(count, len(fitting) // 3)]
        return random.sample(short, min(count, len(short)))


def _size(task: Task) -> int:
    """Count the words of a task with its instances."""
    return _words(task) + sum(word_count(f"{i.input} {i.output}") for i in task.instances)


def _has_input(task: Task) -> bool:
    return any(instance.input for instance in task.instances)


def _words(task: Task) -> int:
    return word_count(task.instruction)
