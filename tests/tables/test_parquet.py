"""Parquet: every type survives, memory does not grow with the file, damage is an error."""

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from selfinstruct.errors import InputError
from selfinstruct.tables import TableRow, read, write
from selfinstruct.tables.parquet import SLICE


def rich(count: int) -> pl.DataFrame:
    """Return a frame with types that Python values would not bring back."""
    return pl.DataFrame(
        {
            "text": [f"row {number}" for number in range(count)],
            "turns": [[{"role": "user", "content": str(number)}] for number in range(count)],
            "when": pl.Series(range(count), dtype=pl.Int64).cast(pl.Datetime("ns")),
            "price": [Decimal(number) / 100 for number in range(count)],
            "small": pl.Series([number % 100 for number in range(count)], dtype=pl.UInt8),
            "kind": pl.Series(["a", "b"] * count, dtype=pl.Categorical)[:count],
            "bytes": [bytes([number % 256]) for number in range(count)],
            "keep": [None] * count,
            "real": [float("nan")] * count,
        }
    )


@pytest.mark.parametrize("count", [1, 10, SLICE, SLICE + 1])
def test_kept_rows_keep_every_type(count: int, tmp_path: Path) -> None:
    """From Parquet to Parquet the rows that are kept are those of the file, in order."""
    frame = rich(count)
    frame.write_parquet(tmp_path / "a.parquet", row_group_size=1000)
    rows = [row for row in read(tmp_path / "a.parquet", "parquet") if row.number % 3]
    (tmp_path / "b.parquet").write_bytes(b"".join(write(rows, "parquet", tmp_path / "b.parquet")))
    numbers = pl.Series(range(1, count + 1))
    assert_frame_equal(pl.read_parquet(tmp_path / "b.parquet"), frame.filter(numbers % 3 != 0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet"]


def test_files_follow_one_another(tmp_path: Path) -> None:
    """Rows of several files lie in one, in order; columns that one lacks are empty there."""
    frame = rich(5)
    frame.write_parquet(tmp_path / "a=1 [x]*.parquet")
    frame.drop("price").write_parquet(tmp_path / "b.parquet")
    paths = [tmp_path / "a=1 [x]*.parquet", tmp_path / "b.parquet"]
    rows = [row for path in paths for row in read(path, "parquet")]
    assert [row.number for row in rows] == [*range(1, 6)] * 2
    (tmp_path / "c.parquet").write_bytes(b"".join(write(rows, "parquet")))
    expected = pl.concat([frame, frame.drop("price")], how="diagonal")
    assert_frame_equal(pl.read_parquet(tmp_path / "c.parquet"), expected)


def test_rows_of_other_forms_stand_among_those_of_parquet(tmp_path: Path) -> None:
    """Files of several forms become one Parquet file, their rows in order, types untouched."""
    frame = pl.DataFrame({"text": ["a", "b"], "n": pl.Series([1, 2], dtype=pl.UInt8)})
    frame.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.jsonl").write_bytes(b'{"text": "c"}\n')
    paths = [(tmp_path / "a.parquet", "parquet"), (tmp_path / "b.jsonl", "jsonl")]
    rows = [row for path, form in paths for row in read(path, form)]
    (tmp_path / "c.parquet").write_bytes(b"".join(write(rows, "parquet")))
    found = pl.read_parquet(tmp_path / "c.parquet")
    assert found.rows() == [("a", 1), ("b", 2), ("c", None)]
    assert found.schema == frame.schema


objects = st.fixed_dictionaries(
    {"instruction": strategies.sentences, "output": strategies.written},
    optional={"input": strategies.sentences},
)


@settings(max_examples=25)
@given(st.lists(objects, min_size=1, max_size=20))
def test_text_survives_in_parquet(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[dict[str, str]]
) -> None:
    """Texts go from JSONL to Parquet and back; a column that a row lacks is null."""
    path = tmp_path_factory.getbasetemp() / "text.parquet"
    rows = [TableRow(file=path, number=n, columns=one) for n, one in enumerate(wanted, 1)]
    path.write_bytes(b"".join(write(rows, "parquet")))
    found = [row.columns for row in read(path, "parquet")]
    names = dict.fromkeys(name for one in wanted for name in one)
    assert found == [{name: one.get(name) for name in names} for one in wanted]


def test_types_are_those_of_all_rows(tmp_path: Path) -> None:
    """A number that is whole in the first rows and broken in the last is broken in all."""
    rows = [
        TableRow(file=tmp_path, number=1, columns={"a": 1, "t": [{"role": "user"}]}),
        TableRow(file=tmp_path, number=2, columns={"a": 2.5, "t": [{"role": "x", "name": "y"}]}),
    ]
    (tmp_path / "a.parquet").write_bytes(b"".join(write(rows, "parquet")))
    first, second = (row.columns for row in read(tmp_path / "a.parquet", "parquet"))
    assert first == {"a": 1.0, "t": [{"role": "user", "name": None}]}
    assert second == rows[1].columns


@pytest.mark.parametrize(
    "columns", [[{"a": {}}], [{"a": True}, {"a": 1}], [{"a": "\ud800"}]], ids=["{}", "bool", "half"]
)
def test_rows_that_fit_no_schema_are_refused(columns: list[dict[str, Any]], tmp_path: Path) -> None:
    """What Parquet cannot hold is an error with the way out, and leaves no folder behind."""
    rows = [TableRow(file=tmp_path, number=n, columns=one) for n, one in enumerate(columns, 1)]
    with pytest.raises(InputError, match=r"do not fit|half a character") as error:
        list(write(rows, "parquet", tmp_path / "a.parquet"))
    assert "JSONL" in error.value.hint
    assert list(tmp_path.iterdir()) == []


def test_an_error_among_the_rows_leaves_nothing_behind(tmp_path: Path) -> None:
    """A stop in the middle takes its temporary folder with it."""

    def broken() -> Iterator[TableRow]:
        yield TableRow(file=tmp_path, number=1, columns={"a": "1"})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(write(broken(), "parquet", tmp_path / "a.parquet"))
    assert list(tmp_path.iterdir()) == []


def test_parquet_becomes_json(tmp_path: Path) -> None:
    """In JSON a date is its ISO form, bytes are base 64, a list of turns is a list of objects."""
    frame = pl.DataFrame({"t": [[{"role": "user"}]], "d": [datetime(2020, 1, 2)], "b": [b"\xff"]})  # noqa: DTZ001
    frame.write_parquet(tmp_path / "a.parquet")
    (line,) = write(read(tmp_path / "a.parquet", "parquet"), "jsonl")
    assert json.loads(line) == {"t": [{"role": "user"}], "d": "2020-01-02T00:00:00", "b": "/w=="}


def test_progress_ends_at_the_size(tmp_path: Path) -> None:
    """What is counted while reading adds up to the bytes of the file."""
    path = tmp_path / "a.parquet"
    rich(2 * SLICE + 7).write_parquet(path)
    seen: list[int] = []
    assert sum(1 for _ in read(path, "parquet", seen=seen.append)) == 2 * SLICE + 7
    assert len(seen) == 3
    assert sum(seen) == path.stat().st_size


@pytest.mark.parametrize("content", [b"", b"PAR1", b'{"a": 1}\n', b"PAR1" + b"\0" * 40 + b"PAR1"])
def test_what_is_no_parquet_file_is_named(content: bytes, tmp_path: Path) -> None:
    """A file of another kind, or cut short, is an error with file and hint."""
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"not a Parquet file|empty") as error:
        list(read(path, "parquet"))
    assert str(path) in str(error.value)
    assert error.value.hint


def test_a_file_without_rows_is_named(tmp_path: Path) -> None:
    """A table of no rows is an error, as in every form."""
    pl.DataFrame({"a": pl.Series([], dtype=pl.String)}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="has no rows"):
        list(read(tmp_path / "a.parquet", "parquet"))
