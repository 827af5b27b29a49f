"""SHA256SUMS: the checksums of all other files of a release, as `sha256sum -c` reads them.

Decides: the form of the file. Names are relative, with slashes, and in order. Does not know: what
files hold.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from selfinstruct.storage import file_digest, replace_file

SUMS = "SHA256SUMS"


class Listed(msgspec.Struct, frozen=True):
    """A file of a release: its name below the folder, bytes, and SHA-256."""

    path: str
    size: int
    sha256: str


def listed(folder: Path) -> list[Listed]:
    """Return all files below a folder but SHA256SUMS."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return [entry(folder, path) for path in paths if path != folder / SUMS]


def entry(folder: Path, path: Path) -> Listed:
    """Return one file below a folder."""
    name = path.relative_to(folder).as_posix()
    return Listed(name, path.stat().st_size, file_digest(path))


def write_sums(folder: Path, files: Iterable[Listed]) -> list[Listed]:
    """Write SHA256SUMS of files, in order of their names; return them in that order."""
    found = sorted(files, key=lambda one: one.path)
    text = "".join(f"{one.sha256}  {one.path}\n" for one in found)
    replace_file(folder / SUMS, text.encode())
    return found


def names_in(sums: Path) -> set[str]:
    """Return the names that a SHA256SUMS lists; none where there is no such file."""
    try:
        lines = sums.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return set()
    return {line[66:] for line in lines if line[64:66] == "  "}
