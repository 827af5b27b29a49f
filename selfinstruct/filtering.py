"""A recipe on rows of any dataset: which it keeps, and why not the others.

Decides: what of a row is judged (each of its examples, then novelty among the rows that are kept),
and that a row goes whole. Does not know: how files are read or written, or what is printed.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from selfinstruct.novelty import Novelty
from selfinstruct.sift import Rejected, RuleSet, judge_whole
from selfinstruct.tables import TableRow
from selfinstruct.tables.shapes import Shape
from selfinstruct.task import Instance, Origin, Task, clean, new_task

FOUND = Origin(kind="found")
"""Of a task that is made of somebody's row, to be judged; it is written nowhere."""


class Near(msgspec.Struct, frozen=True):
    """The earlier row that one is too much like."""

    file: str
    row: int
    score: float


class Refusal(msgspec.Struct, frozen=True):
    """A row that a recipe refuses: where it stands, which rule, what that saw, and all of it."""

    file: str
    row: int
    rule: str
    detail: str
    columns: dict[str, Any]
    nearest: Near | None = None


class Passed(NamedTuple):
    """A row that stays."""

    row: TableRow


def verdicts(
    rows: Iterable[tuple[TableRow, Shape]],
    rules: RuleSet,
    novelty: Iterable[Novelty],
    language: str,
) -> Iterator[Passed | Refusal]:
    """Yield what becomes of each row, in order."""
    judges = list(novelty)
    places: list[tuple[str, int]] = []
    for row, shape in rows:
        tasks = examples(row.columns, shape, language)
        if refusal := _by_rules(tasks, rules):
            yield _refused(row, refusal.rule, refusal.detail)
            continue
        text = clean(shape.instruction_text(row.columns))
        for one in judges:
            if nearest := one.nearest(text):
                near = Near(*places[int(nearest.id)], nearest.score)
                detail = f"{one.measure} {nearest.score:.3f} with an earlier row"
                yield _refused(row, "novelty", detail, near)
                break
        else:
            for one in judges:
                one.add(str(len(places)), text)
            places.append((str(row.file), row.number))
            yield Passed(row)


def examples(columns: Mapping[str, Any], shape: Shape, language: str) -> list[Task]:
    """Return the examples of a row as tasks: one, or one for each exchange of a conversation.

    Where rows have instructions alone, they are drafts.
    """
    triples = shape.triples(columns)
    answered = len(shape.columns) > 1 or shape.kind == "turns"
    kind = columns.get("is_classification")
    grouped: dict[str, list[Instance]] = {}
    for one in triples:
        instance = Instance(clean(one.input), clean(one.output))
        grouped.setdefault(clean(one.instruction), []).append(instance)
    return [
        new_task(
            instruction,
            origin=FOUND,
            language=language,
            instances=tuple(instances) if answered else (),
            is_classification=kind if isinstance(kind, bool) else None,
        )
        for instruction, instances in grouped.items()
    ]


def _by_rules(tasks: Iterable[Task], rules: RuleSet) -> Rejected | None:
    """Return the first refusal of any example, None where there is none."""
    verdicts = (judge_whole(task, rules, "filter") for task in tasks)
    return next((one for one in verdicts if isinstance(one, Rejected)), None)


def _refused(row: TableRow, rule: str, detail: str, nearest: Near | None = None) -> Refusal:
    return Refusal(str(row.file), row.number, rule, detail, row.columns, nearest)
