"""What all tables share: a row, an opened file, and a cell as text.

Decides: how a file is opened (unpacked on the way, its bytes counted for a progress bar), how
a value that is no text is written as text, and that a row which cannot be read need not end the
reading. Does not know: any format.
"""

import importlib
import io
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from selfinstruct.errors import InputError
from selfinstruct.task import to_json

BOM = b"\xef\xbb\xbf"

Seen = Callable[[int], object]
"""Called with how many more bytes of a file were read."""

PACKED = {
    ".gz": "gzip",
    ".zst": "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd",
}
"""Suffixes of packed files, and the module that unpacks each; zstd's is new in Python 3.14."""

_BLOCK = 1 << 18


class TableRow(msgspec.Struct, frozen=True):
    """One row of one file.

    `number` is the line on which the row begins; in a JSON list and in Parquet, which have no
    lines to speak of, its place among the rows. Both count from 1. `raw` is the row as it stands
    in a file of the form `form`, so that it can be copied; Parquet has none.
    """

    file: Path
    number: int
    columns: dict[str, Any]
    raw: bytes = b""
    form: str = ""

    def place(self) -> str:
        """Return file and number, as errors name them."""
        return f"{self.file}:{self.number}"


class RowError(InputError):
    """A row that cannot be read, though those after it can. `raw` is what stands there.

    Readers yield it in the place of the row.
    """

    def __init__(
        self, path: Path, number: int, problem: str, *, hint: str, raw: bytes, place: str = ""
    ) -> None:
        super().__init__(f"{place or f'{path}:{number}'}: {problem}", hint=hint)
        self.file = path
        self.number = number
        self.problem = problem
        self.raw = raw


def as_text(value: object) -> str:
    """Return a value as text: text as it is, nothing for None, JSON for the rest."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        encoded = to_json(value)
    except UnicodeEncodeError:  # half a character, deep inside
        return str(value)
    # A date or the like is text in JSON, and needs no quotes here.
    return str(msgspec.json.decode(encoded)) if encoded[:1] == b'"' else encoded.decode()


NOT_UTF8 = "save the file as UTF-8"


def not_utf8(error: UnicodeDecodeError) -> str:
    """Say where a line or a file is not UTF-8."""
    return f"not UTF-8 at byte {error.start + 1}"


class _Counted(io.RawIOBase):
    """A file that says how much of it was read."""

    def __init__(self, raw: io.RawIOBase, seen: Seen) -> None:
        self._raw = raw
        self._seen = seen

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 (any buffer, as the standard library says)
        # What is there, and no waiting for more: between two reads Ctrl-C can be noticed.
        count = self._raw.readinto(buffer) or 0
        self._seen(count)
        return count


@contextmanager
def opened(path: Path, seen: Seen | None = None) -> Iterator[IO[bytes]]:
    """Open a file for reading, unpacked; what fails while it is open is an InputError."""
    module = _unpacker(path)
    damaged: tuple[type[Exception], ...] = (EOFError, zlib.error)
    if zstd := getattr(module, "ZstdError", None):
        damaged = (*damaged, zstd)
    try:
        with ExitStack() as stack:
            raw = stack.enter_context(path.open("rb", buffering=0))
            counted = _Counted(raw, seen or (lambda _: None))
            data: IO[bytes] = stack.enter_context(io.BufferedReader(counted, _BLOCK))
            if module:
                data = stack.enter_context(module.open(data, "rb"))
            yield data
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot read {path}: {reason}", hint="check the name") from error
    except damaged as error:
        hint = "it is cut short or damaged; fetch it again"
        raise InputError(f"cannot unpack {path}: {error}", hint=hint) from error


def packed(chunks: Iterable[bytes], path: Path | None) -> Iterable[bytes]:
    """Pack what is written to a file whose name says so; the same bytes in, the same out."""
    if path is None or path.suffix.lower() not in PACKED:
        return chunks
    return _packed(chunks, packer(path))


def packer(path: Path) -> Any:  # noqa: ANN401 (zlib's, zstd's)
    """Return what packs for a file whose name says so, by `compress(bytes)` and `flush()`."""
    module = _unpacker(path)
    # 31: zlib writes the head of a gzip file, without a name or a time in it
    return zlib.compressobj(wbits=31) if path.suffix.lower() == ".gz" else module.ZstdCompressor()


def _packed(chunks: Iterable[bytes], by: Any) -> Iterator[bytes]:  # noqa: ANN401 (zlib's, zstd's)
    for chunk in chunks:
        yield by.compress(chunk)
    yield by.flush()


def _unpacker(path: Path) -> Any:  # noqa: ANN401 (a module; one of them is new in Python 3.14)
    """Return the module that unpacks a file, or None for a file that is not packed."""
    name = PACKED.get(path.suffix.lower())
    try:
        return importlib.import_module(name) if name else None
    except ImportError as error:
        hint = "pip install backports.zstd, or use .gz"
        raise InputError(f"{path}: this Python has no {name}", hint=hint) from error
