"""The tasks so far, and which of them a prompt shows.

Decides: how in-context instructions are drawn. Randomness is derived from the run's seed, the
round and the slot, so any slot can be drawn again. Does not know: prompts, files or models.
"""

from collections import Counter
from collections.abc import Iterable
from random import Random

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
        self._short: dict[int, tuple[list[Task], list[Task]]] = {}
        self._kinds: dict[int, tuple[Kinds, Kinds]] = {}

    def add(self, task: Task) -> None:
        """Accept a task."""
        self.grown.append(task)
        self.counts[task.category] += 1
        for max_words, (_, grown) in self._short.items():
            if _words(task) <= max_words:
                grown.append(task)
        for max_words, (_, kinds) in self._kinds.items():
            if _words(task) <= max_words:
                kinds.add(task)

    def sample(self, random: Random, *, count: int, grown: int, max_words: int) -> list[Task]:
        """Draw up to `count` tasks, at most `grown` of them grown, and shuffle them.

        All are seeds while none is grown (as in the paper, section 2.2). Instructions longer
        than `max_words` words (Chinese: characters) are left out, unless that leaves nothing.
        """
        seeds, young = self._shown(max_words)
        drawn = random.sample(young, min(grown, len(young), count))
        drawn += random.sample(seeds, min(count - len(drawn), len(seeds)))
        random.shuffle(drawn)
        return drawn

    def sample_kinds(self, random: Random, *, count: int, grown: int, max_words: int) -> list[Task]:
        """Draw as `sample` does, but of as many kinds as possible, seeds and grown tasks each."""
        if max_words not in self._kinds:
            seeds, young = self._shown(max_words)
            self._kinds[max_words] = (Kinds(seeds), Kinds(young))
        of_seeds, of_grown = self._kinds[max_words]
        drawn = of_grown.spread(random, min(grown, count))
        drawn += of_seeds.spread(random, count - len(drawn))
        random.shuffle(drawn)
        return drawn

    def _shown(self, max_words: int) -> tuple[list[Task], list[Task]]:
        """Return the seeds and the grown tasks that are short enough to be shown."""
        if max_words not in self._short:
            seeds = _short(self.seeds, max_words) or self.seeds
            self._short[max_words] = (seeds, _short(self.grown, max_words))
        return self._short[max_words]

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


def _short(tasks: Iterable[Task], max_words: int) -> list[Task]:
    return [task for task in tasks if _words(task) <= max_words]


def _words(task: Task) -> int:
    return word_count(task.instruction)
