"""Which form a file has, how it is opened, and what is said of one that cannot be."""

import gzip
from pathlib import Path

import pytest

from selfinstruct.errors import InputError
from selfinstruct.tables import RowError, TableRow, form_of, read, scan, write
from selfinstruct.tables.jsonl import MAX_LINE

LINE = b'{"a": 1}\n'


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.jsonl", "jsonl"),
        ("a.b.NDJSON", "jsonl"),
        ("a.json", "json"),
        ("a.csv.gz", "csv"),
        ("a.tsv", "tsv"),
        ("a.parquet", "parquet"),
        ("a.pq", "parquet"),
        ("a.gz", "jsonl"),
        ("a.jsonl.zst", "jsonl"),
    ],
)
def test_a_name_says_the_form(name: str, form: str) -> None:
    """The suffix tells, in either case of letters, also below a packed one."""
    assert form_of(Path(name)) == form
    assert form_of(Path(name), "jsonl") == "jsonl"


@pytest.mark.parametrize("name", ["a", "a.txt", "a.v2.gz", ".jsonl", "jsonl"])
def test_a_name_that_says_nothing_is_refused(name: str) -> None:
    """The error lists the known suffixes, and how to say the form."""
    with pytest.raises(InputError, match="does not say what the file holds") as error:
        form_of(Path(name))
    assert ".parquet" in error.value.hint
    assert "--format" in error.value.hint


def test_an_unknown_format_suggests_the_closest() -> None:
    """A misspelt format is an error that names the one that was meant."""
    with pytest.raises(InputError, match="did you mean 'parquet'"):
        form_of(Path("a"), "parket")


def test_a_packed_parquet_file_is_refused() -> None:
    """Parquet is packed inside; a packed one cannot be read in parts."""
    with pytest.raises(InputError, match="packed Parquet"):
        form_of(Path("a.parquet.gz"))


def test_packed_files_are_read_and_written(tmp_path: Path) -> None:
    """What is packed comes back, always as the same bytes; progress counts those of the file."""
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(LINE * 1000))
    seen: list[int] = []
    rows = list(read(path, "jsonl", seen=seen.append))
    assert [row.number for row in rows] == list(range(1, 1001))
    assert sum(seen) == path.stat().st_size
    out = b"".join(write(rows, "jsonl", path))
    assert gzip.decompress(out) == LINE * 1000
    assert out == b"".join(write(rows, "jsonl", tmp_path / "b.jsonl.gz"))


@pytest.mark.parametrize("cut", [5, 20, -1])
def test_a_damaged_packed_file_is_named(cut: int, tmp_path: Path) -> None:
    """A packed file that is cut short is an error, not fewer rows."""
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(LINE * 1000)[:cut])
    with pytest.raises(InputError, match="cannot unpack") as error:
        list(read(path, "jsonl"))
    assert error.value.hint
    path.write_bytes(LINE)
    with pytest.raises(InputError, match="Not a gzipped file"):
        list(read(path, "jsonl"))


def test_zstd_comes_back(tmp_path: Path) -> None:
    """Where the standard library has zstd, such files are read and written."""
    path = tmp_path / "a.jsonl.zst"
    row = TableRow(file=path, number=1, columns={"a": 1})
    path.write_bytes(b"".join(write([row], "jsonl", path)))
    assert [one.columns for one in read(path, "jsonl")] == [{"a": 1}]


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "tsv", "parquet"])
@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_that_is_none_is_named(form: str, name: str, tmp_path: Path) -> None:
    """A missing file and a folder are errors of the user's, in every form."""
    with pytest.raises(InputError, match="cannot read") as error:
        list(read(tmp_path / name, form))
    assert error.value.hint


LONG = b"x" * (MAX_LINE + 9)

BROKEN = {
    "jsonl": (
        b'\xef\xbb\xbf{"a": "1"}\nnot json\n[1]\n{"a": "\xff"}\n%b\n{"a": "2"}\n' % LONG,
        [2, 3, 4, 5],
        [1, 6],
    ),
    "json": (b'[{"a": "1"}, 7, {"a": "2"}]', [2], [1, 3]),
    "csv": (b'a\n1\n1,2\n\xff\n"1"1\n2\n"never\nclosed\n', [3, 4, 5, 7], [2, 6]),
    "tsv": (b"a\n1\n1\t2\n\n2\n", [3], [2, 5]),
}  # fmt: skip


@pytest.mark.parametrize("form", BROKEN)
def test_a_scan_goes_on_after_a_row_that_cannot_be_read(form: str, tmp_path: Path) -> None:
    """Each bad row is told with its number and what stands there; good ones keep theirs."""
    content, bad, good = BROKEN[form]
    path = tmp_path / f"a.{form}"
    path.write_bytes(content)
    found = list(scan(path, form))
    faults = [one for one in found if isinstance(one, RowError)]
    rows = [one for one in found if isinstance(one, TableRow)]
    assert [one.number for one in faults] == bad
    assert all(one.hint and one.problem and one.raw in content for one in faults)
    assert [(one.number, one.columns) for one in rows] == [
        (number, {"a": str(place)}) for place, number in enumerate(good, 1)
    ]
    with pytest.raises(InputError) as error:
        list(read(path, form))
    assert str(error.value) == str(faults[0])
