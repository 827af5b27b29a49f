"""What every export shares: which rows there are, their ids, and where each came from.

Decides: that an instance is a row, what a row says of its origin, and which rows belong together
(a family: a task with all that was made of it). Does not know: any format.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from zlib import crc32

import msgspec

from selfinstruct.run import finished_rows
from selfinstruct.storage import read_rows
from selfinstruct.tables import TableRow
from selfinstruct.tables.shapes import Shape, Triple
from selfinstruct.task import Instance, Origin, Task, clean, new_task


class Source(msgspec.Struct, frozen=True):
    """Where a row comes from; every field is always there, so that columns have one type.

    `parents` are ids with spaces between. `method` says how an augmented task came about; its only
    parent is the task that it says in other words. `score` is the judge's, 1 to 5, and 0 where
    there was none; so is `difficulty`, of following the instruction.
    """

    task: str
    kind: str
    round: int
    parents: str
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
    """One instance of one task: what an exporter turns into lines."""

    id: str
    task: Task
    number: int
    source: Source

    @property
    def instance(self) -> Instance:
        """Return the instance that this row is of; the others of the task are its exemplars."""
        return self.task.instances[self.number]

    @property
    def family(self) -> str:
        """Return the id that a task shares with its wordings: no split has one without the other.

        A wording's only parent is its task; the parents of a grown task are what its prompt showed.
        """
        return self.task.origin.parents[0] if self.source.method else self.task.id


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


def found_rows(
    pairs: Iterator[tuple[TableRow, Shape]], *, language: str, licence: str = ""
) -> Iterator[Row]:
    """Yield the rows of somebody's dataset: one for each example of each row.

    An id follows from the texts alone, so that a row keeps it when the file is sorted or grows.
    Examples of one row that have the same instruction are instances of one task. `language` is
    that of rows without a column of that name.
    """
    file, name = None, ""
    for row, shape in pairs:
        if row.file is not file:
            file, name = row.file, row.file.name
        columns = row.columns
        origin = Origin(kind="found", source=f"{name}#{row.number}", licence=licence)
        kind = columns.get("is_classification")
        category, spoken = columns.get("category"), columns.get("language")
        for instruction, instances in _grouped(shape.triples(columns)):
            task = new_task(
                instruction,
                origin=origin,
                language=spoken if isinstance(spoken, str) and spoken else language,
                instances=instances,
                is_classification=kind if isinstance(kind, bool) else None,
                category=clean(category) if isinstance(category, str) else "",
            )
            source = _source(task, 0.0, 0.0)
            for number, instance in enumerate(instances):
                # only tells the instances of one task apart, for which 32 bits of CRC are enough
                texts = f"{instance.input}\0{instance.output}".encode("utf-8", "replace")
                yield Row(f"{task.id}-{crc32(texts):08x}", task, number, source)


def _grouped(triples: Sequence[Triple]) -> Iterable[tuple[str, tuple[Instance, ...]]]:
    """Return each instruction with its instances."""
    if len(triples) == 1:  # most rows
        asked, given, output = triples[0]
        return ((clean(asked), (Instance(clean(given), clean(output)),)),)
    grouped: dict[str, list[Instance]] = {}
    for asked, given, output in triples:
        grouped.setdefault(clean(asked), []).append(Instance(clean(given), clean(output)))
    return [(asked, tuple(instances)) for asked, instances in grouped.items()]


def _rows_of(task: Task) -> Iterator[Row]:
    """Yield a row for each instance of a task."""
    judged = () if task.judgements is msgspec.UNSET else task.judgements
    measured = () if task.difficulties is msgspec.UNSET else task.difficulties
    for number in range(len(task.instances)):
        score = judged[number].score if number < len(judged) else 0.0
        difficulty = (measured[number] or 0.0) if number < len(measured) else 0.0
        yield Row(f"{task.id}-{number}", task, number, _source(task, score, difficulty))


def _source(task: Task, score: float, difficulty: float) -> Source:
    origin = task.origin
    return Source(
        task=task.id,
        kind=origin.kind,
        round=origin.round,
        parents=" ".join(origin.parents),
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


def is_blank(text: str) -> bool:
    """Say whether a text has nothing in it but white space; quicker than to strip it."""
    return not text or text.isspace()


def user_text(instruction: str, given: str) -> str:
    """Return what a person would type: the instruction, and the input below it if there is one."""
    return f"{instruction}\n\n{given}" if not is_blank(given) else instruction
