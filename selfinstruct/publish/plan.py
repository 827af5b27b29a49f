"""What a release would do to a repository: which files it adds, changes and deletes.

Decides: when two files are the same, and what is deleted. Touches nothing. Does not know: how a
repository is read or written.
"""

from collections.abc import Mapping
from typing import NamedTuple

from selfinstruct.publish.files import LocalFile, is_own
from selfinstruct.publish.repository import RemoteFile


class Change(NamedTuple):
    """A path, and its bytes: those that come, or with a deletion those that go."""

    path: str
    size: int


class Plan(NamedTuple):
    """What is to be done, by path; `same` counts the files that are there already."""

    add: tuple[Change, ...]
    change: tuple[Change, ...]
    delete: tuple[Change, ...]
    same: int

    def __bool__(self) -> bool:
        """Say whether there is anything to do."""
        return bool(self.add or self.change or self.delete)

    @property
    def sent(self) -> tuple[Change, ...]:
        """Return what is uploaded."""
        return tuple(sorted(self.add + self.change))


def make_plan(files: Mapping[str, LocalFile], there: Mapping[str, RemoteFile]) -> Plan:
    """Compare a release with what a repository holds.

    Only what belongs to releases is deleted: other people's files stay.
    """
    add = [Change(path, file.size) for path, file in files.items() if path not in there]
    differ = [
        Change(path, file.size)
        for path, file in files.items()
        if path in there and not is_same(file, there[path])
    ]
    gone = [
        Change(path, file.size)
        for path, file in there.items()
        if path not in files and is_own(path)
    ]
    same = len(files) - len(add) - len(differ)
    return Plan(tuple(sorted(add)), tuple(sorted(differ)), tuple(sorted(gone)), same)


def is_same(local: LocalFile, remote: RemoteFile) -> bool:
    """Say whether two files hold the same bytes, by the digest that the server keeps."""
    if remote.sha256:
        return local.sha256 == remote.sha256
    return local.size == remote.size and local.git == remote.git
