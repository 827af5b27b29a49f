"""What every export shares: which rows there are, their ids, and where each came from.

Decides: that an instance is a row, and what a row says of its origin. Does not know: any
format.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import msgspec

from selfinstruct.run import finished_rows
from selfinstruct.storage import read_rows
from selfinstruct.task import Instance, Task


class Source(msgspec.Struct, frozen=True):
    """Where a row comes from; every field is always there, so that columns have one type.

    `method` says how an augmented task came about; its only parent is the task that it says in
    other words. `score` is the judge's, 1 to 5, and 0 where there was none; so is `difficulty`, of
    following the instruction.
    """

    task: str
    kind: str
    round: int
    parents: tuple[str, ...]
    prompt: str
    seed: str
    model: str
    revision: str
    licence: str
    language: str
    method: str
    category: str
    score: float
    difficulty: float


class Row(msgspec.Struct, frozen=True):
    """One instance of one task: what an exporter turns into a line."""

    id: str
    task: Task
    instance: Instance
    source: Source


def rows(run: Path, *, with_seeds: bool = False, augmented: bool = True) -> Iterator[Row]:
    """Yield the rows of finished rounds in order of acceptance, then those of augmented tasks.

    The seeds come first, if wanted. A wording of a task that has been taken out of the pool since
    is taken out with it.
    """
    seeds = read_rows(run / "seeds.jsonl", Task) if with_seeds else iter(())
    there: set[str] = set()
    for task in chain(seeds, finished_rows(run, "pool", Task)):
        there.add(task.id)
        yield from _rows_of(task)
    for task in read_rows(run / "augmented.jsonl", Task) if augmented else ():
        if there.issuperset(task.origin.parents):
            yield from _rows_of(task)


def _rows_of(task: Task) -> Iterator[Row]:
    """Yield a row for each instance of a task."""
    judged = () if task.judgements is msgspec.UNSET else task.judgements
    measured = () if task.difficulties is msgspec.UNSET else task.difficulties
    for number, instance in enumerate(task.instances):
        score = judged[number].score if number < len(judged) else 0.0
        difficulty = (measured[number] or 0.0) if number < len(measured) else 0.0
        yield Row(f"{task.id}-{number}", task, instance, _source(task, score, difficulty))


def _source(task: Task, score: float, difficulty: float) -> Source:
    origin = task.origin
    return Source(
        task=task.id,
        kind=origin.kind,
        round=origin.round,
        parents=origin.parents,
        prompt=origin.prompt,
        seed=origin.source,
        model=origin.model,
        revision=origin.revision,
        licence=origin.licence,
        language=task.language,
        method=origin.method,
        category=task.category,
        score=score,
        difficulty=difficulty,
    )
