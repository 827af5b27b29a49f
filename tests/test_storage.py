"""Bytes on the disk: a torn line is dropped, a file is replaced whole or not at all."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import RunError, StorageError
from selfinstruct.storage import (
    Appender,
    append_rows,
    file_digest,
    read_rows,
    replace_file,
    replaced_folder,
    truncate,
)
from selfinstruct.task import to_json


class Line(msgspec.Struct, frozen=True):
    """A row for these tests."""

    number: int
    text: str


ROWS = [Line(1, "one"), Line(2, "\u4f60\u597d \U0001f680"), Line(3, 'a "quote"\nand a newline')]


def test_torn_last_line_is_dropped_at_every_byte(tmp_path: Path) -> None:
    """Cut anywhere, a file yields its whole rows; the next one starts a line of its own."""
    path = tmp_path / "rows.jsonl"
    content = b"".join(to_json(row) + b"\n" for row in ROWS)
    for size in range(len(content) + 1):
        path.write_bytes(content[:size])
        whole = content[:size].count(b"\n")
        assert list(read_rows(path, Line)) == ROWS[:whole]
        append_rows(path, [Line(9, "next")])
        assert list(read_rows(path, Line)) == [*ROWS[:whole], Line(9, "next")]


@pytest.mark.parametrize("size", [65535, 65536, 65537, 200_000])
def test_torn_line_longer_than_a_block_is_dropped(size: int, tmp_path: Path) -> None:
    """A torn line of any length goes, and nothing before it."""
    path = tmp_path / "rows.jsonl"
    append_rows(path, ROWS[:1])
    with path.open("ab") as out:
        out.write(b"x" * size)
    append_rows(path, ROWS[1:])
    assert list(read_rows(path, Line)) == ROWS


lines = st.builds(Line, st.integers(-(2**40), 2**40), st.text())


@given(st.lists(st.lists(lines, max_size=4), max_size=5), st.data())
def test_rows_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Line]], data: st.DataObject
) -> None:
    """Appended in any batches and cut at any byte, rows come back equal and in order."""
    path = tmp_path_factory.getbasetemp() / "property.jsonl"
    path.unlink(missing_ok=True)
    for batch in batches:
        append_rows(path, batch)
    rows = [row for batch in batches for row in batch]
    assert list(read_rows(path, Line)) == rows
    if path.exists():
        content = path.read_bytes()
        size = data.draw(st.integers(0, len(content)))
        path.write_bytes(content[:size])
        assert list(read_rows(path, Line)) == rows[: content[:size].count(b"\n")]


def test_write_returns_the_bytes_it_added(tmp_path: Path) -> None:
    """An appender says how much longer the file is now; writing no rows adds nothing."""
    path = tmp_path / "deep" / "rows.jsonl"
    with Appender(path) as out:
        assert out.write() == 0
        assert out.write(*ROWS) == path.stat().st_size


def test_rows_that_begin_at_the_end_are_left_out(tmp_path: Path) -> None:
    """With an end, only rows before it are read, also when more were written since."""
    path = tmp_path / "rows.jsonl"
    append_rows(path, ROWS)
    first = len(to_json(ROWS[0])) + 1
    assert list(read_rows(path, Line, end=0)) == []
    assert list(read_rows(path, Line, end=first)) == ROWS[:1]
    assert list(read_rows(path, Line, end=first + 1)) == ROWS[:2]


@pytest.mark.parametrize(
    "line",
    [b"{}", b"", b"\0\0", b"\xff", b'{"number": "x", "text": ""}', b"[" * 200_000],
    ids=["fields", "blank", "NUL", "bytes", "type", "deep"],
)
def test_whole_line_that_is_no_row_is_named(line: bytes, tmp_path: Path) -> None:
    """A damaged line in the middle of a file is an error with file and line, never skipped."""
    path = tmp_path / "rows.jsonl"
    path.write_bytes(to_json(ROWS[0]) + b"\n" + line + b"\n" + to_json(ROWS[1]) + b"\n")
    rows = read_rows(path, Line)
    assert next(rows) == ROWS[0]
    with pytest.raises(RunError) as error:
        next(rows)
    assert str(error.value).startswith(f"{path}:2: ")
    assert error.value.hint


def test_absent_file_has_no_rows_and_a_folder_is_an_error(tmp_path: Path) -> None:
    """A file that was never written is empty; a folder in its place is a fault."""
    assert list(read_rows(tmp_path / "absent.jsonl", Line)) == []
    with pytest.raises(RunError, match="cannot read"):
        list(read_rows(tmp_path, Line))


def failing(count: int) -> Iterator[bytes]:
    """Yield some bytes, then fail as a full disk does."""
    for _ in range(count):
        yield b"new" * 1000
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("count", [0, 1, 50])
@pytest.mark.parametrize("old", [None, b"", b"old\n"], ids=["absent", "empty", "old"])
def test_replace_is_all_or_nothing(count: int, old: bytes | None, tmp_path: Path) -> None:
    """A replacement that fails at any point leaves the old file, and no other behind."""
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)
    with pytest.raises(StorageError, match="No space left"):
        replace_file(path, failing(count))
    assert (path.read_bytes() if path.exists() else None) == old
    assert [entry.name for entry in tmp_path.iterdir()] == ([] if old is None else ["file"])


def test_replace_cleans_up_after_any_error(tmp_path: Path) -> None:
    """An error in what is written, not in the writing, comes out as it is and leaves nothing."""

    def broken() -> Iterator[bytes]:
        yield b"x"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(tmp_path / "file", broken())
    assert list(tmp_path.iterdir()) == []


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_replace_leaves_exactly_what_was_given(
    tmp_path_factory: pytest.TempPathFactory, old: bytes, new: bytes
) -> None:
    """After a replacement the file holds the new bytes and nothing of the old."""
    path = tmp_path_factory.getbasetemp() / "replaced"
    replace_file(path, old)
    replace_file(path, [new[:100], new[100:]])
    assert path.read_bytes() == new


def test_replace_follows_a_link(tmp_path: Path) -> None:
    """A link stays a link: the file that it names is replaced."""
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    replace_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_replace_writes_into_a_device(tmp_path: Path) -> None:
    """A pipe is written to and stays a pipe."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        replace_file(path, b"through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.parametrize("place", ["file/below", "file/deep/below", "folder", "x" * 300])
def test_what_cannot_be_written_is_named(place: str, tmp_path: Path) -> None:
    """A path below a file, a folder in the file's place, a name too long: an error names it."""
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="cannot write") as replacing:
        replace_file(tmp_path / place, b"new")
    with pytest.raises(StorageError, match="cannot write") as appending:
        append_rows(tmp_path / place, ROWS)
    for error in (replacing.value, appending.value):
        assert place in str(error)
        assert "nothing that was already written is lost" in error.hint
    assert (tmp_path / "file").read_bytes() == b"old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


def test_truncate_cuts_and_refuses_what_is_too_short(tmp_path: Path) -> None:
    """A file is cut to a size; one that is shorter than that was changed by somebody else."""
    path = tmp_path / "file"
    truncate(path, 0)
    assert not path.exists()
    path.write_bytes(b"12345")
    truncate(path, 5)
    truncate(path, 3)
    assert path.read_bytes() == b"123"
    with pytest.raises(RunError, match="has 3 bytes where its last round marker says 4"):
        truncate(path, 4)


@given(st.binary(max_size=100), st.integers(0, 100), st.integers(0, 100))
def test_digest_of_a_part_is_the_digest_of_its_bytes(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: int, end: int
) -> None:
    """The digest of bytes `start` to `end` is that of a file that holds only these."""
    base = tmp_path_factory.getbasetemp()
    (base / "whole").write_bytes(content)
    (base / "part").write_bytes(content[start:end])
    assert file_digest(base / "whole", start, end) == file_digest(base / "part")


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """A folder takes the place of another when all is written; else the old one stays as it was."""
    folder = tmp_path / "deep" / "data"
    for content in (b"one", b"two"):
        with replaced_folder(folder) as fresh:
            (fresh / "a").write_bytes(content)
            (fresh / content.decode()).write_bytes(b"")
        assert {path.name for path in folder.iterdir()} == {"a", content.decode()}
    with pytest.raises(StorageError, match="cannot write"), replaced_folder(folder) as fresh:
        (fresh / "half" / "below").write_bytes(b"")
    assert (folder / "a").read_bytes() == b"two"
    assert [path.name for path in folder.parent.iterdir()] == ["data"]


def test_what_a_kill_left_of_a_folder_is_put_back(tmp_path: Path) -> None:
    """Between two renamings a folder has another name; it is put back before it is replaced."""
    folder = tmp_path / "data"
    (tmp_path / ".data.old").mkdir()
    (tmp_path / ".data.old" / "a").write_bytes(b"kept")
    with pytest.raises(ZeroDivisionError), replaced_folder(folder):
        raise ZeroDivisionError
    assert (folder / "a").read_bytes() == b"kept"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
