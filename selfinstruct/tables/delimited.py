"""Rows in CSV and TSV, as RFC 4180 has them: quotes, newlines in quotes, a header.

Decides: what a row is, and when a row can be copied byte for byte. Does not know: what the
columns mean; every value is text.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from selfinstruct.errors import InputError
from selfinstruct.tables.base import (
    BOM,
    NOT_UTF8,
    RowError,
    Seen,
    TableRow,
    as_text,
    not_utf8,
    opened,
)

DELIMITERS = {"csv": ",", "tsv": "\t"}

MAX_FIELD = 1 << 26
"""Characters of one value. The csv module's own bound is 131,072, and shorter than some answers."""

HINT = "quote a value that holds the delimiter, a quote or a newline; double the quotes inside it"


def read_delimited(
    form: str, path: Path, seen: Seen | None = None
) -> Iterator[TableRow | RowError]:
    """Yield the rows below the header; empty lines are no rows."""
    # The bound is one of the whole process: raised, and never lowered under another reader.
    csv.field_size_limit(max(MAX_FIELD, csv.field_size_limit()))
    with opened(path, seen) as data:
        taken = _Taken()
        lines = csv.reader(taken.lines(data), delimiter=DELIMITERS[form], strict=True)
        header: list[str] = []
        while True:
            taken.clear()
            number = lines.line_num + 1
            try:
                fields, problem = next(lines), ""
            except StopIteration:
                return
            except csv.Error as error:
                fields, problem = [], f"not {form}: {error}{taken.extent()}"
            if not problem and header and fields and len(fields) != len(header):
                problem = f"{len(fields)} values where the header has {len(header)}"
            fault = taken.fault(path, number, problem)
            if not header:
                header = _header(path, number, fields, fault)
            elif fault:
                yield fault
            elif fields:
                columns = dict(zip(header, fields, strict=True))
                raw = b"".join(taken.rows)
                yield TableRow(file=path, number=number, columns=columns, raw=raw, form=form)


def write_delimited(form: str, rows: Iterable[TableRow]) -> Iterator[bytes]:
    """Yield a header, the columns of the first row, and a line for each row.

    A row of the same form and columns keeps its bytes. A column that the header lacks is an
    error: leaving it out would lose something.
    """
    header: list[str] = []
    end = b"\n"
    for row in rows:
        if not header:
            header = list(row.columns)
            end = b"\r\n" if row.form == form and row.raw.endswith(b"\r\n") else b"\n"
            yield _line(form, header, row) + end
        if row.form == form and list(row.columns) == header:
            yield row.raw if row.raw.endswith(b"\n") else row.raw + end
            continue
        if more := [name for name in row.columns if name not in header]:
            message = f"{row.place()}: column {more[0]!r} is not in the first row, so not in the"
            raise InputError(f"{message} {form} header", hint="write JSONL: --output FILE.jsonl")
        values = [as_text(row.columns.get(name)) for name in header]
        yield _line(form, values, row) + end


class _Taken:
    """The bytes of the lines that the reader took for a row, and which of them are no UTF-8."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self._broken: tuple[int, UnicodeDecodeError] | None = None

    def lines(self, data: IO[bytes]) -> Iterator[str]:
        """Yield lines as text."""
        for number, line in enumerate(data, 1):
            plain = line.removeprefix(BOM) if number == 1 else line
            self.rows.append(plain)
            try:
                text = plain.decode("utf-8")
            except UnicodeDecodeError as error:
                self._broken = self._broken or (number, error)
                text = plain.decode("utf-8", "replace")  # its row is refused, when that is whole
            yield text

    def clear(self) -> None:
        """Forget the row before."""
        self.rows.clear()
        self._broken = None

    def extent(self) -> str:
        """Say how many lines there are, if it is not one."""
        return f" ({len(self.rows)} lines from here)" if len(self.rows) > 1 else ""

    def fault(self, path: Path, number: int, problem: str) -> RowError | None:
        """Return what is wrong with the row that begins at a line, None if nothing is."""
        raw = b"".join(self.rows) if problem or self._broken else b""
        if self._broken:
            line, error = self._broken
            return RowError(path, line, not_utf8(error), hint=NOT_UTF8, raw=raw)
        return RowError(path, number, problem, hint=HINT, raw=raw) if problem else None


def _header(path: Path, number: int, names: list[str], fault: RowError | None) -> list[str]:
    """Check the names of the columns; without them nothing that follows can be told."""
    if fault:
        raise fault
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        hint = "rename one of them"
        raise InputError(f"{path}:{number}: the header names {twice[0]!r} twice", hint=hint)
    return names


def _line(form: str, values: list[str], row: TableRow) -> bytes:
    """Return one line without its end."""
    # With this line end the writer quotes a lone carriage return too; it is cut off again.
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=DELIMITERS[form], lineterminator="\r\n").writerow(values)
    try:
        return text.getvalue().removesuffix("\r\n").encode("utf-8")
    except UnicodeEncodeError as error:
        message = f"{row.place()}: half a character (a lone surrogate), which {form} cannot hold"
        raise InputError(message, hint="write JSONL: --output FILE.jsonl") from error
