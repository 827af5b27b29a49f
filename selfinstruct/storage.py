"""The only reader and writer of the rows and files of a run.

Decides: how bytes reach the disk so that a kill at any instant loses at most the row being
written: append (a torn last line is dropped on reading) and replace (temporary file, fsync,
rename, fsync of the folder). Does not know: what a row means.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Self, TypeVar

import msgspec

from selfinstruct.errors import RunError, StorageError
from selfinstruct.task import to_json

Row = TypeVar("Row")


def storage_error(error: OSError, path: Path) -> StorageError:
    """Say what the file system refused, and what to do about it."""
    reason = error.strerror or str(error)
    return StorageError(
        f"cannot write {path}: {reason}",
        hint="free some space, or choose a folder that can be written (--out); then give the "
        "same command again: nothing that was already written is lost",
    )


class Appender:
    """A JSONL file open for appending; a row is on the disk when `write` returns.

    Opening drops a torn last line, so that a new row never continues half of an old one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not path.exists()
            self._file = path.open("ab", buffering=0)
            _drop_torn_line(path)
            if is_new:
                sync_folder(path.parent)
        except OSError as error:
            raise storage_error(error, path) from error

    def write(self, *rows: object, sync: bool = True) -> int:
        """Append rows, one line each, and return how many bytes were written.

        Without `sync` they outlive this process, and a power cut only after `sync()`.
        """
        data = b"".join(to_json(row) + b"\n" for row in rows)
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise storage_error(error, self.path) from error
        if sync:
            self.sync()
        return len(data)

    def sync(self) -> None:
        """Wait until all that was written is on the disk."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise storage_error(error, self.path) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def append_rows(path: Path, rows: Iterable[object]) -> None:
    """Append rows to a JSONL file and wait until they are on the disk."""
    with Appender(path) as out:
        out.write(*rows)


def replace_file(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a whole file, or leave the old one: no reader ever sees half of it.

    A link is followed; a device or a pipe, which cannot be replaced, is written to.
    """
    chunks = [data] if isinstance(data, bytes) else data
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as out:
                out.writelines(chunks)
            return
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.tmp")
        try:
            with temporary.open("wb") as out:
                out.writelines(chunks)
                sync_file(out)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)
    except OSError as error:
        raise storage_error(error, path) from error


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder that takes the place of another when all is written, whole or not at all.

    What a kill left between the two renamings is put back first. Raises StorageError where the
    file system refuses; then the old folder is as it was.
    """
    fresh, old = (folder.with_name(f".{folder.name}.{what}") for what in ("new", "old"))

    def put_back() -> None:
        if old.exists() and not folder.exists():
            old.rename(folder)

    try:
        put_back()
        for left in (fresh, old):
            shutil.rmtree(left, ignore_errors=True)
        fresh.mkdir(parents=True)
        try:
            yield fresh
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
        finally:
            put_back()
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)
        sync_folder(folder.parent)
    except OSError as error:
        raise storage_error(error, folder) from error


def truncate(path: Path, size: int) -> None:
    """Cut a file back to `size` bytes; one that is absent counts as empty.

    Raises RunError when the file is shorter than that: something outside has cut it.
    """
    have = path.stat().st_size if path.exists() else 0
    if have < size:
        message = f"{path} has {have} bytes where its last round marker says {size}"
        hint = "the file was changed by hand; restore it, or delete the newest markers in rounds/"
        raise RunError(message, hint=hint)
    if have > size:
        os.truncate(path, size)


def read_rows(
    path: Path, row_type: type[Row], *, start: int = 0, end: int | None = None
) -> Iterator[Row]:
    """Yield the rows of a JSONL file that this program wrote; a torn last line is dropped.

    Rows before the byte `start`, where one begins, and those that begin at `end` or later are
    left out. A file that is absent has no rows. Raises RunError, with file and line (counted from
    `start`), for a whole line that is not such a row.
    """
    decoder = msgspec.json.Decoder(row_type)
    hint = "the file was changed by hand; restore it"
    place = start
    try:
        if not path.exists():
            return
        with path.open("rb") as lines:
            lines.seek(start)
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n") or (end is not None and place >= end):
                    return
                try:
                    row = decoder.decode(line)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                    message = f"{path}:{number}: not a row of this file: {error}"
                    raise RunError(message, hint=hint) from error
                yield row
                place += len(line)
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}", hint=hint) from error


def file_digest(path: Path, start: int = 0, end: int | None = None) -> str:
    """Return the SHA-256 of a file, or of its bytes from `start` to `end`."""
    found = sha256()
    with path.open("rb") as data:
        data.seek(start)
        left = (path.stat().st_size if end is None else end) - start
        while left > 0 and (chunk := data.read(min(left, 1 << 20))):
            found.update(chunk)
            left -= len(chunk)
    return found.hexdigest()


def _drop_torn_line(path: Path) -> None:
    """Cut what follows the last newline."""
    size = path.stat().st_size
    with path.open("rb") as data:
        keep = size
        while keep > 0:
            start = max(0, keep - 65536)
            data.seek(start)
            newline = data.read(keep - start).rfind(b"\n")
            if newline >= 0:
                keep = start + newline + 1
                break
            keep = start
    if keep < size:
        os.truncate(path, keep)


def sync_file(out: IO[bytes]) -> None:
    """Wait until all that was written to an open file is on the disk."""
    out.flush()
    os.fsync(out.fileno())


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable; a no-op where folders cannot be opened (Windows)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
