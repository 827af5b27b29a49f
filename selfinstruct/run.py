"""The run folder: what is frozen, what is finished, and how a killed run goes on.

Decides: which files a run has, that only one process writes them, that a run is never resumed
with other settings, and that whatever lies beyond the last round marker is rebuilt. Does not
know: what a round does, or any model.
"""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec
import tomli_w
from filelock import FileLock, Timeout

from selfinstruct.errors import InputError, RunError
from selfinstruct.settings import Settings
from selfinstruct.sift import Rejected
from selfinstruct.storage import (
    Row,
    append_rows,
    file_digest,
    read_rows,
    replace_file,
    storage_error,
    truncate,
)
from selfinstruct.task import Task, to_json


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


class Outcome(msgspec.Struct, kw_only=True):
    """What a round came to, before it is written: verdicts in slot order, and its cost."""

    round: int
    proposed: int = 0
    kept: list[Task] = msgspec.field(default_factory=list)
    rejected: list[Rejected] = msgspec.field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Timing(msgspec.Struct, frozen=True):
    """timings.jsonl: how long a stage took in one process. For people; no data depends on it."""

    round: int
    stage: str
    seconds: float


class Run:
    """A run folder that this process has locked: the finished rounds, and a place for the next."""

    def __init__(
        self, folder: Path, settings: Settings, *, version: str, fork: Path | None = None
    ) -> None:
        """Create a run or take one up; raise RunError when it is locked or is another's.

        A new run with `fork` begins with the finished rounds of that run.
        """
        self.folder = folder
        self.settings = settings
        self._lock = _locked(folder)
        try:
            if (folder / "run.toml").exists():
                _same_settings(folder, settings)
                _same_fork(folder, fork)
            else:
                _create(folder, settings, version, fork)
            self.markers = read_markers(folder)
            self._cut_unfinished()
            self.grown = list(read_rows(folder / "pool.jsonl", Task))
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let others have the folder."""
        self._lock.release()

    def journal_path(self, number: int, stage: str) -> Path:
        """Return the file that keeps the completions of a stage."""
        return self.folder / "journal" / f"{number:04d}-{stage}.jsonl"

    def finish(self, outcome: Outcome) -> Marker:
        """Append a round's tasks and refusals, then write its marker: now it exists."""
        number, kept, rejected = outcome.round, outcome.kept, outcome.rejected
        pool, refused = self.folder / "pool.jsonl", self.folder / "rejected.jsonl"
        starts = (_end(self.markers, "pool"), _end(self.markers, "rejected"))
        append_rows(pool, kept)
        append_rows(refused, rejected)
        reasons: dict[str, int] = {}
        for row in rejected:
            reasons[row.rule] = reasons.get(row.rule, 0) + 1
        marker = Marker(
            round=number,
            proposed=outcome.proposed,
            accepted=len(kept),
            rejected=dict(sorted(reasons.items())),
            prompt_tokens=outcome.prompt_tokens,
            completion_tokens=outcome.completion_tokens,
            pool_bytes=pool.stat().st_size,
            pool_digest=file_digest(pool, starts[0]),
            rejected_bytes=refused.stat().st_size,
            rejected_digest=file_digest(refused, starts[1]),
        )
        replace_file(marker_path(self.folder, number), to_json(marker) + b"\n")
        self.markers.append(marker)
        self.grown.extend(kept)
        return marker

    def record_time(self, number: int, stage: str, seconds: float) -> None:
        """Note how long a stage took, for the closing table."""
        append_rows(self.folder / "timings.jsonl", [Timing(number, stage, round(seconds, 3))])

    def _cut_unfinished(self) -> None:
        """Cut both files back to the last marker, once they are known to be what markers say."""
        for name in ("pool", "rejected"):
            path = self.folder / f"{name}.jsonl"
            try:
                truncate(path, _checked_end(path, name, self.markers))
            except OSError as error:
                raise storage_error(error, path) from error


def _checked_end(path: Path, name: str, markers: Sequence[Marker]) -> int:
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


def marker_path(folder: Path, number: int) -> Path:
    """Return the path of a round's marker."""
    return folder / "rounds" / f"{number:04d}.json"


def read_markers(folder: Path) -> list[Marker]:
    """Return the markers of the finished rounds, in order; raise RunError for a damaged one."""
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
    return markers


def finished_rows(folder: Path, name: Literal["pool", "rejected"], row: type[Row]) -> Iterator[Row]:
    """Yield the rows of pool.jsonl or rejected.jsonl that belong to finished rounds."""
    return read_rows(folder / f"{name}.jsonl", row, end=_end(read_markers(folder), name))


def _end(markers: Sequence[Marker], name: str) -> int:
    """Return where the finished rounds end in a file."""
    return int(getattr(markers[-1], f"{name}_bytes")) if markers else 0


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


def _locked(folder: Path) -> FileLock:
    """Create the folder if need be and lock it; raise RunError when another process has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        hint = "wait for the other process to end, or give this one its own folder with --out"
        raise RunError(f"{folder} is in use by another process", hint=hint) from error
    except OSError as error:
        raise storage_error(error, folder) from error
    return lock


def _create(folder: Path, settings: Settings, version: str, fork: Path | None) -> None:
    """Freeze the settings of a new run; run.toml is written last.

    The file ".new" says that what lies in the folder is ours, left by a process that was killed
    in the middle of this, so that nothing of anybody else's is ever written over.
    """
    others = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if others and not (folder / ".new").exists():
        message = f"{folder} is not empty and not a run folder (it holds {others[0]!r})"
        raise RunError(message, hint="give a new folder with --out")
    tree = settings.frozen(version)
    if fork is not None:
        tree["forked_from"] = {"fingerprint": require_run(fork)["fingerprint"]}
    replace_file(folder / ".new", b"")
    if fork is not None:
        _copy_rounds(fork, folder)
    replace_file(folder / "seeds.jsonl", [to_json(task) + b"\n" for task in settings.seeds])
    text = tomli_w.dumps(tree, multiline_strings=True)
    replace_file(folder / "run.toml", text.encode())
    (folder / ".new").unlink()


def _copy_rounds(fork: Path, folder: Path) -> None:
    """Copy the finished rounds of a run, which may be growing meanwhile: hence markers first."""
    markers = read_markers(fork)
    try:
        for name in ("pool.jsonl", "rejected.jsonl", "timings.jsonl"):
            if (fork / name).exists():
                replace_file(folder / name, (fork / name).read_bytes())
    except OSError as error:
        hint = "the run that --fork names is damaged; restore it"
        raise RunError(f"cannot read {error.filename}: {error.strerror}", hint=hint) from error
    for marker in markers:
        replace_file(marker_path(folder, marker.round), to_json(marker) + b"\n")


def _same_fork(folder: Path, fork: Path | None) -> None:
    """Refuse to fork into a run that is there already, unless it is that fork."""
    if fork is not None and "forked_from" not in require_run(folder):
        message = f"{folder} is a run already, and no fork: nothing of {fork} would come into it"
        raise RunError(message, hint="give a new folder with --out, or leave out --fork")


def _same_settings(folder: Path, settings: Settings) -> None:
    """Refuse to go on with a run that was begun with other settings, naming what differs."""
    had = require_run(folder)["fingerprint"]
    differing = [
        f"{name}: {had.get(name, 'none')!r} there, {value!r} now"
        for name, value in settings.fingerprint().items()
        if had.get(name) != value
    ]
    if differing:
        message = f"{folder} was begun with other settings ({'; '.join(differing)})"
        hint = (
            f"use the same settings to go on, or fork: selfinstruct grow --fork {folder} "
            "--out NEW_FOLDER starts a new run from its finished rounds"
        )
        raise RunError(message, hint=hint)
