"""A run folder that is open: what is frozen, what is finished, and how a killed run goes on.

Decides: which files a run has, that only one process writes them, and that whatever lies beyond
the last round marker is rebuilt. Does not know: what a round does, or any model.
"""

from pathlib import Path
from typing import Self

import msgspec

from selfinstruct.run.create import create, same_fork, same_settings
from selfinstruct.run.lock import locked
from selfinstruct.run.markers import (
    Marker,
    Timing,
    checked_end,
    marker_path,
    read_markers,
    rows_end,
)
from selfinstruct.run.remove import settle
from selfinstruct.settings import Settings
from selfinstruct.sift import Rejected
from selfinstruct.storage import (
    append_rows,
    file_digest,
    read_rows,
    replace_file,
    storage_error,
    truncate,
)
from selfinstruct.task import Task, to_json


class Outcome(msgspec.Struct, kw_only=True):
    """What a round came to, before it is written: verdicts in slot order, and its cost."""

    round: int
    proposed: int = 0
    kept: list[Task] = msgspec.field(default_factory=list)
    rejected: list[Rejected] = msgspec.field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Run:
    """A run folder that this process has locked: the finished rounds, and a place for the next."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        *,
        version: str,
        fork: Path | None = None,
        source: Path | None = None,
    ) -> None:
        """Create a run or take one up; raise RunError when it is locked or is another's.

        A new run with `fork` begins with the finished rounds of that run; with `source`, with
        their journal alone, so that they can be judged anew.
        """
        self.folder = folder
        self.settings = settings
        self._lock = locked(folder)
        try:
            if (folder / "run.toml").exists():
                same_settings(folder, settings)
                same_fork(folder, fork, source)
                settle(folder)
                (folder / ".new").unlink(missing_ok=True)
            else:
                create(folder, settings, version, fork, source)
            self.markers = read_markers(folder)
            self._cut_unfinished()
            self.grown = list(read_rows(folder / "pool.jsonl", Task))
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Let others have the folder."""
        self._lock.release()

    @property
    def journals(self) -> Path:
        """Return the folder that keeps the completions."""
        return self.folder / "journal"

    def finish(self, outcome: Outcome) -> Marker:
        """Append a round's tasks and refusals, then write its marker: now it exists."""
        number, kept, rejected = outcome.round, outcome.kept, outcome.rejected
        pool, refused = self.folder / "pool.jsonl", self.folder / "rejected.jsonl"
        starts = (rows_end(self.markers, "pool"), rows_end(self.markers, "rejected"))
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

    def forget(self, number: int) -> None:
        """Drop the journal of a round, so that the next run asks again."""
        for path in self.journals.glob(f"{number:04d}-*.jsonl"):
            path.unlink(missing_ok=True)

    def record_time(self, number: int, seconds: float) -> None:
        """Note how long this process worked on a round, for the closing table."""
        append_rows(self.folder / "timings.jsonl", [Timing(number, round(seconds, 3))])

    def _cut_unfinished(self) -> None:
        """Cut both files back to the last marker, once they are known to be what markers say."""
        for name in ("pool", "rejected"):
            path = self.folder / f"{name}.jsonl"
            try:
                truncate(path, checked_end(path, name, self.markers))
            except OSError as error:
                raise storage_error(error, path) from error
