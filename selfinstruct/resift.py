"""Sifting a run again, by another recipe: what was proposed and answered is taken as it was.

Decides: what of a run is a fact (what the model wrote, and when) and what is a verdict that can
be made anew; and how two sets of verdicts differ. Does not know: how a rule judges, or where
the answers came from. Under its own recipe a run comes out with the same bytes.

Drafts are the rows of pool.jsonl and rejected.jsonl, answers are in the journal. A draft that was
refused before it was answered and passes now has no answer: it is refused as "unanswered", unless
there is an engine to ask.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from selfinstruct.conversation import OVER_BUDGET, UNASKED, Conversation
from selfinstruct.engines.base import Completion, Engine, EngineInfo, Prompt, failed
from selfinstruct.journal import Recorded
from selfinstruct.play import judge_by_another, sift_and_answer
from selfinstruct.pool import Pool
from selfinstruct.pool_novelty import PoolNovelty
from selfinstruct.run import Marker, Outcome, Run, read_markers
from selfinstruct.settings import Settings
from selfinstruct.sift import Kept, Rejected, Verdict
from selfinstruct.stages.base import NEVER_ASKED, Round, Unwatched, Watch, draw_exemplars
from selfinstruct.storage import read_rows
from selfinstruct.task import Origin, Task

FACTS = frozenset({"truncated", "no_task", "surplus", "engine_error", "budget"})
"""What a proposal is refused by, whatever the recipe: what the model wrote is no whole draft."""


class Nobody:
    """An engine that answers nothing: what is not in the journal was never asked."""

    def __init__(self, error: str) -> None:
        self.info = EngineInfo(model="")
        self._error = error

    def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
        """Fail every prompt."""
        for prompt in prompts:
            if prompt is not None:
                yield msgspec.structs.replace(failed(prompt, ""), error=self._error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing is open."""


class Recording(NamedTuple):
    """A run that was played: its folder, and the settings it was played by."""

    folder: Path
    settings: Settings


class Change(msgspec.Struct, frozen=True):
    """A draft whose fate is another one: "kept", or the rule that refused it, before and after."""

    id: str
    instruction: str
    before: str
    after: str


def resift(
    source: Recording,
    run: Run,
    *,
    engine: Engine | None = None,
    judge: Engine | None = None,
    watch: Watch | None = None,
) -> Iterator[Marker]:
    """Judge the finished rounds of a run anew, by the recipe of a new one; yield each marker.

    How drafts were asked for and answered stays that of the source. Rounds that the new run has
    already are not judged again.
    """
    asked = source.settings.recipe
    recipe = msgspec.structs.replace(
        run.settings.recipe,
        propose=asked.propose,
        classify=asked.classify,
        instances=asked.instances,
    )
    settings = msgspec.structs.replace(run.settings, recipe=recipe)
    pool = Pool(settings.seeds, run.grown)
    novelty = PoolNovelty(recipe.novelty)
    novelty.recall((*pool.seeds, *pool.grown), run.folder / "novelty.index")
    exemplars = draw_exemplars(settings, pool)
    budget = source.settings.max_tokens_per_round
    nobody = Nobody(OVER_BUDGET if budget else UNASKED)
    rounds = _Rounds(source.folder)
    for marker in rounds.markers[len(run.markers) :]:
        now = Round(
            settings=settings,
            engine=engine or nobody,
            pool=pool,
            watch=watch or Unwatched(),
            exemplars=exemplars,
            outcome=Outcome(round=marker.round),
            judge=judge or (nobody if run.settings.judge else None),
        )
        outcome = _judged(now, novelty, run.journals, rounds.rows(marker), marker)
        for task in outcome.kept:
            pool.add(task)
        novelty.add(outcome.kept)
        yield run.finish(outcome)


class _Rows(NamedTuple):
    """What the files say of one round."""

    kept: list[Task]
    rejected: list[Rejected]


class _Rounds:
    """The finished rounds of a run, and their rows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.markers = read_markers(folder)

    def rows(self, marker: Marker) -> _Rows:
        """Return the rows of a round."""
        before = self.markers[marker.round - 2] if marker.round > 1 else None
        starts = (before.pool_bytes, before.rejected_bytes) if before else (0, 0)
        pool, rejected = self._folder / "pool.jsonl", self._folder / "rejected.jsonl"
        return _Rows(
            list(read_rows(pool, Task, start=starts[0], end=marker.pool_bytes)),
            list(read_rows(rejected, Rejected, start=starts[1], end=marker.rejected_bytes)),
        )


def _judged(
    now: Round, novelty: PoolNovelty, journals: Path, rows: _Rows, marker: Marker
) -> Outcome:
    """Judge the drafts of a round anew."""
    step = f"{marker.round:04d}"
    with (
        Recorded(journals, step, NEVER_ASKED) as journal,
        Conversation(now.engine, journal, now.watch) as talk,
    ):
        sift_and_answer(now, novelty, talk, ([verdict] for verdict in drafts(rows)))
        if now.judge:
            judge_by_another(now, journal)
        fresh = journal.fresh
    outcome = now.outcome
    # what the round cost when it was played, and what was asked for since
    outcome.prompt_tokens = marker.prompt_tokens + sum(one.prompt_tokens for one in fresh)
    outcome.completion_tokens = marker.completion_tokens + sum(
        one.completion_tokens for one in fresh
    )
    _take_out(outcome, rows.rejected)
    return outcome


def drafts(rows: _Rows) -> list[Verdict]:
    """Return the proposals of a round in the order they were made: drafts, and what is none."""
    found: dict[str, Verdict] = {}
    for task in rows.kept:
        found[task.origin.prompt] = Kept(_draft(task))
    for row in rows.rejected:
        fact = row.stage == "propose" and row.rule in FACTS
        found.setdefault(row.task.origin.prompt, row if fact else Kept(_draft(row.task)))
    return [found[place] for place in sorted(found, key=_order)]


_PLAIN = Origin(kind="")
"""What it has by default, and only that very value, is left out of a row."""


def _draft(task: Task) -> Task:
    """Return a task as it was proposed."""
    origin = msgspec.structs.replace(
        task.origin, similar=_PLAIN.similar, mean_similarity=_PLAIN.mean_similarity
    )
    return msgspec.structs.replace(
        task,
        instances=(),
        is_classification=None,
        origin=origin,
        judgements=msgspec.UNSET,
        difficulties=msgspec.UNSET,
    )


def _order(place: str) -> tuple[str, int]:
    """Return what proposals are sorted by: their prompt, then their place in its reply."""
    prompt, _, item = place.partition("#")
    return prompt, int(item or 0)


def _take_out(outcome: Outcome, rejected: Sequence[Rejected]) -> None:
    """Refuse again what was taken out of the run after it was grown, at the end of its round."""
    moved = {row.task.id: row for row in rejected if row.stage == "decontaminate"}
    gone = [moved[task.id] for task in outcome.kept if task.id in moved]
    outcome.kept = [task for task in outcome.kept if task.id not in moved]
    outcome.rejected += gone


def changes(before: Path, after: Path) -> Iterator[Change]:
    """Yield what became of each draft whose fate differs between two runs, in order."""
    old, new = _Rounds(before), _Rounds(after)
    for one, other in zip(old.markers, new.markers, strict=False):
        had, has = _fates(old.rows(one)), _fates(new.rows(other))
        for place in sorted(had, key=_order):
            task, fate = had[place]
            now = has[place][1] if place in has else "lost"
            if now != fate:
                yield Change(task.id, task.instruction, fate, now)


def _fates(rows: _Rows) -> dict[str, tuple[Task, str]]:
    """Return by its place what became of each draft; the last word on it counts."""
    refused = {row.task.origin.prompt: (row.task, row.rule) for row in rows.rejected}
    return refused | {task.origin.prompt: (task, "kept") for task in rows.kept}
