"""Examples to seeds: rows of one instruction become one seed with several instances.

Decides: which rows belong together, what is left out of them and counted, and the bytes of a
seed file. Does not know: how a row is read, or where the bytes go.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from selfinstruct.errors import InputError
from selfinstruct.importing.layout import Layout, find_layout
from selfinstruct.importing.rows import Example, example
from selfinstruct.seeds import MAX_LINE, SeedLine, seed_fault
from selfinstruct.tables import RowError, TableRow
from selfinstruct.task import Instance, task_id, to_json

FIRST = 100
"""Rows that show which shape a file has."""

NOTES = {
    "duplicates": "instances left out, equal to an earlier one of the same instruction",
    "too many": f"instances left out, whose seed would be longer than {MAX_LINE:,} bytes",
    "later": "later exchanges of conversations left out (a seed is the first)",
    "system": "system turns left out",
    "unclear": "rows taken for no classification, where the column says neither yes nor no",
    "ids": "ids left out, used before",
}
"""What is counted of good rows, in words."""


class RowFault(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row that is no seed: where it stands, what is wrong, and its columns or its bytes."""

    file: str
    row: int
    message: str
    columns: dict[str, Any] | None = None
    raw: str = ""


class Defaults(msgspec.Struct, frozen=True):
    """What seeds have where their rows do not say."""

    classification: bool = False
    category: str = ""
    language: str = ""


class _Seed(msgspec.Struct):
    """A seed that grows: what it is, its instances in order, and its length as a line."""

    line: SeedLine
    instances: dict[Instance, None]
    size: int


class Seeds:
    """Seeds in order of first appearance, at most `limit` of them; `counts` has NOTES."""

    def __init__(self, defaults: Defaults, limit: int | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self.is_full = False
        self._defaults = defaults
        self._limit = limit
        self._seeds: dict[str, _Seed] = {}
        self._ids: set[str] = set()

    def __len__(self) -> int:
        return len(self._seeds)

    @property
    def instances(self) -> int:
        """Return how many instances all seeds have."""
        return sum(len(seed.instances) for seed in self._seeds.values())

    def add(self, found: Example, place: str) -> None:
        """Add a row's example to its seed, or begin one; `place` is its name if it has none.

        Raises InputError for one that no seed file can hold. Where there are `limit` seeds and
        this would be one more, it is left out, and `is_full` says so.
        """
        key = task_id(found.instruction)
        seed = self._seeds.get(key) or self._begun(found, place)
        if key not in self._seeds:
            self._check(seed.line, found)
            if self._limit is not None and len(self._seeds) >= self._limit:
                self.is_full = True
                return
            self._seeds[key] = seed
            self._ids.add(seed.line.id)
            self.counts["ids"] += seed.line.id != found.id
        for instance in found.instances:
            size = len(to_json(instance)) + 1
            if instance in seed.instances:
                self.counts["duplicates"] += 1
            elif seed.size + size > MAX_LINE:
                self.counts["too many"] += 1
            else:
                seed.instances[instance] = None
                seed.size += size
        for note, count in (("later", found.later), ("system", found.system)):
            self.counts[note] += count
        self.counts["unclear"] += found.is_unclear

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of the seed file."""
        for seed in self._seeds.values():
            line = msgspec.structs.replace(seed.line, instances=tuple(seed.instances))
            yield to_json(line) + b"\n"

    def _begun(self, found: Example, place: str) -> _Seed:
        own_id = "" if found.id in self._ids else found.id
        line = SeedLine(
            instruction=found.instruction,
            instances=(),
            is_classification=found.is_classification or self._defaults.classification,
            id=own_id,
            name=found.name or ("" if own_id else place),
            category=found.category or self._defaults.category,
            language=found.language or self._defaults.language,
        )
        return _Seed(line, {}, len(to_json(line)) + 1)

    def _check(self, line: SeedLine, found: Example) -> None:
        """Refuse what `seeds check` would refuse."""
        whole = msgspec.structs.replace(line, instances=found.instances)
        if fault := seed_fault(whole):
            raise InputError(fault)
        if (size := len(to_json(whole)) + 1) > MAX_LINE:
            raise InputError(f"over-long: its seed has {size:,} bytes; at most {MAX_LINE:,} fit")


def gather(
    found: Iterable[TableRow | RowError],
    columns: Mapping[str, str],
    seeds: Seeds,
    told: Callable[[Path, Layout], object],
) -> Iterator[RowFault | None]:
    """Put the rows of one file into `seeds`, and yield for each row its fault, or None.

    `told` is called once, with what the columns were found to mean.
    """
    rows = iter(found)
    first = list(islice(rows, FIRST))
    readable = [row for row in first if isinstance(row, TableRow)]
    layout: Layout | None = None
    for row in chain(first, rows):
        if isinstance(row, RowError):
            raw = row.raw.decode("utf-8", "replace")
            yield RowFault(str(row.file), row.number, row.problem, raw=raw)
            continue
        if layout is None:
            layout = find_layout(readable or [row], columns)
            told(row.file, layout)
        try:
            seeds.add(example(row.columns, layout), f"{row.file.name}:{row.number}")
        except InputError as error:
            yield RowFault(str(row.file), row.number, str(error), columns=row.columns)
        else:
            if seeds.is_full:
                return
            yield None
