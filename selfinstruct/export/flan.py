"""Flan-style rows: each instance in one of many wordings.

Decides: which type and which template a row gets (by its id, so that it keeps them when the set
grows), and how templates are filled. No row has a label without something behind it: rows without
input have templates of their own. Field names are those of the published Flan mirrors. Does not
know: files, or which rows there are.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from selfinstruct.export.base import Row, Source
from selfinstruct.export.chance import fraction, numbers, weighted
from selfinstruct.export.few_shot import candidates, that_fit
from selfinstruct.export.labels import Options, label_set, options_of
from selfinstruct.export.mixture import INVERSION, TYPES, Mixture
from selfinstruct.export.rationale import Reasoned, reasoned
from selfinstruct.export.template_sets import (
    FewShot,
    Template,
    TemplateSet,
    fill,
    load_templates,
)
from selfinstruct.task import Instance

MIN_INVERTED = 20
"""Characters of an output whose instruction can be asked for; nobody can tell what "7" answers."""


class FlanRow(msgspec.Struct, frozen=True):
    """One line of a Flan export; a row and a template make it: no two lines have both.

    `template_type` is one of FLAN's four. What has a rationale is known by its `task_source`, and
    so is what was inverted; that has a task name of its own too. `options` has a label a line.
    """

    inputs: str
    targets: str
    task_source: str
    task_name: str
    template_type: str
    template_id: str
    template_idx: int
    row_id: str
    num_exemplars: int
    options: str
    source: Source


Named = TypeVar("Named", Template, FewShot, Template | FewShot)


class Wording(NamedTuple):
    """A filled template."""

    kind: str
    template: str
    place: int
    inputs: str
    targets: str
    exemplars: int = 0
    labels: tuple[str, ...] = ()


class _Asked(NamedTuple):
    """A row with what its type depends on."""

    row: Row
    templates: TemplateSet
    labels: tuple[str, ...]
    exemplars: list[Instance]
    reasoned: Reasoned | None


class Flan:
    """Draws wordings for rows, and counts what it drew."""

    def __init__(
        self, mixture: Mixture, folder: Path | None = None, per_row: int | None = None
    ) -> None:
        self._mixture = mixture
        self._folder = folder
        self._per_row = per_row or mixture.templates_per_row
        self.drawn: Counter[str] = Counter()
        self.templates: set[str] = set()

    def __call__(self, row: Row) -> Iterator[FlanRow]:
        """Yield the lines of a row: as many as wanted, and its inversion where one is drawn."""
        for wording in self.wordings(row):
            inverted = wording.kind == INVERSION
            source = {"cot": "SelfInstruct-CoT", INVERSION: "SelfInstruct-II"}
            yield FlanRow(
                inputs=wording.inputs,
                targets=wording.targets,
                task_source=source.get(wording.kind, "SelfInstruct"),
                task_name=f"{row.family}_ii" if inverted else row.family,
                template_type=wording.kind if wording.kind in TYPES[:4] else "zs_noopt",
                template_id=wording.template,
                template_idx=wording.place,
                row_id=row.id,
                num_exemplars=wording.exemplars,
                options="\n".join(wording.labels),
                source=row.source,
            )

    def wordings(self, row: Row) -> Iterator[Wording]:
        """Yield the wordings of a row, no template twice."""
        templates = load_templates(row.task.language, self._folder)
        labels = label_set(row.task)
        marks = () if row.task.is_classification else templates.reasoning.answer_marks
        output = row.instance.output
        asked = _Asked(row, templates, labels, candidates(row), reasoned(output, marks))
        used: set[str] = set()
        for number in range(self._per_row):
            wording = self._draw(asked, number, used)
            if wording is None:
                break
            used.add(wording.template)
            yield self._counted(wording)
        inverted = self._inverted(row, templates)
        if inverted:
            yield self._counted(inverted)

    def _counted(self, wording: Wording) -> Wording:
        self.drawn[wording.kind] += 1
        self.templates.add(wording.template)
        return wording

    def _draw(self, asked: _Asked, number: int, used: set[str]) -> Wording | None:
        """Draw a type, then a template; a type that comes to nothing is not drawn again."""
        drawn = numbers(f"{asked.row.id}/{number}")
        weights = {kind: self._weight(kind) for kind in _possible(asked)}
        while open_ones := [(kind, weight) for kind, weight in weights.items() if weight]:
            kind = weighted(drawn[0], open_ones)
            if wording := self._worded(kind, asked, drawn, used):
                return wording
            del weights[kind]
        return None

    def _weight(self, kind: str) -> float:
        rate = self._mixture.of(kind)
        return 0.0 if rate.cap and self.drawn[kind] >= rate.cap else rate.rate

    def _worded(
        self, kind: str, asked: _Asked, drawn: Sequence[int], used: set[str]
    ) -> Wording | None:
        """Put a row in words of a type; None where no template is left or no exemplar fits."""
        options = None
        if kind.endswith("_opt"):
            styles = asked.templates.options.style
            options = options_of(asked.row, asked.labels, styles[drawn[2] % len(styles)])
        if kind.startswith("fs"):
            return self._few_shot(kind, asked, options, drawn, used)
        table = _table(kind, asked)
        chosen = _unused(table, drawn[1], used)
        if chosen is None:
            return None
        place, template = chosen
        values = _values(asked.row, options, asked.reasoned)
        inputs, targets = fill(template.inputs, values), fill(template.targets, values)
        labels = options.labels if options else ()
        return Wording(kind, template.id, place, inputs, targets, 0, labels)

    def _few_shot(
        self,
        kind: str,
        asked: _Asked,
        options: Options | None,
        drawn: Sequence[int],
        used: set[str],
    ) -> Wording | None:
        """Show a row after others of its task; None where none fits."""
        how = self._mixture.few_shot
        shots = asked.templates.few_shot
        inline = fraction(drawn[3]) < how.inline
        table: Sequence[Template | FewShot] = shots.inline if inline else shots.few_shot
        chosen = _unused(table, drawn[1], used)
        if chosen is None:
            return None
        place, template = chosen
        wanted = 1 if inline else 1 + drawn[4] % how.max_exemplars
        values = _values(asked.row, options, None)

        def rendered(exemplars: Sequence[Instance]) -> str:
            return _shown(template, values, exemplars, options) + values["output"]

        exemplars = that_fit(asked.exemplars, wanted, how.max_tokens, rendered)
        if not exemplars:
            return None
        inputs = _shown(template, values, exemplars, options)
        labels = options.labels if options else ()
        count = len(exemplars)
        return Wording(kind, template.id, place, inputs, values["output"], count, labels)

    def _inverted(self, row: Row, templates: TemplateSet) -> Wording | None:
        """Ask for what a row was made of, where that is drawn."""
        rate = self._mixture.of(INVERSION)
        drawn = numbers(f"{row.id}/{INVERSION}")
        full = rate.cap and self.drawn[INVERSION] >= rate.cap
        if fraction(drawn[0]) >= rate.rate or full:
            return None
        tables = templates.inversion
        if row.instance.input.strip():
            by_input = drawn[1] % 2 == 0
            table = tables.input if by_input else tables.instruction_with_input
            target = row.instance.input if by_input else row.task.instruction
        else:
            long_enough = len(row.instance.output) >= MIN_INVERTED
            table = tables.instruction if long_enough else ()
            target = row.task.instruction
        if not table:
            return None
        place = drawn[2] % len(table)
        inputs = fill(table[place].inputs, _values(row, None, None))
        return Wording(INVERSION, table[place].id, place, inputs, target)


def _possible(asked: _Asked) -> Iterator[str]:
    """Yield the types that a row can have."""
    yield "zs_noopt"
    if asked.labels:
        yield "zs_opt"
    if asked.exemplars:
        yield "fs_noopt"
    if asked.exemplars and asked.labels:
        yield "fs_opt"
    if asked.reasoned:
        yield "cot"


def _table(kind: str, asked: _Asked) -> Sequence[Template]:
    """Return the zero-shot templates that a row can have of a type."""
    has_input = bool(asked.row.instance.input.strip())
    templates = asked.templates
    if kind == "cot":
        return templates.reasoning.with_input if has_input else templates.reasoning.without_input
    if kind == "zs_opt":
        tables = templates.classification
        return tables.options if has_input else tables.options_without_input
    if has_input and asked.row.task.is_classification:
        return templates.classification.no_options
    return templates.zero_shot.with_input if has_input else templates.zero_shot.without_input


def _unused(table: Sequence[Named], drawn: int, used: set[str]) -> tuple[int, Named] | None:
    """Return the drawn template, or the next that the row does not have yet."""
    for step in range(len(table)):
        place = (drawn + step) % len(table)
        if table[place].id not in used:
            return place, table[place]
    return None


def _values(row: Row, options: Options | None, parts: Reasoned | None) -> dict[str, str]:
    """Return what the holes of a template are filled with."""
    output = row.instance.output
    return {
        "instruction": row.task.instruction,
        "input": row.instance.input,
        "output": options.answer(output) if options else output,
        "options": options.shown() if options else "",
        "rationale": parts.rationale if parts else "",
        "answer": parts.answer if parts else "",
    }


def _shown(
    template: Template | FewShot,
    values: dict[str, str],
    exemplars: Sequence[Instance],
    options: Options | None,
) -> str:
    """Fill a few-shot template; where options are shown, they stand below each input."""

    def asked(text: str) -> str:
        return f"{text}\n{options.shown()}" if options else text

    def answered(text: str) -> str:
        return options.answer(text) if options else text

    pairs = [{"input": asked(one.input), "output": answered(one.output)} for one in exemplars]
    whole = {**values, "input": asked(values["input"])}
    if isinstance(template, FewShot):
        examples = (fill(template.example, pair) + template.separator for pair in pairs)
        return fill(template.inputs, {**whole, "examples": "".join(examples)})
    one = {"example_input": pairs[0]["input"], "example_output": pairs[0]["output"]}
    return fill(template.inputs, {**whole, **one})
