"""Contamination: which tasks overlap evaluation sets, and on what evidence.

Decides: what is compared with what (every text of a task with every text of an evaluation row by
runs of words, instructions with instructions by ROUGE-L), that runs of words come first, and how
evidence is worded. Does not know: how files are read, how a task leaves a run, or what is printed.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from selfinstruct.errors import InputError
from selfinstruct.novelty import Match, RougeL
from selfinstruct.novelty.overlap import NgramOverlap
from selfinstruct.run.remove import Evidence, Reason
from selfinstruct.tables import TableRow
from selfinstruct.tables.shapes import Shape, cell_text
from selfinstruct.task import Task
from selfinstruct.text import tokens

NGRAMS = 13
"""Tokens in a row that are an overlap: as for GPT-3 (Brown et al. 2020, appendix C)."""

MAX_SIMILARITY = 0.7
"""ROUGE-L of two instructions above which they are one: as in the Self-Instruct filter."""

REASON = Reason("decontaminate", "contaminated")

BATCH = 1024
"""Tasks that are compared in one go."""

MOST_WORDS = 60
"""Shared words that evidence quotes; of more it says how many there are."""


class Finding(msgspec.Struct, frozen=True):
    """A task that overlaps an evaluation row; `number` is its place among the tasks, from 0."""

    number: int
    task: Task
    evidence: Evidence

    @property
    def by(self) -> str:
        """Return which of the two comparisons found it."""
        return "ROUGE-L" if self.evidence.nearest else "n-grams"


class EvaluationSets:
    """The rows of evaluation sets, and what it takes to overlap one.

    `ngrams` 0 switches off runs of words, `max_similarity` 1 switches off ROUGE-L; raises
    InputError where nothing is left to compare.
    """

    def __init__(self, *, ngrams: int = NGRAMS, max_similarity: float = MAX_SIMILARITY) -> None:
        if not 0 <= max_similarity <= 1:
            message = f"--max-similarity is {max_similarity}"
            raise InputError(message, hint="give a number from 0 to 1; 1 switches ROUGE-L off")
        if not ngrams and max_similarity == 1:
            message = "--ngrams 0 with --max-similarity 1 compares nothing"
            raise InputError(message, hint=f"leave one out: they are {NGRAMS}, {MAX_SIMILARITY}")
        self._ngrams = NgramOverlap(ngrams) if ngrams else None
        self._rouge = RougeL(max_similarity) if max_similarity < 1 else None

    def add(self, name: str, rows: Iterable[tuple[TableRow, Shape]]) -> int:
        """Remember the rows of a file, as `name:number`; return how many there are."""
        count = 0
        waiting: list[tuple[str, str]] = []
        for row, shape in rows:
            count += 1
            label = f"{name}:{row.number}"
            if self._ngrams:
                for text in self._texts(row, shape, self._ngrams.n):
                    self._ngrams.add(label, text)
            waiting.append((label, shape.instruction_text(row.columns)))
            if len(waiting) == BATCH:
                self._know(waiting)
                waiting = []
        self._know(waiting)
        return count

    def findings(self, tasks: Iterable[Task]) -> Iterator[Finding]:
        """Yield the tasks that overlap, in order."""
        rest = iter(tasks)
        number = 0
        while batch := list(islice(rest, BATCH)):
            for place, evidence in sorted(self._judge(batch).items()):
                yield Finding(number + place, batch[place], evidence)
            number += len(batch)

    def _know(self, instructions: list[tuple[str, str]]) -> None:
        if self._rouge is not None:
            self._rouge.add_all(instructions)

    def _texts(self, row: TableRow, shape: Shape, n: int) -> Iterator[str]:
        """Yield a whole row, and by themselves those of its parts that are shorter than a run.

        A short question is quoted in the input of a task without the answer that follows it in
        the row. Runs of longer parts are runs of the whole row.
        """
        yield shape.row_text(row.columns)
        if shape.kind == "joined":
            parts = [cell_text(row.columns.get(name)) for name in shape.columns]
        else:
            parts = [text for triple in shape.triples(row.columns) for text in triple]
        yield from (text for text in dict.fromkeys(parts) if text and len(tokens(text)) < n)

    def _judge(self, batch: Sequence[Task]) -> dict[int, Evidence]:
        """Return the evidence against tasks of a batch, by their place in it."""
        found = self._by_ngrams(batch)
        if self._rouge is not None:
            rest = [place for place in range(len(batch)) if place not in found]
            matches = self._rouge.nearest_all([batch[place].instruction for place in rest])
            for place, match in zip(rest, matches, strict=True):
                if match:
                    found[place] = _alike(match)
        return found

    def _by_ngrams(self, batch: Sequence[Task]) -> dict[int, Evidence]:
        """Return the evidence of shared words, of the first text of each task that has any."""
        found: dict[int, Evidence] = {}
        if self._ngrams is None:
            return found
        texts = [
            (place, part, text) for place, task in enumerate(batch) for part, text in _parts(task)
        ]
        overlaps = self._ngrams.shared_all([text for _, _, text in texts])
        for (place, part, _), overlap in zip(texts, overlaps, strict=True):
            if overlap and place not in found:
                words = _cut(overlap.words)
                detail = f"{overlap.count} words in a row of {overlap.id} in the {part}: {words}"
                found[place] = Evidence(detail)
        return found


def names_of(paths: Sequence[Path]) -> list[str]:
    """Return what evidence calls each file: its name, or its path where names are the same."""
    names = [path.name for path in paths]
    return [path.as_posix() if names.count(path.name) > 1 else path.name for path in paths]


def _parts(task: Task) -> Iterator[tuple[str, str]]:
    """Yield the texts of a task with what each is."""
    yield "instruction", task.instruction
    for instance in task.instances:
        yield "input", instance.input
        yield "output", instance.output


def _alike(match: Match) -> Evidence:
    return Evidence(f"ROUGE-L {match.score:.3f} with the instruction of {match.id}", match)


def _cut(words: str) -> str:
    """Return the beginning of a long stretch: the task has it all."""
    several = words.split(" ")
    text = " ".join(several[:MOST_WORDS])[: MOST_WORDS * 10]
    return text if text == words else f"{text} \u2026"
