"""JSON rows: what is read is what stands there, and what is written is what was read."""

import json
from pathlib import Path
from typing import Any

import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import InputError
from selfinstruct.tables import TableRow, read, write

values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), strategies.texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(strategies.texts, inner, max_size=3)
    ),
    max_leaves=6,
)
objects = st.dictionaries(strategies.texts, values, max_size=4)
"""Any object that Python's json writes: half characters, NaN and huge numbers among them."""


def rows_of(path: Path, content: bytes, form: str = "jsonl") -> list[TableRow]:
    """Return the rows of a file with this content."""
    path.write_bytes(content)
    return list(read(path, form))


def same(left: object, right: object) -> bool:
    """Compare as JSON does: NaN is NaN, True is not 1."""
    return json.dumps(left) == json.dumps(right)


@given(
    st.lists(st.tuples(objects, st.booleans(), st.sampled_from(("\n", "\r\n", "\n\n"))), min_size=1)
)
def test_lines_come_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, given_rows: list[tuple[dict[str, Any], bool, str]]
) -> None:
    """A kept line has the bytes it had, however it was written, and its columns are read right."""
    lines = [
        (json.dumps(row, ensure_ascii=ascii_only, separators=(",", ":  ")), end)
        for row, ascii_only, end in given_rows
    ]
    content = "".join(line + end for line, end in lines)
    path = tmp_path_factory.getbasetemp() / "lines.jsonl"
    try:
        encoded = content.encode()
    except UnicodeEncodeError:
        with pytest.raises(InputError, match="not UTF-8"):
            rows_of(path, content.encode("utf-8", "surrogatepass"))
        return
    rows = rows_of(path, encoded)
    assert b"".join(write(rows, "jsonl")) == encoded.replace(b"\n\n", b"\n")
    for row, (expected, _, _) in zip(rows, given_rows, strict=True):
        assert same(row.columns, expected)
    numbers = [encoded[: encoded.index(row.raw)].count(b"\n") + 1 for row in rows[:1]]
    assert [row.number for row in rows[:1]] == numbers


@given(st.lists(objects, min_size=1), st.sampled_from((None, 0, 2, "\t")))
def test_lists_come_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory,
    given_rows: list[dict[str, Any]],
    indent: int | str | None,
) -> None:
    """An item of a list keeps its bytes in a list, and loses only white space in a line."""
    path = tmp_path_factory.getbasetemp() / "list.json"
    rows = rows_of(path, json.dumps(given_rows, indent=indent).encode(), "json")
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    again = rows_of(path, b"".join(write(rows, "json")), "json")
    assert [row.raw for row in again] == [row.raw for row in rows]
    lines = rows_of(path, b"".join(write(rows, "jsonl")))
    for line, row, expected in zip(lines, rows, given_rows, strict=True):
        assert b"\n" not in line.raw
        assert same(line.columns, expected)
        assert same(row.columns, expected)


def test_last_line_needs_no_end(tmp_path: Path) -> None:
    """A file that ends within its last line loses nothing, and gains a newline."""
    rows = rows_of(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"a": 1}\n\n  \n{"a": 2}')
    assert [(row.number, row.columns["a"]) for row in rows] == [(1, 1), (4, 2)]
    assert b"".join(write(rows, "jsonl")) == b'{"a": 1}\n{"a": 2}\n'


def test_json_file_of_lines_is_read_as_lines(tmp_path: Path) -> None:
    """A `.json` that holds one object a line is taken for what it is."""
    rows = rows_of(tmp_path / "a.json", b'\n{"a": 1}\n{"a": [2]}\n', "json")
    assert [(row.number, row.form) for row in rows] == [(2, "jsonl"), (3, "jsonl")]


def test_rows_of_other_forms_are_written_as_their_columns(tmp_path: Path) -> None:
    """A row that was no JSON becomes JSON, in a line and in a list, its columns in order."""
    row = TableRow(file=tmp_path, number=1, columns={"b": "é", "a": None}, form="csv", raw=b"x")
    assert b"".join(write([row], "jsonl")) == '{"b":"é","a":null}\n'.encode()
    assert b"".join(write([row, row], "json")).count(b'{"b":') == 2
    assert b"".join(write([], "json")) == b"[]\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"a": 1}\n{"a": \n', ":2: not JSON: "),
        (b'{"a": 1}\n[1]\n', ":2: expected an object, got list"),
        (b'"a"', ":1: expected an object, got str"),
        (b'{"a": "\xff"}', ":1: not UTF-8 at byte 8"),
        ('{"a": "é"}'.encode("utf-16"), ":1: not UTF-8 at byte 1"),
        (b"[" * 200_000 + b"\n", ":1: not JSON: "),
        (b'{"a": "\x01"}', ":1: not JSON: Invalid control character"),
        (b"{'a': 1}", ":1: not JSON: "),
        (b"PAR1", ":1: not JSON: "),
        (b'{"a": 1} {"a": 2}', ":1: not JSON: Extra data"),
        (b"", ": the file has no rows"),
        (b"\n \n", ": the file has no rows"),
        (b'{"a":"' + b"x" * (1 << 26) + b'"}', ":1: the line is longer than 67,108,864 bytes"),
    ],
    ids=range(13),
)
def test_bad_lines_are_named(content: bytes, says: str, tmp_path: Path) -> None:
    """What is no row is an error that names file and line, and has a hint."""
    with pytest.raises(InputError) as error:
        rows_of(tmp_path / "a.jsonl", content)
    assert str(error.value).startswith(f"{tmp_path / 'a.jsonl'}{says}")
    assert error.value.hint


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'[{"a": 1},\n{"a": }]', ":2: not JSON: "),
        (b'[{"a": 1}\n{"a": 2}]', ":2: not JSON: expected ,, found '{\"a\": 2}]'"),
        (b'[{"a": 1},\n', ":2: not JSON: "),
        (b'[\n{"a": 1}', ":2: not JSON: expected ,, found the end of the file"),
        (b'[{"a": 1}]\n[]', ":2: not JSON: expected the end, found '[]'"),
        (b'[{"a": 1}, 7]', ": item 2: expected an object, got int"),
        (b'[{"a": "\xff"}]', ": not UTF-8 at byte 9"),
        (b"[" * 200_000, ":1: not JSON: "),
        (b"[]", ": the file has no rows"),
        (b"\n", ": the file has no rows"),
        (b'{"data": [\n{"a": 1}]}', ":1: not JSON: "),
    ],
    ids=range(11),
)
def test_bad_lists_are_named(content: bytes, says: str, tmp_path: Path) -> None:
    """What is no list of rows is an error that names file and line or item."""
    with pytest.raises(InputError) as error:
        rows_of(tmp_path / "a.json", content, "json")
    assert str(error.value).startswith(f"{tmp_path / 'a.json'}{says}")
    assert error.value.hint
