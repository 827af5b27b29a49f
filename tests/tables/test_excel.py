"""Excel: cells as a person sees them, rows by the numbers of the sheet, damage is an error."""

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import strategies
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import InputError
from selfinstruct.tables import form_of, form_to_write, read


def sheet(path: Path, fill: Callable[[Any, Any], object]) -> Path:
    """Write a workbook whose first sheet `fill` fills (workbook, sheet); a second holds a word."""
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    fill(book, book.add_worksheet("tasks"))
    book.add_worksheet("notes").write(0, 0, "not read")
    book.close()
    return path


def rows_of(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return number and columns of each row."""
    return [(row.number, row.columns) for row in read(path, "excel")]


def test_cells_are_text_as_a_person_sees_it(tmp_path: Path) -> None:
    """A whole number has no decimals, a date no midnight, a time of day no date."""

    def fill(book: Any, page: Any) -> None:  # noqa: ANN401
        day, hour = (book.add_format({"num_format": text}) for text in ("yyyy-mm-dd", "hh:mm"))
        page.write_row(0, 0, ["kind", "value"])
        page.write_row(1, 0, ["whole", 5])
        page.write_row(2, 0, ["broken", 5.25])
        page.write_row(3, 0, ["long", 12345678901234])
        page.write_row(4, 0, ["truth", True])
        page.write(5, 0, "day")
        page.write_datetime(5, 1, dt.datetime(2024, 1, 2), day)  # noqa: DTZ001
        page.write(6, 0, "moment")
        page.write_datetime(6, 1, dt.datetime(2024, 1, 2, 3, 4, 5), day)  # noqa: DTZ001
        page.write(7, 0, "hour")
        page.write_datetime(7, 1, dt.time(13, 5), hour)
        page.write_row(8, 0, ["text", "2024-01-02 00:00:00"])
        page.write_row(9, 0, ["digits", "007"])
        page.write(10, 0, "formula")
        page.write_formula(10, 1, "=1+1", None, 2)
        page.write_row(11, 0, ["newline", "你好 🎉\n<b>&amp;"])

    found = {
        columns["kind"]: columns["value"]
        for _, columns in rows_of(sheet(tmp_path / "a.xlsx", fill))
    }
    assert found == {
        "whole": "5",
        "broken": "5.25",
        "long": "12345678901234",
        "truth": "true",
        "day": "2024-01-02",
        "moment": "2024-01-02 03:04:05",
        "hour": "13:05:00",
        "text": "2024-01-02 00:00:00",
        "digits": "007",
        "formula": "2",
        "newline": "你好 🎉\n<b>&amp;",
    }


def test_titles_and_empty_rows_are_none(tmp_path: Path) -> None:
    """Rows keep the numbers of the sheet; a merged title and empty rows are passed over."""

    def fill(_: Any, page: Any) -> None:  # noqa: ANN401
        page.merge_range(1, 0, 1, 2, "My tasks")
        page.write_row(3, 0, ["instruction", "", " output "])
        page.write_row(5, 0, ["Add.", "1 1", 2])
        page.write_row(8, 0, ["Sort."])

    assert rows_of(sheet(tmp_path / "a.xlsx", fill)) == [
        (6, {"instruction": "Add.", "column 2": "1 1", "output": "2"}),
        (9, {"instruction": "Sort.", "column 2": "", "output": ""}),
    ]


def test_one_column_has_a_header_too(tmp_path: Path) -> None:
    """Where no row has two cells, the first is the header."""
    path = sheet(tmp_path / "a.xlsx", lambda _, page: page.write_column(0, 0, ["text", "a", "b"]))
    assert rows_of(path) == [(2, {"text": "a"}), (3, {"text": "b"})]


cells = st.one_of(
    strategies.sentences, st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=20)
)


@settings(max_examples=20)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=8))
def test_text_survives(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[tuple[str, str]]
) -> None:
    """Texts come back as they were written, in order."""

    def fill(_: Any, page: Any) -> None:  # noqa: ANN401
        page.write_row(0, 0, ["q", "a"])
        for number, row in enumerate(wanted, 1):
            for place, text in enumerate(row):
                page.write_string(number, place, text)

    path = sheet(tmp_path_factory.getbasetemp() / "text.xlsx", fill)
    kept = [row for row in wanted if any(text.strip() for text in row)]
    if kept:
        assert [tuple(row.values()) for _, row in rows_of(path)] == kept


def test_progress_ends_at_the_size(tmp_path: Path) -> None:
    """What is counted while reading adds up to the bytes of the file."""
    path = sheet(tmp_path / "a.xlsx", lambda _, page: page.write_column(0, 0, ["text", "a"]))
    seen: list[int] = []
    assert len(list(read(path, "excel", seen=seen.append))) == 1
    assert sum(seen) == path.stat().st_size


def test_a_name_in_the_header_twice_is_an_error(tmp_path: Path) -> None:
    """Two columns of one name cannot be told apart."""
    path = sheet(tmp_path / "a.xlsx", lambda _, page: page.write_row(1, 0, ["a", "b", "a"]))
    with pytest.raises(InputError, match=":2: the header names 'a' twice"):
        rows_of(path)


@pytest.mark.parametrize("header", [[], ["text"]])
def test_a_sheet_without_rows_is_named(header: list[str], tmp_path: Path) -> None:
    """An empty sheet, and a header alone, are errors."""
    path = sheet(tmp_path / "a.xlsx", lambda _, page: page.write_row(0, 0, header))
    with pytest.raises(InputError, match="has no rows"):
        rows_of(path)


OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(3000)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"a,b\n1,2\n", "not an Excel file"),
        (b"PK\x03\x04" + bytes(100), "not an Excel file"),
        (OLE, "protected with a password"),
    ],
    ids=["empty", "csv", "zip", "protected"],
)
def test_what_is_no_excel_file_is_named(content: bytes, says: str, tmp_path: Path) -> None:
    """A file of another kind, a damaged and a protected one are errors with file and hint."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says) as error:
        rows_of(path)
    assert str(path) in str(error.value)
    assert error.value.hint


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    """Half a workbook is an error, not fewer rows."""
    path = sheet(tmp_path / "a.xlsx", lambda _, page: page.write_column(0, 0, ["text", "a"]))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="not an Excel file"):
        rows_of(path)


def test_without_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where fastexcel is not installed, the error names the extra."""
    path = sheet(tmp_path / "a.xlsx", lambda _, page: page.write_column(0, 0, ["text", "a"]))
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    with pytest.raises(InputError, match="needs the package fastexcel") as error:
        rows_of(path)
    assert "selfinstruct[excel]" in error.value.hint


@pytest.mark.parametrize("name", ["a.xlsx", "A.XLSM", "a.xls"])
def test_excel_is_read_and_not_written(name: str) -> None:
    """The name says the form; writing it, and reading a packed one, are refused with a way out."""
    assert form_of(Path(name)) == "excel"
    with pytest.raises(InputError, match="read, not written") as error:
        form_to_write(Path(name), ["excel"])
    assert ".csv" in error.value.hint
    with pytest.raises(InputError, match="packed Excel"):
        form_of(Path(f"{name}.gz"))
    assert form_to_write(Path("kept"), ["excel"]) == "jsonl"
