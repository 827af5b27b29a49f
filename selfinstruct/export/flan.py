"""Flan-style rows: each instance in one of many wordings.

Decides: which type and which template a row gets (by its id, so that it keeps them when the set
grows), and how templates are filled. No row has a label without something behind it: rows without
input have templates of their own. Field names are those of the published Flan mirrors. Does not
know: files, or which rows there are.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from selfinstruct.export.base import Row, Source, is_blank
from selfinstruct.export.chance import fraction, numbers, weighted
from selfinstruct.export.few_shot import candidates, shown, that_fit
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

_PLAIN = frozenset(TYPES[:4])
_WITH_OPTIONS = ("zs_opt", "fs_opt")
_FEW_SHOT = ("fs_noopt", "fs_opt")
_SOURCES = {"cot": "SelfInstruct-CoT", INVERSION: "SelfInstruct-II"}

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


class Wording(msgspec.Struct, frozen=True):
    """A filled template."""

    kind: str
    template: str
    place: int
    inputs: str
    targets: str
    exemplars: int = 0
    labels: tuple[str, ...] = ()


class _Asked(msgspec.Struct, frozen=True):
    """A row with what its type depends on, and the texts that fill its templates."""

    row: Row
    templates: TemplateSet
    has_input: bool
    labels: tuple[str, ...]
    exemplars: list[Instance]
    reasoned: Reasoned | None
    texts: dict[str, str]


class Flan:
    """Draws wordings for rows, and counts what it drew."""

    def __init__(
        self, mixture: Mixture, folder: Path | None = None, per_row: int | None = None
    ) -> None:
        self._few_shot_settings = mixture.few_shot
        self._rates = {kind: mixture.of(kind) for kind in (*TYPES, INVERSION)}
        self._folder = folder
        self._per_row = per_row or mixture.templates_per_row
        self.drawn: Counter[str] = Counter()
        self.templates: set[str] = set()

    def __call__(self, row: Row) -> Iterator[FlanRow]:
        """Yield the lines of a row: as many as wanted, and its inversion where one is drawn."""
        family = row.family
        for wording in self.wordings(row):
            kind = wording.kind
            yield FlanRow(
                inputs=wording.inputs,
                targets=wording.targets,
                task_source=_SOURCES.get(kind, "SelfInstruct"),
                task_name=f"{family}_ii" if kind == INVERSION else family,
                template_type=kind if kind in _PLAIN else "zs_noopt",
                template_id=wording.template,
                template_idx=wording.place,
                row_id=row.id,
                num_exemplars=wording.exemplars,
                options="\n".join(wording.labels),
                source=row.source,
            )

    def wordings(self, row: Row) -> list[Wording]:
        """Return the wordings of a row, no template twice; its inversion comes last."""
        asked = _asked(row, load_templates(row.task.language, self._folder))
        drawn = numbers(f"{row.id}/0")
        found: list[Wording] = []
        used: set[str] = set()
        for number in range(self._per_row):
            wording = self._draw(
                asked, drawn if not number else numbers(f"{row.id}/{number}"), used
            )
            if wording is None:
                break
            used.add(wording.template)
            found.append(self._counted(wording))
        if inverted := self._inverted(asked, drawn[5:]):
            found.append(self._counted(inverted))
        return found

    def _counted(self, wording: Wording) -> Wording:
        """Count a wording before the next is drawn: a cap holds within a row too."""
        self.drawn[wording.kind] += 1
        self.templates.add(wording.template)
        return wording

    def _draw(self, asked: _Asked, drawn: Sequence[int], used: set[str]) -> Wording | None:
        """Draw a type, then a template; a type that comes to nothing is not drawn again."""
        kinds = _possible(asked)
        if len(kinds) == 1:  # most rows; and nothing is to be drawn
            return self._worded(kinds[0], asked, drawn, used) if self._weight(kinds[0]) else None
        weights = [(kind, weight) for kind in kinds if (weight := self._weight(kind))]
        while weights:
            kind = weighted(drawn[0], weights)
            if wording := self._worded(kind, asked, drawn, used):
                return wording
            weights = [one for one in weights if one[0] != kind]
        return None

    def _weight(self, kind: str) -> float:
        rate = self._rates[kind]
        return 0.0 if rate.cap and self.drawn[kind] >= rate.cap else rate.rate

    def _worded(
        self, kind: str, asked: _Asked, drawn: Sequence[int], used: set[str]
    ) -> Wording | None:
        """Put a row in words of a type; None where no template is left or no exemplar fits."""
        options = None
        if kind in _WITH_OPTIONS:
            styles = asked.templates.options.style
            options = options_of(asked.row, asked.labels, styles[drawn[2] % len(styles)])
        if kind in _FEW_SHOT:
            return self._few_shot(kind, asked, options, drawn, used)
        table = _table(kind, asked)
        chosen = _unused(table, drawn[1], used)
        if chosen is None:
            return None
        place, template = chosen
        values = _values(asked, options)
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
        how = self._few_shot_settings
        shots = asked.templates.few_shot
        inline = fraction(drawn[3]) < how.inline
        table: Sequence[Template | FewShot] = shots.inline if inline else shots.few_shot
        chosen = _unused(table, drawn[1], used)
        if chosen is None:
            return None
        place, template = chosen
        wanted = 1 if inline else 1 + drawn[4] % how.max_exemplars
        values = _values(asked, options)

        def rendered(exemplars: Sequence[Instance]) -> str:
            return shown(template, values, exemplars, options) + values["output"]

        exemplars = that_fit(asked.exemplars, wanted, how.max_tokens, rendered)
        if not exemplars:
            return None
        inputs = shown(template, values, exemplars, options)
        labels = options.labels if options else ()
        count = len(exemplars)
        return Wording(kind, template.id, place, inputs, values["output"], count, labels)

    def _inverted(self, asked: _Asked, drawn: Sequence[int]) -> Wording | None:
        """Ask for what a row was made of, where that is drawn."""
        if fraction(drawn[0]) >= self._weight(INVERSION):
            return None
        tables, texts = asked.templates.inversion, asked.texts
        if asked.has_input:
            by_input = drawn[1] % 2 == 0
            table = tables.input if by_input else tables.instruction_with_input
            target = texts["input" if by_input else "instruction"]
        else:
            table = tables.instruction if len(texts["output"]) >= MIN_INVERTED else ()
            target = texts["instruction"]
        if not table:
            return None
        place = drawn[2] % len(table)
        return Wording(INVERSION, table[place].id, place, fill(table[place].inputs, texts), target)


def _asked(row: Row, templates: TemplateSet) -> _Asked:
    """Find out what a row can be."""
    task, instance, how = row.task, row.instance, templates.reasoning
    given, output = instance.input, instance.output
    labels: tuple[str, ...] = ()
    found = None
    if task.is_classification:
        labels = label_set(task)
    else:
        found = reasoned(output, how.answer_words, how.answer_marks)
    texts = {"instruction": task.instruction, "input": given, "output": output}
    return _Asked(row, templates, not is_blank(given), labels, candidates(row), found, texts)


def _possible(asked: _Asked) -> list[str]:
    """Return the types that a row can have."""
    types = ["zs_noopt"]
    if asked.labels:
        types.append("zs_opt")
    if asked.exemplars:
        types += ["fs_noopt", "fs_opt"] if asked.labels else ["fs_noopt"]
    if asked.reasoned:
        types.append("cot")
    return types


def _table(kind: str, asked: _Asked) -> Sequence[Template]:
    """Return the zero-shot templates that a row can have of a type."""
    has_input, templates = asked.has_input, asked.templates
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
    many = len(table)
    for step in range(many):
        place = (drawn + step) % many
        one = table[place]
        if not used or one.id not in used:
            return place, one
    return None


def _values(asked: _Asked, options: Options | None) -> dict[str, str]:
    """Return what the holes of a template are filled with."""
    values = asked.texts
    if asked.reasoned:
        parts = asked.reasoned
        values = {**values, "rationale": parts.rationale, "answer": parts.answer}
    if options:
        answer = options.answer(values["output"])
        values = {**values, "output": answer, "options": options.shown()}
    return values
