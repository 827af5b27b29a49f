"""Raw rows: a task a line, with all that is known of it.

Decides: the columns. What has no fixed form is JSON in a text, so that every column has one type.
"""

from collections.abc import Iterator

import msgspec

from selfinstruct.export.base import Row
from selfinstruct.task import Instance, to_json


class RawRow(msgspec.Struct, frozen=True):
    """One line of a raw export: a task with all its instances.

    `is_classification` is false also where it is not known. `origin`, `judgements` and
    `difficulties` are JSON, the last two "[]" where nothing was asked or measured.
    """

    id: str
    instruction: str
    instances: tuple[Instance, ...]
    is_classification: bool
    language: str
    category: str
    origin: str
    judgements: str
    difficulties: str


def raw(row: Row) -> Iterator[RawRow]:
    """Turn the first row of a task into its line; the others are in it already."""
    task = row.task
    if row.number:
        return
    yield RawRow(
        id=task.id,
        instruction=task.instruction,
        instances=task.instances,
        is_classification=bool(task.is_classification),
        language=task.language,
        category=task.category,
        origin=_json(task.origin),
        judgements=_json(task.judgements or ()),
        difficulties=_json(task.difficulties or ()),
    )


def _json(value: object) -> str:
    return to_json(value).decode()
