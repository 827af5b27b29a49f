"""Exports: the pool as JSONL that trainers read."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from selfinstruct.errors import unknown_name
from selfinstruct.export.alpaca import alpaca
from selfinstruct.export.base import Row, rows
from selfinstruct.export.flan import flan
from selfinstruct.storage import replace_file
from selfinstruct.task import to_json

__all__ = ["FORMATS", "Row", "export"]

FORMATS: dict[str, Callable[[Row], msgspec.Struct]] = {"alpaca": alpaca, "flan": flan}


def export(
    run: Path, name: str, target: Path, *, with_seeds: bool = False, augmented: bool = True
) -> int:
    """Write the pool of a run in a format, augmented tasks after it; return how many rows it has.

    The file appears whole or not at all. Raises InputError for an unknown format.
    """
    if name not in FORMATS:
        raise unknown_name("export format", name, FORMATS)
    count = 0

    def lines() -> Iterator[bytes]:
        nonlocal count
        for row in rows(run, with_seeds=with_seeds, augmented=augmented):
            count += 1
            yield to_json(FORMATS[name](row)) + b"\n"

    replace_file(target, lines())
    return count
