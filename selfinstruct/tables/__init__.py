"""Tables: rows in and out of JSONL, JSON lists, CSV, TSV and Parquet; rows out of Excel.

Decides: which form a file has, by its name or as told. Does not know: what the columns mean
(that is `tables.shapes`), or how a file comes to be whole (that is `storage`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from selfinstruct.errors import InputError, unknown_name
from selfinstruct.tables.base import PACKED, RowError, Seen, TableRow, as_text, packed
from selfinstruct.tables.delimited import read_delimited, write_delimited
from selfinstruct.tables.excel import read_excel
from selfinstruct.tables.jsonl import read_lines, read_list, write_lines, write_list
from selfinstruct.tables.parquet import read_parquet, write_parquet

__all__ = [
    "FORMS",
    "RowError",
    "TableRow",
    "as_text",
    "form_of",
    "form_to_write",
    "known_form",
    "read",
    "scan",
    "write",
]

SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
}

_READERS: dict[str, Callable[[Path, Seen | None], Iterator[TableRow | RowError]]] = {
    "jsonl": read_lines,
    "json": read_list,
    "csv": partial(read_delimited, "csv"),
    "tsv": partial(read_delimited, "tsv"),
    "parquet": read_parquet,
    "excel": read_excel,
}

_PACKED_INSIDE = {"parquet": "Parquet", "excel": "Excel"}

FORMS = tuple(_READERS)


def known_form(path: Path) -> str:
    """Return the form that a name says, "" if it says none. Packed rows alone are JSONL."""
    name = path.name.lower()
    is_packed = path.suffix.lower() in PACKED
    inner = Path(name).with_suffix("") if is_packed else Path(name)
    return "jsonl" if is_packed and not inner.suffix else SUFFIXES.get(inner.suffix, "")


def form_of(path: Path, given: str = "") -> str:
    """Return the form of a file to read: the one given, else what its name says."""
    if given and given not in FORMS:
        raise unknown_name("format", given, FORMS)
    form = given or known_form(path)
    if not form:
        hint = f"known: {', '.join(SUFFIXES)}, also with .gz; or say it: --format jsonl, csv, …"
        raise InputError(f"{path}: the name does not say what the file holds", hint=hint)
    if form in _PACKED_INSIDE and path.suffix.lower() in PACKED:
        message = f"{path}: a packed {_PACKED_INSIDE[form]} file"
        raise InputError(message, hint=f"unpack it first: gunzip {path}")
    return form


def form_to_write(path: Path, forms: Sequence[str]) -> str:
    """Return the form of a file to write: what its name says, else that of all files read."""
    form = form_of(path) if known_form(path) else ""
    if form == "excel":
        message = f"{path}: Excel files are read, not written"
        raise InputError(message, hint=f"write CSV, which Excel opens: {path.with_suffix('.csv')}")
    same = forms[0] if len(set(forms)) == 1 else "jsonl"
    return form or (same if same != "excel" else "jsonl")


def read(path: Path, form: str, *, seen: Seen | None = None) -> Iterator[TableRow]:
    """Yield the rows of a file in order; a file without any is an error, as is any bad row."""
    for found in scan(path, form, seen=seen):
        if isinstance(found, RowError):
            raise found
        yield found


def scan(path: Path, form: str, *, seen: Seen | None = None) -> Iterator[TableRow | RowError]:
    """Yield the rows of a file in order, and what is wrong with those that cannot be read.

    A file without rows is an error, and so is damage after which nothing can be told.
    """
    found = None
    for found in _READERS[form](path, seen):
        yield found
    if found is None:
        raise InputError(f"{path}: the file has no rows", hint="leave it out, or check the name")


def write(rows: Iterable[TableRow], form: str, path: Path | None = None) -> Iterator[bytes]:
    """Yield the bytes of a file that holds these rows, packed if `path` says so.

    `path` is only looked at: its name for packing, its folder for what Parquet must set aside.
    """
    writers: dict[str, Callable[[Iterable[TableRow]], Iterator[bytes]]] = {
        "jsonl": write_lines,
        "json": write_list,
        "csv": partial(write_delimited, "csv"),
        "tsv": partial(write_delimited, "tsv"),
        "parquet": partial(write_parquet, folder=_folder(path)),
    }
    yield from packed(writers[form](rows), path)


def _folder(path: Path | None) -> Path | None:
    """Return the folder that a file is to be in, if there is one already."""
    folder = path.resolve().parent if path else None
    return folder if folder and folder.is_dir() else None
