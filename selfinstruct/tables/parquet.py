"""Rows in Parquet, by polars, which is imported when the first such file is.

Decides: how a file is read and written without holding all of it. Rows that stay Parquet are
not rebuilt from Python values: the file is read again and those kept are passed through, so
every type survives. Does not know: what the columns mean.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TYPE_CHECKING, Any

from selfinstruct.errors import InputError
from selfinstruct.tables.base import Seen, TableRow
from selfinstruct.task import to_json

if TYPE_CHECKING:
    import polars as pl

SLICE = 16_384
"""Rows in memory at a time while reading."""

GROUP = 50_000
"""Rows in a group of what is written: a group is in memory as a whole."""

_BLOCK = 1 << 20


def read_parquet(path: Path, seen: Seen | None = None) -> Iterator[TableRow]:
    """Yield the rows of a Parquet file, a slice at a time."""
    size = _size(path)
    with _refusing(path):
        frames = _scan(path)
        total = _height(frames)
    for start in range(0, total, SLICE):
        with _refusing(path):
            frame = frames.slice(start, SLICE).collect()
        for number, columns in enumerate(frame.iter_rows(named=True), start + 1):
            yield TableRow(file=path, number=number, columns=columns, form="parquet")
        if seen:
            done = min(start + SLICE, total)
            seen(size * done // total - size * start // total)


def write_parquet(rows: Iterable[TableRow], folder: Path | None = None) -> Iterator[bytes]:
    """Yield the bytes of a Parquet file.

    Rows of a Parquet file are marked, and passed through when all are known. Others lie in a
    temporary folder until their types are known; it is made in `folder`.
    """
    with (
        TemporaryDirectory(prefix=".selfinstruct-", dir=folder) as place,
        TemporaryFile(dir=place) as out,
    ):
        parts = [
            _marked(file, group) if file else _spooled(Path(place) / f"{number}.jsonl", group)
            for number, (file, group) in enumerate(groupby(rows, _parquet_file))
        ]
        with _refusing_to_write():
            import polars as pl  # noqa: PLC0415 (slow to import)

            same = all(part.collect_schema() == parts[0].collect_schema() for part in parts)
            whole = pl.concat(parts, how="vertical" if same else "diagonal_relaxed")
            whole.sink_parquet(out, row_group_size=GROUP)
        out.seek(0)
        while block := out.read(_BLOCK):
            yield block


def _parquet_file(row: TableRow) -> Path | None:
    """Return the Parquet file that a row can be passed through from."""
    return row.file if row.form == "parquet" else None


def _marked(path: Path, rows: Iterable[TableRow]) -> "pl.LazyFrame":
    """Return a file without the rows that are not among these."""
    import numpy as np  # noqa: PLC0415 (slow to import)
    import polars as pl  # noqa: PLC0415 (slow to import)

    with _refusing(path):
        frames = _scan(path)
        total = _height(frames)
        names = frames.collect_schema().names()
    keep = np.zeros(total, dtype=np.bool_)
    for row in rows:
        keep[row.number - 1] = True
    mark = "keep"
    while mark in names:
        mark += "_"
    marks = pl.LazyFrame({mark: keep})
    return pl.concat([frames, marks], how="horizontal").filter(pl.col(mark)).drop(mark)


def _spooled(path: Path, rows: Iterable[TableRow]) -> "pl.LazyFrame":
    """Put rows into a temporary file, whose types are then those of all its rows."""
    import polars as pl  # noqa: PLC0415 (slow to import)

    with path.open("wb") as out:
        for row in rows:
            try:
                out.write(to_json(row.columns) + b"\n")
            except UnicodeEncodeError as error:
                message = f"{row.place()}: half a character (a lone surrogate), which Parquet"
                hint = "write JSONL: --output FILE.jsonl"
                raise InputError(f"{message} cannot hold", hint=hint) from error
    with _refusing_to_write():
        return pl.scan_ndjson(path, infer_schema_length=None)


def _size(path: Path) -> int:
    """Return the size of a file, if it is one."""
    try:
        with path.open("rb") as data:
            if not data.read(1):
                raise InputError(f"{path}: the file is empty", hint="expected rows")
            return path.stat().st_size
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint="check the name") from error


def _scan(path: Path) -> "pl.LazyFrame":
    """Open one file; a name is a name, also with stars or "=" in it."""
    import polars as pl  # noqa: PLC0415 (slow to import)

    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


def _height(frames: "pl.LazyFrame") -> int:
    import polars as pl  # noqa: PLC0415 (slow to import)

    return int(frames.select(pl.len()).collect().item())


def _faults(*more: type[BaseException]) -> tuple[type[BaseException], ...]:
    """Return what polars raises, and `more`; damage it did not foresee is a panic, no Exception."""
    from polars import exceptions  # noqa: PLC0415 (slow to import)

    panic: Any = exceptions.PanicException
    return (exceptions.PolarsError, panic, *more)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn what polars says of a file into an error of the user's."""
    try:
        yield
    except _faults(OSError) as error:
        hint = "if it is of another format, say so: --format jsonl, csv, …"
        raise InputError(f"{path}: not a Parquet file: {_first_line(error)}", hint=hint) from error


@contextmanager
def _refusing_to_write() -> Iterator[None]:
    """Turn what polars says of rows that do not fit one schema into an error of the user's."""
    try:
        yield
    except _faults() as error:
        message = f"these rows do not fit one Parquet file: {_first_line(error)}"
        raise InputError(message, hint="write JSONL: --output FILE.jsonl") from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
