"""Rows in Excel files, by polars and fastexcel (the extra `excel`), imported when one is read.

Decides: which cells of the first sheet are the header and which the rows, and how a number or a
date is text. Does not know: number formats (a cell that shows 50 % is 0.5), formulas (their last
value is read), or what the columns mean.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfinstruct.errors import InputError
from selfinstruct.tables.base import Seen, TableRow, opened

if TYPE_CHECKING:
    import polars as pl

Cells = tuple[str | None, ...]

_DAY = " 00:00:00"
_HOUR = "1899-12-31 "
"""How a date without a time of day, and a time of day without a date, come out of the reader."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
"""How an .xls begins, and a protected .xlsx, which is packed in such a file."""


def read_excel(path: Path, seen: Seen | None = None) -> Iterator[TableRow]:
    """Yield the rows of the first sheet below its header, all values as text.

    `number` is the row of the sheet. Empty rows are none; nor are titles: rows with one cell
    above a header that has several. The whole sheet is in memory.
    """
    with opened(path) as data:
        start = data.read(len(_OLE))
    if not start:
        raise InputError(f"{path}: the file is empty", hint="expected rows")
    rows = _texts(path, start)
    header: list[str] = []
    for number, row in _below_titles(rows):
        if not header:
            header = _header(path, number, row, rows)
            continue
        # Beyond the last column there is nothing in any row.
        columns = {name: cell or "" for name, cell in zip(header, row, strict=False)}
        yield TableRow(file=path, number=number, columns=columns, form="excel")
    if seen:
        seen(path.stat().st_size)


def _below_titles(rows: list[Cells]) -> Iterator[tuple[int, Cells]]:
    """Yield the rows that hold something, from the header on, with their numbers."""
    filled = [(n, row) for n, row in enumerate(rows, 1) if any(map(_is_filled, row))]
    widths = [sum(map(_is_filled, row)) for _, row in filled]
    first = 0
    if any(width > 1 for width in widths):
        first = next(place for place, width in enumerate(widths) if width > 1)
    yield from filled[first:]


def _header(path: Path, number: int, row: Cells, rows: list[Cells]) -> list[str]:
    """Return the names of the columns; one without a name that holds something gets one."""
    last = max(place for one in rows for place, cell in enumerate(one, 1) if _is_filled(cell))
    names = [(cell or "").strip() or f"column {place}" for place, cell in enumerate(row[:last], 1)]
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        hint = "rename one of them"
        raise InputError(f"{path}:{number}: the header names {twice[0]!r} twice", hint=hint)
    return names


def _is_filled(cell: str | None) -> bool:
    return bool(cell and cell.strip())


def _texts(path: Path, start: bytes) -> list[Cells]:
    """Return all cells of the first sheet as text; those that are dates as a person sees them."""
    with _refusing(path, start):
        rows: list[Cells] = _cells(path, "string").rows()
        if not any(cell and _MOMENT.fullmatch(cell) for row in rows for cell in row):
            return rows
        # A text that reads like a moment stays: only what Excel holds as one has a value here.
        moments = _cells(path, "datetime").rows()
    return [
        tuple(
            _moment(cell) if cell and moment and _MOMENT.fullmatch(cell) else cell
            for cell, moment in zip(row, values, strict=True)
        )
        for row, values in zip(rows, moments, strict=True)
    ]


def _moment(cell: str) -> str:
    """Return a date without midnight, and a time of day without the day it is counted from."""
    return cell.removesuffix(_DAY) if cell.endswith(_DAY) else cell.removeprefix(_HOUR)


def _cells(path: Path, kind: str) -> "pl.DataFrame":
    """Read the first sheet from its first row on, every cell as one type, null if it is none."""
    import polars as pl  # noqa: PLC0415 (slow to import)

    return pl.read_excel(
        path,
        engine="calamine",
        has_header=False,
        drop_empty_rows=False,
        drop_empty_cols=False,
        raise_if_empty=False,
        read_options={"skip_rows": 0, "dtypes": kind},
    )


@contextmanager
def _refusing(path: Path, start: bytes) -> Iterator[None]:
    """Turn what the reader says of a file into an error of the user's."""
    from polars import exceptions  # noqa: PLC0415 (slow to import)

    try:
        import fastexcel  # noqa: PLC0415 (an extra)
    except ImportError as error:
        hint = "pip install 'selfinstruct[excel]', or save the sheet as CSV"
        message = f"{path}: reading Excel needs the package fastexcel"
        raise InputError(message, hint=hint) from error

    panic: Any = exceptions.PanicException
    try:
        yield
    except (fastexcel.FastExcelError, exceptions.PolarsError, panic, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        is_new = path.suffix.lower() != ".xls"
        if "assword" in str(error) or (is_new and start == _OLE):
            hint = "save it as .xlsx without a password, or as CSV"
            message = f"{path}: protected with a password, or an old .xls under this name"
            raise InputError(message, hint=hint) from error
        hint = "save it again as .xlsx or CSV; if it is of another format, say so: --format csv, …"
        raise InputError(f"{path}: not an Excel file: {reason}", hint=hint) from error
