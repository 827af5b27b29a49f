"""Taking grown tasks out of a finished run, as if their rounds had refused them.

Decides: that a task goes from the pool rows of its round to the end of the refusals of that
round, what becomes of the markers and of an unfinished round, and that a kill at any instant
leaves either the old run or a move that the next process finishes. Does not know: why a task
has to go, or settings and models.

The complete new files are written to BUILDING and reach the disk; renaming that folder to PENDING
is the commit; then the files move to their places, one by one, and the folder goes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from shutil import rmtree
from typing import NamedTuple

import msgspec

from selfinstruct.novelty import Match
from selfinstruct.run.lock import locked
from selfinstruct.run.markers import (
    PENDING,
    Marker,
    checked_end,
    marker_path,
    read_markers,
    require_run,
)
from selfinstruct.sift import Rejected
from selfinstruct.storage import replace_file, storage_error, sync_folder
from selfinstruct.task import Task, to_json

BUILDING = f"{PENDING}.tmp"
"""A folder of a run: files that are not complete yet, and are of no use after a kill."""


class Evidence(msgspec.Struct, frozen=True):
    """Why a task has to go: in words, and what it is like, if that is one thing."""

    detail: str
    nearest: Match | None = None


class Reason(NamedTuple):
    """What refuses: the stage and the rule, as in `Rejected`."""

    stage: str
    rule: str


class _Span(NamedTuple):
    """A round's share of a file: where it ends, the digest of its bytes, and its rows."""

    end: int
    digest: str
    rows: int


@contextmanager
def taken(folder: Path) -> Iterator[list[Marker]]:
    """Hold a run folder without its settings; yield its markers, once the files are what they say.

    Raises InputError where there is no run, RunError where it is damaged or in use.
    """
    require_run(folder)
    lock = locked(folder)
    try:
        settle(folder)
        markers = read_markers(folder)
        for name in ("pool", "rejected"):
            checked_end(folder / f"{name}.jsonl", name, markers)
        yield markers
    finally:
        lock.release()


def remove(
    folder: Path, markers: Sequence[Marker], gone: Mapping[int, Evidence], reason: Reason
) -> None:
    """Refuse grown tasks after the fact, by their place in the pool (from 0).

    For who holds the lock. The journal of a round that was not finished goes too: it answers
    prompts that were drawn from the larger pool.
    """
    building = folder / BUILDING
    try:
        _build(building, folder, markers, gone, reason)
        building.rename(folder / PENDING)
        sync_folder(folder)
    except OSError as error:
        raise storage_error(error, folder) from error
    finally:
        rmtree(building, ignore_errors=True)
    settle(folder)


def settle(folder: Path) -> None:
    """Finish a move that was committed, and forget one that was not. For who holds the lock."""
    building, pending = folder / BUILDING, folder / PENDING
    try:
        if building.exists():
            rmtree(building)
        if not pending.exists():
            return
        for path in unfinished(folder):
            path.unlink()
            sync_folder(path.parent)
        for path in sorted(pending.rglob("*.json*")):
            path.replace(folder / path.relative_to(pending))
        sync_folder(folder / "rounds")
        sync_folder(folder)
        rmtree(pending)
        sync_folder(folder)
    except OSError as error:
        raise storage_error(error, folder) from error


def unfinished(folder: Path) -> list[Path]:
    """Return the journals of a round that has no marker yet."""
    rounds = len(list((folder / "rounds").glob("[0-9]*.json")))
    journals = sorted((folder / "journal").glob("[0-9]*.jsonl"))
    return [path for path in journals if int(path.name.partition("-")[0]) > rounds]


def _build(
    building: Path,
    folder: Path,
    markers: Sequence[Marker],
    gone: Mapping[int, Evidence],
    reason: Reason,
) -> None:
    """Write the files as they are to be, and wait until they are on the disk."""
    pool = _write(building / "pool.jsonl", _pool(folder, markers, gone))
    rejected = _write(building / "rejected.jsonl", _rejected(folder, markers, gone, reason))
    for old, kept, refused in zip(markers, pool, rejected, strict=True):
        new = _marker(old, kept, refused, reason.rule)
        if new != old:
            replace_file(marker_path(building, new.round), to_json(new) + b"\n")
    sync_folder(building)


def _marker(old: Marker, pool: _Span, rejected: _Span, rule: str) -> Marker:
    """Return the marker of a round that has refused some of its tasks."""
    reasons = dict(old.rejected)
    if moved := old.accepted - pool.rows:
        reasons[rule] = reasons.get(rule, 0) + moved
    return msgspec.structs.replace(
        old,
        accepted=pool.rows,
        rejected=dict(sorted(reasons.items())),
        pool_bytes=pool.end,
        pool_digest=pool.digest,
        rejected_bytes=rejected.end,
        rejected_digest=rejected.digest,
    )


def _write(path: Path, rounds: Iterable[Iterable[bytes]]) -> list[_Span]:
    """Write the lines of all rounds to a file, and return what each round has of it."""
    spans: list[_Span] = []

    def lines() -> Iterator[bytes]:
        end = 0
        for lines_of_round in rounds:
            found, rows = sha256(), 0
            for line in lines_of_round:
                found.update(line)
                end += len(line)
                rows += 1
                yield line
            spans.append(_Span(end, found.hexdigest(), rows))

    replace_file(path, lines())
    return spans


def _pool(
    folder: Path, markers: Sequence[Marker], gone: Mapping[int, Evidence]
) -> Iterator[Iterator[bytes]]:
    """Yield by round the lines of the tasks that stay."""
    places = count()
    for lines in _rounds(folder / "pool.jsonl", [one.pool_bytes for one in markers]):
        yield (line for line in lines if next(places) not in gone)


def _rejected(
    folder: Path, markers: Sequence[Marker], gone: Mapping[int, Evidence], reason: Reason
) -> Iterator[Iterator[bytes]]:
    """Yield by round the lines of what it refused, then those of the tasks that go."""
    places = count()
    grown = _rounds(folder / "pool.jsonl", [one.pool_bytes for one in markers])
    refused = _rounds(folder / "rejected.jsonl", [one.rejected_bytes for one in markers])
    for tasks, lines in zip(grown, refused, strict=True):
        yield _with_refusals(lines, tasks, places, gone, reason)


def _with_refusals(
    lines: Iterator[bytes],
    tasks: Iterator[bytes],
    places: Iterator[int],
    gone: Mapping[int, Evidence],
    reason: Reason,
) -> Iterator[bytes]:
    """Yield the refusals of one round: those there are, and those of its tasks that go."""
    yield from lines
    for line in tasks:
        if found := gone.get(next(places)):
            task = msgspec.json.decode(line, type=Task)
            row = Rejected(reason.stage, reason.rule, found.detail, task, found.nearest)
            yield to_json(row) + b"\n"


def _rounds(path: Path, ends: Sequence[int]) -> Iterator[Iterator[bytes]]:
    """Yield the lines of each round; each round is to be read to its end before the next."""
    if not ends:
        return
    with path.open("rb") as data:
        for end in ends:
            yield iter(partial(lambda end: data.readline() if data.tell() < end else b"", end), b"")
