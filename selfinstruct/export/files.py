"""Files of an export: one file, or a folder with a file or several for each split.

Decides: when a file is full, what it is called, in which form rows are written, and that a folder
is replaced whole, so that no reader sees half of an export or a file of an earlier one. Does not
know: what a row holds.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from selfinstruct.errors import InputError, unknown_name
from selfinstruct.export.columns import write_typed
from selfinstruct.export.dates import DateColumns
from selfinstruct.storage import replace_file, replaced_folder, sync_file
from selfinstruct.tables.base import packed, packer
from selfinstruct.task import to_json

FORMS = ("jsonl", "jsonl.gz", "jsonl.zst", "parquet")

SHARD_SIZE = 10_000_000
"""Bytes of rows in a file, as JSON: up to 10 MB the Hub keeps a text file as it is."""

_BLOCK = 1 << 16
_UNITS = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_OURS = re.compile(
    r"(train|validation|test)(-\d{5}-of-\d{5})?\.(jsonl|parquet)(\.gz|\.zst)?|\.\w+\.rows"
)

Line = tuple[str, msgspec.Struct]
"""A split, and a row of it."""


class Written(msgspec.Struct, frozen=True):
    """The files of one split: their names, and how many rows they have together.

    `dates` has "FILE: COLUMN" for what `datasets` would not read as text (see `dates`). `digest` is
    that of the rows in a folder (BLAKE2b).
    """

    files: tuple[str, ...]
    rows: int
    dates: tuple[str, ...] = ()
    digest: str = ""


def parse_size(text: str) -> int:
    """Read a size as "10MB" or "500kB"; raise InputError where it is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kmg]?b?)", text.strip().lower())
    size = int(float(found[1]) * _UNITS.get(found[2], 0)) if found else 0
    if size < 1:
        message = f"--shard-size {text}: no size"
        raise InputError(message, hint="give bytes: --shard-size 10MB, 500kB or 1GB")
    return size


def form_of_file(path: Path) -> str:
    """Return the form that the name of a file says, "" for a folder."""
    name = path.name.lower()
    return next((form for form in FORMS if name.endswith(f".{form}")), "")


def check_form(form: str) -> None:
    """Raise InputError for an unknown form."""
    if form not in FORMS:
        raise unknown_name("form", form, FORMS)


def write_file(
    path: Path, row_type: type[msgspec.Struct], rows: Iterable[msgspec.Struct]
) -> Written:
    """Write all rows to one file, whole or not at all."""
    count = 0
    dates = DateColumns(row_type)

    def lines() -> Iterator[bytes]:
        nonlocal count
        for row in rows:
            count += 1
            dates.see(row)
            yield to_json(row) + b"\n"

    form = form_of_file(path) or "jsonl"
    if form == "parquet":
        spool = path.with_name(f".{path.name}.rows")
        replace_file(spool, lines())
        try:
            replace_file(path, _parquet(spool, row_type))
        finally:
            spool.unlink(missing_ok=True)
        return Written((path.name,), count)
    replace_file(path, packed(lines(), path))
    return Written((path.name,), count, tuple(f"{path.name}: {one}" for one in dates.found()))


class FolderFiles(NamedTuple):
    """Where an export goes as a folder, and how it is cut."""

    folder: Path
    form: str = FORMS[0]
    shard_size: int = SHARD_SIZE


def write_folder(
    target: FolderFiles, row_type: type[msgspec.Struct], lines: Iterable[Line]
) -> dict[str, Written]:
    """Write rows to a folder by split, and put it in the place of what was there.

    Returns the files of each split. Raises InputError where the folder holds files of others, and
    StorageError where it cannot be written; then the old one stays as it was.
    """
    folder = target.folder
    _refuse_strangers(folder)
    with replaced_folder(folder) as fresh:
        return _Shards(fresh, target, row_type).write(lines)


def _refuse_strangers(folder: Path) -> None:
    """Raise InputError for a folder that an export must not replace."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder} is a file, not a folder", hint="give another --out")
    strange = sorted(one.name for one in folder.iterdir() if not _OURS.fullmatch(one.name))
    if strange:
        message = f"{folder} holds what no export wrote: {strange[0]}"
        raise InputError(message, hint="move it away, or give another --out")


class _Shards:
    """The open files of an export, one for each split."""

    def __init__(self, folder: Path, target: FolderFiles, row_type: type[msgspec.Struct]) -> None:
        self._folder = folder
        self._target = target
        self._row_type = row_type
        self._open: dict[str, _Shard] = {}
        self._done: dict[str, list[_Shard]] = {}
        self._digests: dict[str, blake2b] = {}

    def write(self, lines: Iterable[Line]) -> dict[str, Written]:
        """Write all rows, then give the files the names that say how many there are."""
        limit = self._target.shard_size
        try:
            for split, row in lines:
                data = to_json(row)
                shard = self._open.get(split)
                if shard is None or (shard.size and shard.size + len(data) + 1 > limit):
                    self._close(split)
                    shard = self._open[split] = self._begun(split)
                shard.write(data, row)
            for split in self._open.keys() | {"train"}:
                if split not in self._open:
                    self._open[split] = self._begun(split)
                self._close(split)
        finally:
            for shard in self._open.values():
                with suppress(OSError):  # another fault is on its way already
                    shard.out.close()
        order = [one for one in ("train", "validation", "test") if one in self._done]
        return {split: self._named(split) for split in order}

    def _begun(self, split: str) -> "_Shard":
        number = len(self._done.setdefault(split, []))
        digest = self._digests.setdefault(split, blake2b(digest_size=8))
        form = self._target.form
        path = self._folder / f"{split}-{number:05d}.{form}"
        by = None if form in ("jsonl", "parquet") else packer(path)
        return _Shard(path, by, digest, DateColumns(self._row_type))

    def _close(self, split: str) -> None:
        """Finish a file."""
        shard = self._open.pop(split, None)
        if shard is None:
            return
        shard.finish()
        self._done[split].append(shard)
        if self._target.form == "parquet":
            spool = shard.path.with_name(".shard.rows")
            shard.path.rename(spool)
            replace_file(shard.path, _parquet(spool, self._row_type))
            spool.unlink()

    def _named(self, split: str) -> Written:
        """Name the files of a split: by its name alone where there is one."""
        shards = self._done[split]
        names, dates = [], []
        for number, shard in enumerate(shards):
            part = f"-{number:05d}-of-{len(shards):05d}" if len(shards) > 1 else ""
            names.append(f"{split}{part}.{self._target.form}")
            shard.path.rename(shard.path.with_name(names[-1]))
            if self._target.form != "parquet":
                dates += [f"{names[-1]}: {column}" for column in shard.dates.found()]
        rows = sum(shard.rows for shard in shards)
        return Written(tuple(names), rows, tuple(dates), self._digests[split].hexdigest())


class _Shard:
    """One open file: how many rows it has, and of how many bytes, unpacked."""

    def __init__(self, path: Path, by: Any, digest: blake2b, dates: DateColumns) -> None:  # noqa: ANN401 (zlib's, zstd's)
        self.path = path
        self.dates = dates
        self.size = 0
        self.rows = 0
        self.out: IO[bytes] = path.open("wb")
        self._by = by
        self._digest = digest
        self._waiting: list[bytes] = []
        self._written = 0

    def write(self, data: bytes, row: msgspec.Struct) -> None:
        """Write a row as a line, with others."""
        self.size += len(data) + 1
        self.rows += 1
        if self.dates.left:
            self.dates.see(row)
        self._waiting.append(data)
        if self.size - self._written > _BLOCK:
            self._flush()

    def _flush(self) -> None:
        """Write what waits."""
        self._waiting.append(b"")
        data = b"\n".join(self._waiting)
        self._waiting.clear()
        self._written = self.size
        self._digest.update(data)
        self.out.write(self._by.compress(data) if self._by else data)

    def finish(self) -> None:
        """Close the file when all of it is on the disk."""
        with self.out:
            self._flush()
            if self._by:
                self.out.write(self._by.flush())
            sync_file(self.out)


def _parquet(spool: Path, row_type: type[msgspec.Struct]) -> Iterator[bytes]:
    """Yield the bytes of a Parquet file with the rows of a file of lines."""
    result = spool.with_name(f"{spool.name}.parquet")
    try:
        write_typed(spool, row_type, result)
        with result.open("rb") as data:
            while block := data.read(1 << 20):
                yield block
    finally:
        result.unlink(missing_ok=True)
