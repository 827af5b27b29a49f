"""What a small Hub keeps: repositories with commits, branches and tags, and large objects.

A commit holds whole files, so that a test can look at any of them as a reader would.
"""

import hashlib
import threading
from collections.abc import Mapping
from typing import NamedTuple

LFS_FROM = 50_000
"""Bytes from which this Hub keeps a file outside of git (the real one: 10 MB)."""

LFS_ENDS = (".gz", ".zst", ".parquet", ".bin")


class Blob(NamedTuple):
    """A file: its bytes, and whether git has only a pointer to them."""

    data: bytes
    lfs: bool = False

    @property
    def sha256(self) -> str:
        """The digest by which large objects are known."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def pointer(self) -> bytes:
        """What git keeps of a large file."""
        lines = ("version https://git-lfs.github.com/spec/v1", f"oid sha256:{self.sha256}")
        return "\n".join([*lines, f"size {len(self.data)}", ""]).encode()

    @property
    def git(self) -> str:
        """The digest of what git keeps."""
        kept = self.pointer if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0%b" % (len(kept), kept)).hexdigest()  # noqa: S324 (git's)

    @property
    def etag(self) -> str:
        """What a download is cached by."""
        return self.sha256 if self.lfs else self.git


Files = Mapping[str, Blob]


class Commit(NamedTuple):
    """All files at one time."""

    oid: str
    parent: str
    title: str
    author: str
    files: Files

    def content(self) -> dict[str, bytes]:
        """Return the bytes of each file."""
        return {path: blob.data for path, blob in self.files.items()}


class Repo:
    """A dataset repository, with the commit that every new one has."""

    def __init__(self, name: str, *, private: bool) -> None:
        self.name = name
        self.private = private
        self.commits: dict[str, Commit] = {}
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        attributes = "".join(f"*{end} filter=lfs diff=lfs merge=lfs -text\n" for end in LFS_ENDS)
        self.add({".gitattributes": Blob(attributes.encode())}, "initial commit", "system")

    def add(self, files: Files, title: str, author: str) -> Commit:
        """Put a commit on `main`."""
        parent = self.branches.get("main", "")
        names = "".join(f"{path}\0{blob.git}\n" for path, blob in sorted(files.items()))
        text = f"{self.name}\n{parent}\n{len(self.commits)}\n{title}\n{names}"
        oid = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 (git's)
        self.commits[oid] = Commit(oid, parent, title, author, dict(files))
        self.branches["main"] = oid
        return self.commits[oid]

    def at(self, revision: str) -> Commit | None:
        """Return the commit of a branch, a tag or a digest."""
        oid = self.branches.get(revision) or self.tags.get(revision) or revision
        return self.commits.get(oid)

    @property
    def head(self) -> Commit:
        """The newest commit of `main`."""
        return self.commits[self.branches["main"]]

    def history(self) -> list[Commit]:
        """Return the commits of `main`, the newest first."""
        return self.since(self.branches["main"])

    def since(self, oid: str) -> list[Commit]:
        """Return a commit and those before it."""
        found = []
        while oid:
            found.append(self.commits[oid])
            oid = self.commits[oid].parent
        return found


class Store:
    """All that a Hub keeps; a lock makes every commit one step."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.users: dict[str, str] = {}
        self.lock = threading.RLock()

    def other_commit(self, name: str, path: str, data: bytes, title: str) -> Commit:
        """Let somebody else change a file."""
        with self.lock:
            repo = self.repos[name]
            return repo.add({**repo.head.files, path: Blob(data)}, title, "somebody")
