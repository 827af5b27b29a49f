"""What a run refused, as rows: nothing that the model wrote is hidden.

Decides: the columns, and which texts are withheld: what a rule took for somebody's personal data,
and tasks that overlap evaluation sets, must not be passed on. Does not know: how a rule judges.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import msgspec

from selfinstruct.publish.portable import portable_name
from selfinstruct.rules.private import PersonalData
from selfinstruct.run import finished_rows, require_run
from selfinstruct.sift import Rejected
from selfinstruct.storage import read_rows
from selfinstruct.task import Task

WITHHELD = "contaminated"
"""The rule by which `decontaminate` refuses; its detail quotes the evaluation set."""


class RejectRow(msgspec.Struct, frozen=True):
    """One line: an instance of a refused task, or the task where it had none yet.

    `nearest` is the earlier task that it is too similar to, with `score`, 0 where there is none.
    With `withheld` instruction, input, output and detail are "".
    """

    id: str
    instruction: str
    input: str
    output: str
    stage: str
    rule: str
    detail: str
    nearest: str
    nearest_instruction: str
    score: float
    round: int
    prompt: str
    model: str
    revision: str
    licence: str
    language: str
    category: str
    withheld: bool


def reject_rows(run: Path) -> Iterator[RejectRow]:
    """Yield what the finished rounds refused, then the refused wordings, in their order."""
    private = withheld_rules(run)
    wanted = {row.nearest.id for row in _refused(run) if row.nearest}
    known = {task.id: task.instruction for task in _known(run) if task.id in wanted}
    for row in _refused(run):
        yield from _rows_of(row, known, withheld=row.rule in private)


def withheld_rules(run: Path) -> set[str]:
    """Return the names of rules whose refusals are published without their texts."""
    kind = str(PersonalData.__struct_config__.tag)
    rules = require_run(run).get("recipe", {}).get("rule", [])
    return {WITHHELD, kind, *(one.get("name") or kind for one in rules if one.get("kind") == kind)}


def _refused(run: Path) -> Iterator[Rejected]:
    wordings = read_rows(run / "augmented-rejected.jsonl", Rejected)
    return chain(finished_rows(run, "rejected", Rejected), wordings)


def _known(run: Path) -> Iterator[Task]:
    """Yield every task that a refused one can be like."""
    yield from read_rows(run / "ancestors.jsonl", Task)
    yield from read_rows(run / "seeds.jsonl", Task)
    yield from finished_rows(run, "pool", Task)
    yield from read_rows(run / "augmented.jsonl", Task)


def _rows_of(row: Rejected, known: dict[str, str], *, withheld: bool) -> Iterator[RejectRow]:
    task, origin = row.task, row.task.origin
    texts = [(one.input, one.output) for one in task.instances] or [("", "")]
    for given, output in [("", "")] if withheld else texts:
        yield RejectRow(
            id=task.id,
            instruction="" if withheld else task.instruction,
            input=given,
            output=output,
            stage=row.stage,
            rule=row.rule,
            detail="" if withheld else row.detail,
            nearest=row.nearest.id if row.nearest else "",
            nearest_instruction=known.get(row.nearest.id, "") if row.nearest else "",
            score=row.nearest.score if row.nearest else 0.0,
            round=origin.round,
            prompt=origin.prompt,
            model=portable_name(origin.model),
            revision=origin.revision,
            licence=origin.licence,
            language=task.language,
            category=task.category,
            withheld=withheld,
        )
