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
    """Where a row comes from; every field is always there, so that columns have one type."""

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


class Row(msgspec.Struct, frozen=True):
    """One instance of one task: what an exporter turns into a line."""

    id: str
    task: Task
    instance: Instance
    source: Source


def rows(run: Path, *, with_seeds: bool = False) -> Iterator[Row]:
    """Yield the rows of finished rounds in order of acceptance; the seeds first, if wanted."""
    seeds = read_rows(run / "seeds.jsonl", Task) if with_seeds else iter(())
    for task in chain(seeds, finished_rows(run, "pool", Task)):
        origin = task.origin
        source = Source(
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
        )
        for number, instance in enumerate(task.instances):
            yield Row(f"{task.id}-{number}", task, instance, source)
