"""Preference rows: a prompt, a better and a worse response, for DPO and reward models.

Decides: the fields. Does not know: how responses were ranked.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from selfinstruct.errors import InputError
from selfinstruct.export.base import Row, Source, user_text
from selfinstruct.export.prompt_completion import boundary
from selfinstruct.preferences.pairs import FILE, Preference
from selfinstruct.storage import read_rows


class PreferenceRow(msgspec.Struct, frozen=True):
    """One line of a preference export.

    The prompt joins to a response as in `prompt_completion`. `rejected_by` is
    the rule that refuses the worse response, "" where the judge's scores decided; these are 0
    where no judge was asked.
    """

    prompt: str
    chosen: str
    rejected: str
    chosen_score: float
    rejected_score: float
    rejected_by: str
    id: str
    source: Source


def read_pairs(run: Path) -> dict[str, Preference]:
    """Read the pairs of a run by task; raise InputError where none were made."""
    path = run / FILE
    if not path.exists():
        message = f"{run} has no preferences yet"
        raise InputError(message, hint=f"sample and rank responses: selfinstruct prefer {run}")
    return {pair.task: pair for pair in read_rows(path, Preference)}


def preference(pairs: Mapping[str, Preference]) -> Callable[[Row], Iterator[PreferenceRow]]:
    """Return what turns the first row of a task that has a pair into its line."""

    def line(row: Row) -> Iterator[PreferenceRow]:
        pair = None if row.number else pairs.get(row.task.id)
        if pair is None:
            return
        prompt, lead = boundary(user_text(row.task.instruction, row.instance.input))
        yield PreferenceRow(
            prompt=prompt,
            chosen=lead + pair.chosen.text,
            rejected=lead + pair.rejected.text,
            chosen_score=pair.chosen.score,
            rejected_score=pair.rejected.score,
            rejected_by=pair.rejected.refused,
            id=row.id,
            source=row.source,
        )

    return line
