"""Rows in JSON: one object a line, or one list of objects.

Decides: what a row is, and that its bytes are kept, so that what JSON libraries disagree about
(half characters, NaN, numbers of a hundred digits, a key given twice) is copied and not
rewritten. Does not know: what the columns mean.
"""

import json
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from selfinstruct.errors import InputError
from selfinstruct.tables.base import (
    BOM,
    NOT_UTF8,
    RowError,
    Seen,
    TableRow,
    not_utf8,
    opened,
)
from selfinstruct.task import to_json

MAX_LINE = 1 << 26
"""Bytes of one line: beyond 64 MiB it is no row but a file of another kind."""

_SHOWN = 1000
"""Bytes of an over-long line that are kept, to tell which it is."""

HINT = 'a row is one line: {"instruction": …, "output": …}'

_DECODER = msgspec.json.Decoder()
_STANDARD = json.JSONDecoder()
_SPACE = " \t\r\n"


def read_lines(path: Path, seen: Seen | None = None) -> Iterator[TableRow | RowError]:
    """Yield the rows of a file that has one object a line; lines of white space are no rows."""
    with opened(path, seen) as data:
        yield from _rows(path, iter(partial(data.readline, MAX_LINE + 1), b""), 1)


def read_list(path: Path, seen: Seen | None = None) -> Iterator[TableRow | RowError]:
    """Yield the rows of a `.json` file: a list of objects, or in truth one object a line."""
    with opened(path, seen) as data:
        blank = 0
        first = b""
        for line in data:
            if line.removeprefix(BOM).strip():
                first = line
                break
            blank += 1
        if first.removeprefix(BOM).lstrip().startswith(b"["):
            yield from _items(path, b"\n" * blank + first.removeprefix(BOM) + data.read())
        elif first:
            yield from _rows(path, chain([first], data), blank + 1)


def write_lines(rows: Iterable[TableRow]) -> Iterator[bytes]:
    """Yield one line for each row: the very bytes it had in JSON, else its columns."""
    for row in rows:
        yield _object(row) + b"\n"


def write_list(rows: Iterable[TableRow]) -> Iterator[bytes]:
    """Yield a list of all rows, each as it was."""
    before = b"[\n"
    for row in rows:
        yield before + (row.raw.strip() if row.form == "json" else _object(row))
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


def _object(row: TableRow) -> bytes:
    """Return a row as JSON on one line."""
    if row.form == "jsonl":
        return row.raw
    if row.form == "json":
        # White space between the tokens of JSON can go; a newline inside a text is escaped.
        return b"".join(part.strip() for part in row.raw.splitlines())
    return to_json(row.columns)


def _rows(path: Path, lines: Iterable[bytes], first: int) -> Iterator[TableRow | RowError]:
    """Decode lines, numbered from `first`; one that is cut at MAX_LINE goes on in the next."""
    number = first
    is_rest = False
    for line in lines:
        is_whole = line.endswith(b"\n") or len(line) <= MAX_LINE
        if not is_rest:
            if is_whole:
                found = _row(path, number, line.removeprefix(BOM) if number == 1 else line)
                if found is not None:
                    yield found
            else:
                problem = f"the line is longer than {MAX_LINE:,} bytes"
                yield RowError(path, number, problem, hint=HINT, raw=line[:_SHOWN])
        number += is_whole
        is_rest = not is_whole


def _row(path: Path, number: int, line: bytes) -> TableRow | RowError | None:
    """Decode one line; None where it holds nothing."""
    raw = line.removesuffix(b"\n")
    if not raw or raw.isspace():
        return None
    try:
        columns = _checked(_decoded(raw))
    except _NotARowError as error:
        return RowError(path, number, str(error), hint=error.hint, raw=raw)
    return TableRow(path, number, columns, raw, "jsonl")


class _NotARowError(InputError):
    """What is wrong with one row, without its place."""


def _decoded(raw: bytes) -> object:
    """Decode one line; the standard library takes what the quick decoder will not."""
    try:
        return _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _STANDARD.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _NotARowError(not_utf8(error), hint=NOT_UTF8) from error
    except (ValueError, RecursionError) as error:
        raise _NotARowError(f"not JSON: {error}", hint=HINT) from error


def _checked(value: object) -> dict[str, Any]:
    """Return a decoded row, if it is an object."""
    if not isinstance(value, dict):
        raise _NotARowError(f"expected an object, got {type(value).__name__}", hint=HINT)
    return value


def _items(path: Path, data: bytes) -> Iterator[TableRow | RowError]:
    """Decode the objects of a list one by one; what stands between them is checked too."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {not_utf8(error)}", hint=NOT_UTF8) from error
    place = _after_space(text, text.index("[") + 1)
    number = 0
    while not text.startswith("]", place):
        if number:
            _expect(path, text, place, ",")
            place = _after_space(text, place + 1)
        number += 1
        start = place
        try:
            value, place = _STANDARD.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            where = f"{path}:{text.count(chr(10), 0, getattr(error, 'pos', start)) + 1}"
            raise InputError(f"{where}: not JSON: {error}", hint="expected [{…}, {…}]") from error
        raw = text[start:place].encode()
        try:
            columns = _checked(value)
        except _NotARowError as error:
            item = f"{path}: item {number}"
            yield RowError(path, number, str(error), hint=error.hint, raw=raw, place=item)
        else:
            yield TableRow(file=path, number=number, columns=columns, raw=raw, form="json")
        place = _after_space(text, place)
    if (rest := _after_space(text, place + 1)) < len(text):
        _expect(path, text, rest, "the end")


def _expect(path: Path, text: str, place: int, what: str) -> None:
    """Refuse a list that goes on with something else."""
    if not text.startswith(what, place):
        line = text.count("\n", 0, place) + 1
        found = repr(text[place : place + 10]) if place < len(text) else "the end of the file"
        message = f"{path}:{line}: not JSON: expected {what}, found {found}"
        raise InputError(message, hint="expected one list: [{…}, {…}]; is the file cut short?")


def _after_space(text: str, place: int) -> int:
    """Return the place of the next character that is not white space."""
    while place < len(text) and text[place] in _SPACE:
        place += 1
    return place
