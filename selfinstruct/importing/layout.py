"""Which columns of a table hold what of a seed.

Decides: which shape a file has, guessed from its first rows or as told, and which columns
become labels of a seed. Does not know: what a good row is.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from selfinstruct.errors import InputError, unknown_name
from selfinstruct.tables import TableRow
from selfinstruct.tables.shapes import SHAPES, Shape, listed, need_columns, shape_of

KEYS = ("instruction", "input", "output", "category", "language", "is_classification")
"""What --columns can name a column for."""

LABELS = ("category", "language", "is_classification", "id", "name")
"""Columns that are taken as they are, if they are there."""

CHOSEN = "columns"
"""The shape of columns that somebody chose."""

_ANSWERED = tuple(one for one in SHAPES if len(one.columns) > 1 or one.kind == "turns")
"""The shapes that say what a good answer is; a seed needs one."""


class Layout(NamedTuple):
    """What the columns of a file mean: a shape, and for each label the column that has it."""

    shape: Shape
    labels: Mapping[str, str]

    def described(self) -> str:
        """Return what was found, for a person to check."""
        shape = self.shape
        parts = [shape.columns[0], shape.input, *shape.columns[1:]]
        named = (
            zip(KEYS, parts, strict=False)
            if shape.name == CHOSEN
            else zip(parts, parts, strict=True)
        )
        shown = [*named, *self.labels.items()]
        listed = [key if key == name else f"{key}={name}" for key, name in shown if name]
        return f"{shape.name} ({', '.join(listed)})"


def parse_columns(given: str) -> dict[str, str]:
    """Read `instruction=COL,output=COL,…`; raise InputError for what is none of KEYS."""
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in given.split(","))):
        key, sign, name = (word.strip() for word in part.partition("="))
        if key not in KEYS:
            raise unknown_name("key in --columns", key, KEYS)
        if not sign or not name or key in found:
            problem = "is given twice" if key in found else "names no column"
            hint = "for example --columns instruction=question,output=answer"
            raise InputError(f"--columns: {key!r} {problem}", hint=hint)
        found[key] = name
    missing = [key for key in ("instruction", "output") if key not in found]
    if missing and any(key in found for key in KEYS[:3]):
        hint = "give both: --columns instruction=COL,output=COL"
        raise InputError(f"--columns names no {missing[0]}", hint=hint)
    if given and not found:
        hint = "for example --columns instruction=question,output=answer"
        raise InputError("--columns names no column", hint=hint)
    return found


def find_layout(first: Sequence[TableRow], columns: Mapping[str, str]) -> Layout:
    """Return what the columns mean, by the first rows of a file and by what --columns says.

    Of rows that have not all the same columns, the first that has a known shape counts.
    """
    at, names = first[0].place(), dict.fromkeys(name for row in first for name in row.columns)
    need_columns(columns.values(), names, at)
    if "instruction" in columns:
        shape = Shape(
            CHOSEN,
            (columns["instruction"], columns["output"]),
            input=columns.get("input", ""),
        )
    else:
        shape = _guessed(first, names)
        if shape.input not in names:
            shape = Shape(shape.name, shape.columns, more=shape.more, kind=shape.kind)
    used = {*shape.columns, shape.input}
    labels = {key: key for key in LABELS if key not in used and _is_label(first, key)}
    labels |= {key: name for key, name in columns.items() if key in LABELS}
    return Layout(shape, labels)


def _is_label(first: Sequence[TableRow], name: str) -> bool:
    """Say whether a column is there, and holds texts or numbers where it holds anything."""
    values = [row.columns[name] for row in first if name in row.columns]
    return bool(values) and not any(isinstance(one, (list, Mapping, bytes)) for one in values)


def _guessed(first: Sequence[TableRow], names: Mapping[str, None]) -> Shape:
    """Return the first shape that a row has."""
    for row in first:
        if shape := shape_of(row.columns, _ANSWERED):
            return shape
    known = dict.fromkeys(" + ".join(shape.columns) for shape in _ANSWERED)
    hint = f"say it: --columns instruction=COL,output=COL (known: {'; '.join(known)})"
    if shape_of(names, [Shape("labelled", ("text", "label"))]):
        hint = f"texts with labels become seeds by: selfinstruct seeds from-dataset {first[0].file}"
    message = "cannot tell which columns hold the instruction and the output; there are"
    raise InputError(f"{first[0].place()}: {message}: {listed(names)}", hint=hint)
