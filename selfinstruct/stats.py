"""The numbers of a run: the one source for the closing table, `show`, reports and cards.

Decides: how yields, reasons, novel shares, lengths and diversity are counted. Does not know: how
numbers are shown.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from selfinstruct.run import Marker
from selfinstruct.sift import Rejected
from selfinstruct.storage import read_rows
from selfinstruct.task import Task
from selfinstruct.text import tokens, word_count


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the closing table; `tokens` are generated ones, 0 seconds are unknown."""

    label: str
    proposed: int
    accepted: int
    tokens: int
    seconds: float
    rejected: dict[str, int]

    @property
    def tokens_per_task(self) -> float | None:
        """Return what an accepted task cost in generated tokens; None where there is none."""
        return self.tokens / self.accepted if self.accepted else None


def by_round(rounds: Iterable[Marker], seconds: Mapping[int, float]) -> list[Row]:
    """Return one row for each round, and a total."""
    rows = [
        Row(
            label=str(one.round),
            proposed=one.proposed,
            accepted=one.accepted,
            tokens=one.completion_tokens,
            seconds=seconds.get(one.round, 0.0),
            rejected=one.rejected,
        )
        for one in rounds
    ]
    reasons: Counter[str] = Counter()
    for row in rows:
        reasons.update(row.rejected)
    total = Row(
        label="all",
        proposed=sum(row.proposed for row in rows),
        accepted=sum(row.accepted for row in rows),
        tokens=sum(row.tokens for row in rows),
        seconds=sum(row.seconds for row in rows),
        rejected=dict(reasons.most_common()),
    )
    return [*rows, total]


class Novelty(msgspec.Struct, frozen=True):
    """Of the drafts of a round that passed the rules on instructions: how many, how many new."""

    judged: int
    new: int

    @property
    def share(self) -> float:
        """Return the share of new ones; 1 where there was none to judge."""
        return self.new / self.judged if self.judged else 1.0


def last_novelty(folder: Path, rounds: Sequence[Marker]) -> Novelty:
    """Count what novelty came to in the last finished round, from its refusals on the disk.

    Every proposal but those refused at the stage "propose" by anything else was judged by it;
    it refused those whose refusal names a nearest task. So the count is the same whenever it is
    made, also for a run that nobody meant to stop by it.
    """
    if not rounds:
        return Novelty(0, 0)
    start = rounds[-2].rejected_bytes if len(rounds) > 1 else 0
    end = rounds[-1].rejected_bytes
    refusals = read_rows(folder / "rejected.jsonl", Rejected, start=start, end=end)
    proposals = [row for row in refusals if row.stage == "propose"]
    known = sum(row.nearest is not None for row in proposals)
    judged = rounds[-1].proposed - (len(proposals) - known)
    return Novelty(judged, judged - known)


class Spread(msgspec.Struct, frozen=True):
    """How numbers are spread: each value with how often it is there, in ascending order."""

    values: tuple[tuple[float, int], ...] = ()

    @property
    def count(self) -> int:
        """Return how many numbers there are."""
        return sum(count for _, count in self.values)

    @property
    def mean(self) -> float:
        """Return the mean; 0 of none."""
        return sum(value * count for value, count in self.values) / (self.count or 1)

    def at(self, share: float) -> float:
        """Return the smallest value that this share (0 to 1) of the numbers does not exceed."""
        left = share * self.count
        for value, count in self.values:
            left -= count
            if left <= 0:
                return value
        return self.values[-1][0] if self.values else 0.0


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What tasks are like.

    `lengths` are in words (in characters, where a script has no spaces) of "instruction", of
    "output", and of "input" where there is one. `distinct` is distinct-2: of all pairs of
    neighbouring tokens the share that is different. `nearest` is the ROUGE-L with the most similar
    earlier instruction, `similarity` the mean with all earlier ones: both of those tasks for which
    the run recorded it. `answers` are the judge's questions, each with the mean share of yes, and
    `judges` the models that were asked.
    """

    tasks: int
    rows: int
    classification: int
    languages: dict[str, int]
    categories: dict[str, int]
    lengths: dict[str, Spread]
    distinct: dict[str, float]
    first_words: dict[str, int]
    nearest: Spread
    similarity: Spread
    scores: Spread
    answers: dict[str, float]
    judges: tuple[str, ...]
    difficulties: Spread


def measure(tasks: Iterable[Task]) -> Measured:
    """Count what tasks are like; one pass, and memory for what is different in them."""
    tally = _Tally()
    for task in tasks:
        tally.add(task)
    judged = sum(tally.numbers["score"].values())
    return Measured(
        tasks=tally.counts["tasks"],
        rows=tally.counts["rows"],
        classification=tally.counts["classification"],
        languages=dict(tally.languages.most_common()),
        categories=dict(tally.categories.most_common()),
        lengths={name: tally.spread(name) for name in ("instruction", "input", "output")},
        distinct={name: len(seen) / (tally.pairs[name] or 1) for name, seen in tally.seen.items()},
        first_words=dict(tally.first_words.most_common()),
        nearest=tally.spread("nearest"),
        similarity=tally.spread("similarity"),
        scores=tally.spread("score"),
        answers={name: sum_ / judged for name, sum_ in tally.answers.items()} if judged else {},
        judges=tuple(sorted(tally.judges)),
        difficulties=tally.spread("difficulty"),
    )


class _Tally:
    """What has been counted so far."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self.categories: Counter[str] = Counter()
        self.first_words: Counter[str] = Counter()
        self.numbers: defaultdict[str, Counter[float]] = defaultdict(Counter)
        self.answers: dict[str, float] = {}
        self.judges: set[str] = set()
        self.seen: dict[str, set[tuple[str, str]]] = {"instruction": set(), "output": set()}
        self.pairs: Counter[str] = Counter()

    def spread(self, name: str) -> Spread:
        """Return the numbers of a name."""
        return Spread(tuple(sorted(self.numbers[name].items())))

    def add(self, task: Task) -> None:
        """Count a task."""
        self.counts["tasks"] += 1
        self.counts["rows"] += len(task.instances)
        self.counts["classification"] += bool(task.is_classification)
        self.languages[task.language] += 1
        self.categories.update([task.category] if task.category else [])
        self._add_text("instruction", task.instruction)
        self.first_words.update(tokens(task.instruction)[:1])
        for instance in task.instances:
            self._add_text("output", instance.output)
            if instance.input:
                self.numbers["input"][word_count(instance.input)] += 1
        if task.origin.similar:
            self.numbers["nearest"][task.origin.similar[0][1]] += 1
            self.numbers["similarity"][task.origin.mean_similarity] += 1
        self._add_verdicts(task)

    def _add_text(self, name: str, text: str) -> None:
        self.numbers[name][word_count(text)] += 1
        pairs = list(pairwise(tokens(text)))
        self.pairs[name] += len(pairs)
        self.seen[name].update(pairs)

    def _add_verdicts(self, task: Task) -> None:
        """Count what a judge said, and how difficult instances are."""
        for one in task.judgements or ():
            self.numbers["score"][one.score] += 1
            self.judges.add(one.model)
            for name in ("valid_task", "input_fits", "output_correct"):
                self.answers[name] = self.answers.get(name, 0.0) + getattr(one, name)
        for value in task.difficulties or ():
            if value is not None:
                self.numbers["difficulty"][value] += 1
