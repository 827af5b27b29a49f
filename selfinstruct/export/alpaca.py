"""Alpaca rows: instruction, input, output.

Decides: the names and order of the fields. Trainers that read alpaca files ignore the others.
"""

from collections.abc import Iterator

import msgspec

from selfinstruct.export.base import Row, Source


class AlpacaRow(msgspec.Struct, frozen=True):
    """One line of an alpaca export."""

    instruction: str
    input: str
    output: str
    id: str
    source: Source


def alpaca(row: Row) -> Iterator[AlpacaRow]:
    """Turn a row into an alpaca line: the texts exactly as they are in the pool."""
    yield AlpacaRow(
        instruction=row.task.instruction,
        input=row.instance.input,
        output=row.instance.output,
        id=row.id,
        source=row.source,
    )
