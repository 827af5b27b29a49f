"""What is finished in a run folder, and what it took: markers, rows and timings.

Decides: that a round exists because its marker does, and which rows belong to finished rounds.
Does not know: how a round is played or written.
"""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from selfinstruct.errors import InputError, RunError
from selfinstruct.storage import Row, file_digest, read_rows

PENDING = ".decontaminate"
"""A folder of a run: complete files that are about to take the places of others (see remove)."""


class Marker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """rounds/0003.json: the round exists because this file does.

    Byte counts are those of the whole file after the round; digests (SHA-256) are of the bytes
    that the round added. Tokens are those of all completions the round used.
    """

    round: int
    proposed: int
    accepted: int
    rejected: dict[str, int]
    prompt_tokens: int
    completion_tokens: int
    pool_bytes: int
    pool_digest: str
    rejected_bytes: int
    rejected_digest: str


class Timing(msgspec.Struct, frozen=True):
    """timings.jsonl: how long a process worked on a round. For people; no data depends on it."""

    round: int
    seconds: float


def marker_path(folder: Path, number: int) -> Path:
    """Return the path of a round's marker."""
    return folder / "rounds" / f"{number:04d}.json"


def read_markers(folder: Path) -> list[Marker]:
    """Return the markers of the finished rounds, in order; raise RunError for a damaged one."""
    _refuse_pending(folder)
    markers: list[Marker] = []
    hint = "restore it, or delete it and all later ones: their rounds are played again"
    for number in range(1, len(list((folder / "rounds").glob("[0-9]*.json"))) + 1):
        path = marker_path(folder, number)
        try:
            markers.append(msgspec.json.decode(path.read_bytes(), type=Marker))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RunError(f"{path}: not a round marker: {error}", hint=hint) from error
        except OSError as error:
            raise RunError(f"cannot read {path}: {error.strerror}", hint=hint) from error
        if markers[-1].round != number:
            message = f"{path}: the marker of round {markers[-1].round}, not of {number}"
            raise RunError(message, hint=hint)
    _refuse_pending(folder)  # a move that began meanwhile has exchanged some of them
    return markers


def _refuse_pending(folder: Path) -> None:
    """Raise RunError while some files of a run are from before a move, and some from after it."""
    if (folder / PENDING).exists():
        message = f"tasks are being moved out of {folder}, or a process that did so was killed"
        hint = "give the same `selfinstruct decontaminate` command again: it finishes the move"
        raise RunError(message, hint=hint)


def finished_rows(folder: Path, name: Literal["pool", "rejected"], row: type[Row]) -> Iterator[Row]:
    """Yield the rows of pool.jsonl or rejected.jsonl that belong to finished rounds."""
    return read_rows(folder / f"{name}.jsonl", row, end=rows_end(read_markers(folder), name))


def rows_end(markers: Sequence[Marker], name: str) -> int:
    """Return where the finished rounds end in a file."""
    return int(getattr(markers[-1], f"{name}_bytes")) if markers else 0


def checked_end(path: Path, name: str, markers: Sequence[Marker]) -> int:
    """Return where the last round ends in a file; raise RunError where a round is not intact."""
    size = path.stat().st_size if path.exists() else 0
    start = 0
    for one in markers:
        end, expected = getattr(one, f"{name}_bytes"), getattr(one, f"{name}_digest")
        if not start <= end <= size or (end > start and file_digest(path, start, end) != expected):
            message = f"{path} was changed after round {one.round} was finished, or its marker was"
            hint = "restore the file; to edit grown tasks, export them and edit the export"
            raise RunError(message, hint=hint)
        start = end
    return start


def seconds_by_round(folder: Path) -> dict[int, float]:
    """Return how long each round took, all attempts together."""
    spent: dict[int, float] = {}
    for timing in read_rows(folder / "timings.jsonl", Timing):
        spent[timing.round] = spent.get(timing.round, 0.0) + timing.seconds
    return spent


def require_run(folder: Path) -> dict[str, Any]:
    """Return the content of a folder's run.toml; raise InputError where there is none."""
    path = folder / "run.toml"
    hint = "the file was changed by hand; restore it"
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = f"start one with: selfinstruct grow --out {folder}"
        raise InputError(f"{folder} is not a run folder: it has no run.toml", hint=hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunError(f"{path}: not TOML: {error}", hint=hint) from error
    if not isinstance(tree.get("fingerprint"), dict):
        raise RunError(f"{path}: there is no table [fingerprint], as every run has", hint=hint)
    return tree
