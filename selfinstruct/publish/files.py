"""A release as a folder: its files, their checksums, and which paths are its own.

Decides: how SHA256SUMS is read and compared, which files of a folder or a repository belong to a
release, and what differs from its sums. Does not know: what the files hold, or where they go.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from selfinstruct.errors import InputError
from selfinstruct.publish.sums import SUMS

OWN_FOLDERS = ("config/", "data/", "images/")
OWN_FILES = ("README.md", "croissant.json", "dataset_info.json", SUMS)
"""What a release has to itself in a repository: all else there is left alone."""

_LINE = re.compile(r"([0-9a-f]{64}) [ *](\S|\S.*\S)")
_BLOCK = 1 << 20


class Watch(Protocol):
    """Is told how far a piece of work is."""

    def begin(self, what: str, total: int) -> None:
        """Take note that a piece of work of so many bytes begins."""

    def moved(self, count: int) -> None:
        """Take note of bytes that are done."""

    def say(self, text: str) -> None:
        """Take note of something a person should know."""


class LocalFile(NamedTuple):
    """A file of a release: its size in bytes, and its digests (SHA-256, and git's of a blob)."""

    path: Path
    size: int
    sha256: str
    git: str


class Differences(NamedTuple):
    """What is not as its sums say: paths, sorted."""

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def total(self) -> int:
        """Return how many files differ."""
        return len(self.missing) + len(self.changed) + len(self.extra)


def is_own(path: str) -> bool:
    """Say whether a path of a repository belongs to releases."""
    return path in OWN_FILES or path.startswith(OWN_FOLDERS)


def is_release(folder: Path) -> bool:
    """Say whether a folder holds a release."""
    return (folder / SUMS).is_file()


def read_sums(data: bytes, where: str) -> dict[str, str]:
    """Return the SHA-256 of each file that SHA256SUMS lists, by its path.

    Raises InputError, with the line, for what is no such list, or leads out of the release.
    """
    hint = "it has lines as `sha256sum` writes them: 64 digits, two spaces, a path"
    try:
        lines = data.decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not UTF-8", hint=hint) from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if not match or not _inside(match[2]) or match[2] in found or match[2] == SUMS:
            raise InputError(f"{where}:{number}: not a sum: {line[:200]!r}", hint=hint)
        found[match[2]] = match[1]
    if not found:
        raise InputError(f"{where}: lists no file", hint=hint)
    return found


def _inside(path: str) -> bool:
    """Say whether a path stays below where it starts, and is written in one way only."""
    parts = path.split("/")
    return not {"", ".", "..", ".git"} & set(parts) and "\\" not in path and path.isprintable()


def checked_folder(folder: Path, watch: Watch) -> tuple[dict[str, LocalFile], Differences]:
    """Return the files of a release, SHA256SUMS among them, and what is not as that says.

    Raises InputError for a folder without SHA256SUMS, or with files that cannot be read.
    """
    try:
        sums = read_sums((folder / SUMS).read_bytes(), str(folder / SUMS))
        there = set(_paths(folder))
        listed = [name for name in (*sums, SUMS) if name in there]
        watch.begin("checking", sum((folder / name).stat().st_size for name in listed))
        found = {name: _digested(folder / name, watch) for name in sorted(listed)}
    except FileNotFoundError as error:
        message = f"{error.filename}: no such file"
        raise InputError(message, hint="a release is a folder with SHA256SUMS") from error
    except OSError as error:
        message = f"cannot read {error.filename or folder}: {error.strerror}"
        raise InputError(message, hint="see that it can be read") from error
    digests = {name: file.sha256 for name, file in found.items() if name != SUMS}
    return found, differences(sums, digests, there)


def whole_folder(folder: Path, watch: Watch) -> dict[str, LocalFile]:
    """Return the files of a release; raise InputError where they are not as its sums say."""
    files, found = checked_folder(folder, watch)
    if found.total:
        first = (*found.missing, *found.changed, *found.extra)[0]
        message = f"{folder}: {found.total} files are not as {SUMS} says, the first: {first}"
        raise InputError(message, hint=f"see: selfinstruct verify {folder}")
    return files


def differences(
    sums: Mapping[str, str], digests: Mapping[str, str], there: Iterable[str]
) -> Differences:
    """Compare files with their sums; of those `there` without one, only a release's own count."""
    missing = sorted(set(sums) - set(digests))
    changed = sorted(name for name, digest in digests.items() if sums[name] != digest)
    extra = sorted(name for name in set(there) - set(sums) - {SUMS} if is_own(name))
    return Differences(tuple(missing), tuple(changed), tuple(extra))


def _paths(folder: Path) -> Iterator[str]:
    """Yield the files below a folder, as paths with slashes; git's own are passed over."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        yield from ((Path(place) / name).relative_to(folder).as_posix() for name in names)


def _digested(path: Path, watch: Watch) -> LocalFile:
    """Read a file once, for both its digests."""
    size = path.stat().st_size
    sha256 = hashlib.sha256()
    git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as data:
        while block := data.read(_BLOCK):
            sha256.update(block)
            git.update(block)
            watch.moved(len(block))
    return LocalFile(path, size, sha256.hexdigest(), git.hexdigest())
