"""The tasks so far, and which of them a prompt shows.

Decides: how in-context instructions are drawn. Randomness is derived from the run's seed, the
round and the slot, so any slot can be drawn again. Does not know: prompts, files or models.
"""

from collections.abc import Iterable
from random import Random

from selfinstruct.task import Task
from selfinstruct.text import word_count


def slot_random(seed: int, *place: object) -> Random:
    """Return the generator of one place in a run, such as (round, stage, slot)."""
    return Random("/".join(map(str, (seed, *place))))  # noqa: S311 (sampling, not secrets)


class Pool:
    """Seed tasks and grown tasks, in order of acceptance."""

    def __init__(self, seeds: Iterable[Task], grown: Iterable[Task] = ()) -> None:
        self.seeds = list(seeds)
        self.grown = list(grown)
        self._short: dict[int, tuple[list[Task], list[Task]]] = {}

    def add(self, task: Task) -> None:
        """Accept a task."""
        self.grown.append(task)
        for max_words, (_, grown) in self._short.items():
            if _words(task) <= max_words:
                grown.append(task)

    def sample(self, random: Random, *, count: int, grown: int, max_words: int) -> list[Task]:
        """Draw up to `count` tasks, at most `grown` of them grown, and shuffle them.

        All are seeds while none is grown (as in the paper, section 2.2). Instructions longer
        than `max_words` words (Chinese: characters) are left out, unless that leaves nothing.
        """
        if max_words not in self._short:
            self._short[max_words] = (_short(self.seeds, max_words), _short(self.grown, max_words))
        seeds, young = self._short[max_words]
        seeds = seeds or self.seeds
        drawn = random.sample(young, min(grown, len(young), count))
        drawn += random.sample(seeds, min(count - len(drawn), len(seeds)))
        random.shuffle(drawn)
        return drawn

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
