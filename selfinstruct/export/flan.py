"""Flan-style rows: each instance in one of several wordings.

Decides: which template a row gets (by its id alone, so that a row keeps it when the set grows)
and how it is filled. Rows without input have templates of their own: none is left with a
dangling label. Field names are those of the published Flan mirrors.
"""

import tomllib
from functools import lru_cache
from typing import Literal

import msgspec

from selfinstruct.export.base import Row, Source
from selfinstruct.resources import templates_file
from selfinstruct.task import digest


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One wording, with holes {instruction} and {input}."""

    id: str
    inputs: str


class Templates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The wordings of a language: for rows with an input, and for rows without."""

    with_input: tuple[Template, ...]
    without_input: tuple[Template, ...]


class FlanRow(msgspec.Struct, frozen=True):
    """One line of a Flan export; `template_type` is "zs_noopt": zero-shot, options not shown."""

    inputs: str
    targets: str
    task_source: Literal["SelfInstruct"]
    task_name: str
    template_type: Literal["zs_noopt"]
    template_id: str
    row_id: str
    source: Source


@lru_cache
def load_templates(name: str = "flan-en") -> Templates:
    """Read a set of templates that ships with the program."""
    text = templates_file(name).read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Templates)


def flan(row: Row) -> FlanRow:
    """Turn a row into a Flan line."""
    templates = load_templates()
    given = row.instance.input
    family = templates.with_input if given.strip() else templates.without_input
    template = family[int(digest(row.id), 16) % len(family)]
    return FlanRow(
        inputs=fill(template.inputs, row.task.instruction, given),
        targets=row.instance.output,
        task_source="SelfInstruct",
        # a wording goes where its task goes, so that no split has one without the other
        task_name=row.task.origin.parents[0] if row.source.method else row.task.id,
        template_type="zs_noopt",
        template_id=template.id,
        row_id=row.id,
        source=row.source,
    )


def fill(template: str, instruction: str, given: str) -> str:
    """Fill the holes of a template; braces in the texts are text."""
    before, hole, after = template.partition("{instruction}")
    filled = before.replace("{input}", given) + (instruction if hole else "")
    return filled + after.replace("{input}", given)
