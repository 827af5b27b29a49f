"""CSV and TSV: what RFC 4180 allows is read, what is kept is copied, nothing falls off the end."""

import csv
import io
from pathlib import Path

import pytest
import strategies
from hypothesis import example, given
from hypothesis import strategies as st

from selfinstruct.errors import InputError
from selfinstruct.tables import TableRow, read, write

cells = st.one_of(
    strategies.sentences,
    strategies.written,
    st.text(st.sampled_from("\r\n\t\",;' a")),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
names = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\ufeff"), min_size=1, max_size=5),
    min_size=1,
    max_size=4,
    unique=True,
)
forms = st.sampled_from(("csv", "tsv"))


def rows_of(path: Path, content: bytes, form: str = "csv") -> list[TableRow]:
    """Return the rows of a file with this content."""
    path.write_bytes(content)
    return list(read(path, form))


@given(names, st.data(), forms)
def test_values_survive_any_chain_of_forms(
    tmp_path_factory: pytest.TempPathFactory, header: list[str], data: st.DataObject, form: str
) -> None:
    """Text goes from JSONL to CSV or TSV and back to JSONL without losing a character."""
    row = st.fixed_dictionaries(dict.fromkeys(header, cells))
    path = tmp_path_factory.getbasetemp() / "rows"
    expected = data.draw(st.lists(row, min_size=1, max_size=4))
    rows = [TableRow(file=path, number=n, columns=one) for n, one in enumerate(expected, 1)]
    first = rows_of(path, b"".join(write(rows, "jsonl")), "jsonl")
    second = rows_of(path, b"".join(write(first, form)), form)
    assert [one.columns for one in second] == expected
    third = rows_of(path, b"".join(write(second, "jsonl")), "jsonl")
    assert [one.columns for one in third] == expected


@given(
    names,
    st.data(),
    forms,
    st.sampled_from((csv.QUOTE_ALL, csv.QUOTE_MINIMAL)),
    st.sampled_from(("\r\n", "\n")),
)
def test_rows_are_copied_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory,
    header: list[str],
    data: st.DataObject,
    form: str,
    quoting: int,
    end: str,
) -> None:
    """Rows that stay in their form keep their quotes, line ends and blanks."""
    text = io.StringIO(newline="")
    delimiter = "," if form == "csv" else "\t"
    out = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator=end)
    out.writerow(header)
    plain = st.text(st.sampled_from('ab é,\t"'))  # what every quoting and line end can hold
    wanted = data.draw(
        st.lists(st.lists(plain, min_size=len(header), max_size=len(header)), min_size=1)
    )
    out = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    out.writerows(wanted)
    content = text.getvalue().encode()
    path = tmp_path_factory.getbasetemp() / "rows"
    rows = rows_of(path, content, form)
    assert [list(row.columns.values()) for row in rows] == wanted
    body = b"".join(row.raw for row in rows)
    assert content.endswith(body)
    assert b"".join(write(rows, form)).endswith(body)
    again = rows_of(path, b"".join(write(rows, form)), form)
    assert [row.columns for row in again] == [row.columns for row in rows]


@given(st.binary(max_size=60))
@example(b"\xef\xbb\xbfa,b\r\n1,2")
@example(b'a\n"')
@example(b"a\rb\n")
def test_any_bytes_are_rows_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Whatever a file holds, its rows come out or an InputError does."""
    for form in ("csv", "tsv", "jsonl", "json"):
        try:
            rows = rows_of(tmp_path_factory.getbasetemp() / "any", content, form)
        except InputError:
            continue
        assert rows


def test_a_row_is_numbered_by_its_first_line(tmp_path: Path) -> None:
    """Newlines in quotes and empty lines count, as an editor counts them."""
    content = b'\xef\xbb\xbfq,a\r\n"one\r\ntwo",2\r\n\r\n3,"4""5"'
    rows = rows_of(tmp_path / "a.csv", content)
    assert [(row.number, row.columns) for row in rows] == [
        (2, {"q": "one\r\ntwo", "a": "2"}),
        (5, {"q": "3", "a": '4"5'}),
    ]
    assert b"".join(write(rows, "csv")) == b'q,a\r\n"one\r\ntwo",2\r\n3,"4""5"\r\n'


def test_values_that_are_no_text_become_json(tmp_path: Path) -> None:
    """In CSV a number, a list or a truth is JSON, None and a missing column are empty."""
    rows = [
        TableRow(file=tmp_path, number=1, columns={"a": 1.5, "b": [{"c": "é"}], "d": True}),
        TableRow(file=tmp_path, number=2, columns={"a": None, "b": "x"}),
    ]
    assert b"".join(write(rows, "csv")).decode() == 'a,b,d\n1.5,"[{""c"":""é""}]",true\n,x,\n'


def test_a_long_value_is_read(tmp_path: Path) -> None:
    """An answer of a megabyte is no fault."""
    (row,) = rows_of(tmp_path / "a.csv", b"a,b\n1," + b"x" * (1 << 20))
    assert len(row.columns["b"]) == 1 << 20


def test_a_column_that_the_header_lacks_is_an_error(tmp_path: Path) -> None:
    """A later row with a column of its own is not cut down to the header."""
    rows = [
        TableRow(file=tmp_path, number=1, columns={"a": "1"}),
        TableRow(file=tmp_path, number=2, columns={"a": "1", "b": "2"}),
    ]
    with pytest.raises(InputError, match=":2: column 'b' is not in the first row") as error:
        list(write(rows, "csv"))
    assert "JSONL" in error.value.hint


def test_half_a_character_is_an_error(tmp_path: Path) -> None:
    """What UTF-8 cannot hold is not replaced in silence."""
    row = TableRow(file=tmp_path, number=1, columns={"a": "\ud800"})
    with pytest.raises(InputError, match=":1: half a character"):
        list(write([row], "csv"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a,b\n1,2\n1,2,3\n", ":3: 3 values where the header has 2"),
        (b'a,b\n"1\n1",2\n1\n', ":4: 1 values where the header has 2"),
        (b'a,b\n1,"2\n', ":2: not csv: unexpected end of data"),
        (b'a,b\n1,"2"x\n', ":2: not csv: ',' expected after '\"'"),
        (b"a,a\n1,2\n", ":1: the header names 'a' twice"),
        (b"a,b\n1,\xff\n", ":2: not UTF-8 at byte 3"),
        (b"a,b\n", ": the file has no rows"),
        (b"", ": the file has no rows"),
    ],
)
def test_bad_rows_are_named(content: bytes, says: str, tmp_path: Path) -> None:
    """What is no row is an error that names file and line, and has a hint."""
    with pytest.raises(InputError) as error:
        rows_of(tmp_path / "a.csv", content)
    assert str(error.value).startswith(f"{tmp_path / 'a.csv'}{says}")
    assert error.value.hint
