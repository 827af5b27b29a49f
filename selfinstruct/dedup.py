"""Near-duplicates out of rows: of those that are alike, the first is kept.

Decides: the order (first come, first kept), which text of a row is compared, what happens to
rows without text, and what is remembered of each row. Does not know: how likeness is judged
(that is a judge of `novelty`), how files are read and written, or what is printed.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple, Self

import msgspec

from selfinstruct.novelty.base import Match, Novelty
from selfinstruct.tables import TableRow
from selfinstruct.tables.shapes import Shape, shaped
from selfinstruct.task import clean, folded, to_json

BATCH = 1024
"""Rows that are judged in one go."""


class Place(msgspec.Struct, frozen=True):
    """Where a row stands: see `TableRow.number`."""

    file: str
    row: int


class Kept(msgspec.Struct, frozen=True):
    """A row that is like none before it, or one without text to compare."""

    row: TableRow
    blank: bool = False


class Duplicate(msgspec.Struct, frozen=True):
    """A row that is like an earlier one. The texts are what was compared, if they were asked for.

    `why` says what the earlier row had over this one: it "came first", or is "known already".
    """

    dropped: Place
    kept: Place
    score: float
    by: str
    why: str
    dropped_text: str = ""
    kept_text: str = ""


class Compared(NamedTuple):
    """A row, and the text by which it is compared."""

    row: TableRow
    text: str


class Exact:
    """A judge that knows equal texts only: equal but for white space and Unicode form."""

    measure = "equality"

    def __init__(self) -> None:
        self._ids: dict[bytes, str] = {}

    def nearest(self, text: str) -> Match | None:
        """Return the first equal text."""
        found = self._ids.get(_digest(text))
        return None if found is None else Match(found, 1.0)

    def add(self, id: str, text: str) -> None:  # noqa: A002 (the field's name)
        """Remember a text; of equal ones, the first."""
        self._ids.setdefault(_digest(text), id)

    def add_all(self, texts: Iterable[tuple[str, str]]) -> None:
        """Remember (id, text) pairs, in order."""
        for name, text in texts:
            self.add(name, text)

    def admit(self, texts: Sequence[tuple[str, str]]) -> list[Match | None]:
        """Judge (id, text) pairs in order; remember those that match nothing before them."""
        found: list[Match | None] = []
        for name, text in texts:
            found.append(self.nearest(text))
            self.add(name, text)
        return found


def _digest(text: str) -> bytes:
    """Return 128 bits of a text, as `task_id` folds it."""
    return blake2b(folded(text).encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Register:
    """Where each row stands that a judge was shown, and its text where a report needs it.

    A row costs some twenty bytes of memory; the texts lie in a temporary file.
    """

    def __init__(self, *, texts: bool = False) -> None:
        self._files: list[Path] = []
        self._file = array("L")
        self._row = array("Q")
        self._start = array("Q", [0])
        self._texts = TemporaryFile() if texts else None  # noqa: SIM115 (closed with us)

    def note(self, row: TableRow, text: str) -> str:
        """Write down a row, and return the id that a judge knows it by."""
        if not self._files or self._files[-1] != row.file:
            self._files.append(row.file)
        self._file.append(len(self._files) - 1)
        self._row.append(row.number)
        if self._texts:
            self._texts.seek(self._start[-1])
            written = self._texts.write(clean(text).encode())
            self._start.append(self._start[-1] + written)
        return str(len(self._row) - 1)

    def place(self, name: str) -> Place:
        """Return where the row of an id stands."""
        number = int(name)
        return Place(str(self._files[self._file[number]]), self._row[number])

    def text(self, name: str) -> str:
        """Return the text of an id, "" if texts are not kept."""
        if not self._texts:
            return ""
        start, end = self._start[int(name)], self._start[int(name) + 1]
        self._texts.seek(start)
        return self._texts.read(end - start).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._texts:
            self._texts.close()


class Dedup:
    """A judge, what it was shown, and the rows without text, which no judge is shown.

    Of those only bytes are compared: two that are equal to the last byte are one.
    """

    def __init__(self, judge: Novelty, register: Register, *, by: str, batch: int = BATCH) -> None:
        self._judge = judge
        self._register = register
        self._by = by
        self._batch = batch
        self._known = 0
        self._blank = Exact()

    def know(self, rows: Iterable[Compared]) -> None:
        """Remember rows that count as known; all of them, also those like one another."""
        self._judge.add_all(self._noted(rows))

    def _noted(self, rows: Iterable[Compared]) -> Iterator[tuple[str, str]]:
        """Write down known rows; pass on those that have a text."""
        for row, text in rows:
            name = self._register.note(row, text)
            self._known += 1
            if text.strip():
                yield name, text
            else:
                self._blank.add(name, _bytes_of(row))

    def verdicts(self, rows: Iterable[Compared]) -> Iterator[Kept | Duplicate]:
        """Yield what becomes of each row, in order; the size of batches changes nothing."""
        rest = iter(rows)
        while batch := list(islice(rest, self._batch)):
            names = [self._register.note(row, text) for row, text in batch]
            shown = [
                (name, text) for name, (_, text) in zip(names, batch, strict=True) if text.strip()
            ]
            matches = iter(self._judge.admit(shown))
            for name, (row, text) in zip(names, batch, strict=True):
                blank = not text.strip()
                (match,) = (
                    self._blank.admit([(name, _bytes_of(row))]) if blank else (next(matches),)
                )
                yield self._duplicate(name, match) if match else Kept(row, blank=blank)

    def _duplicate(self, name: str, match: Match) -> Duplicate:
        return Duplicate(
            dropped=self._register.place(name),
            kept=self._register.place(match.id),
            score=match.score,
            by=self._by,
            why="known already" if int(match.id) < self._known else "came first",
            dropped_text=self._register.text(name),
            kept_text=self._register.text(match.id),
        )


def _bytes_of(row: TableRow) -> str:
    """Return a row as it stands in its file, in a form in which no two rows are folded."""
    return (row.raw or to_json(row.columns)).hex()


def compared(
    rows: Iterable[TableRow],
    *,
    columns: Sequence[str] = (),
    whole: bool = True,
    found: Callable[[TableRow, Shape], Any] | None = None,
) -> Iterator[Compared]:
    """Pair each row with its text: the named columns, else the whole row or its instruction.

    The first row of each file says which shape its rows have; `found` is told.
    """
    for row, shape in shaped(rows, columns, found):
        text = shape.row_text if whole else shape.instruction_text
        yield Compared(row, text(row.columns))
