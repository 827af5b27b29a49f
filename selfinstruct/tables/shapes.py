"""Which columns of a row hold what: the shapes that instruction datasets come in.

Decides: which shape a row has by the names of its columns, and how instruction, input and
output are read from it. Does not know: files, or what the texts are for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from selfinstruct.errors import InputError
from selfinstruct.tables.base import TableRow, as_text

Columns = Mapping[str, Any]


class Triple(NamedTuple):
    """One worked example."""

    instruction: str
    input: str
    output: str


class Turn(NamedTuple):
    """One turn of a conversation; the role is "user", "assistant", "system" or as it was."""

    role: str
    text: str


class Shape(msgspec.Struct, frozen=True):
    """What the columns of a dataset mean.

    `columns` are those that a row must have to be of this shape: the first holds the
    instruction (or all turns of a conversation), the last the output. `input` and `more` may be
    absent; what is in `more` belongs to the row, but is no part of an example. `kind` says how
    they are read: "flat", "turns", "instances", or "joined" (columns that somebody chose).
    """

    name: str
    columns: tuple[str, ...]
    input: str = ""
    more: tuple[str, ...] = ()
    kind: str = "flat"

    def triples(self, columns: Columns) -> list[Triple]:
        """Return the examples of a row: one, or one for each instance or exchange."""
        if self.kind == "turns":
            return _exchanges(turns(columns.get(self.columns[0])))
        instruction = cell_text(columns.get(self.columns[0]))
        if self.kind == "instances":
            pairs = _instances(columns.get(self.columns[1]))
            return [Triple(instruction, given, answer) for given, answer in pairs]
        if self.kind == "joined":
            return [Triple(self.row_text(columns), "", "")]
        output = cell_text(columns.get(self.columns[-1])) if len(self.columns) > 1 else ""
        return [Triple(instruction, cell_text(columns.get(self.input)), output)]

    def instruction_text(self, columns: Columns) -> str:
        """Return what is asked: the instruction, or the first turn of a conversation."""
        if self.kind == "joined":
            return self.row_text(columns)
        if self.kind == "turns":
            said = _said(columns.get(self.columns[0]))
            return said[0] if said else ""
        return cell_text(columns.get(self.columns[0]))

    def row_text(self, columns: Columns) -> str:
        """Return all that a row says, a line break between its parts, empty parts left out."""
        return "\n".join(part for part in self._parts(columns) if part.strip())

    def compared(self, *, whole: bool) -> list[str]:
        """Return the names of the columns that the text of a row, or of its instruction, is of."""
        first, *others = self.columns
        if not whole and self.kind != "joined":
            return [first]
        return [name for name in (first, self.input, *others, *self.more) if name]

    def _parts(self, columns: Columns) -> list[str]:
        """Return the texts of a row in the order in which they are read."""
        if self.kind == "turns":
            return _said(columns.get(self.columns[0]))
        if self.kind == "instances":
            instances = _instances(columns.get(self.columns[1]))
            return [cell_text(columns.get(self.columns[0])), *(t for one in instances for t in one)]
        return [cell_text(columns.get(name)) for name in self.compared(whole=True)]


SHAPES = (
    Shape("pool", ("instruction", "instances"), kind="instances"),
    *(
        Shape("preference", (name, "chosen"), input="input", more=("rejected",))
        for name in ("prompt", "instruction", "question")
    ),
    Shape("preference", ("chosen",), more=("rejected",)),
    Shape("alpaca", ("instruction", "output"), input="input"),
    Shape("dolly", ("instruction", "response"), input="context"),
    Shape("messages", ("messages",), kind="turns"),
    Shape("sharegpt", ("conversations",), kind="turns"),
    Shape("prompt-completion", ("prompt", "completion")),
    Shape("prompt-response", ("prompt", "response")),
    Shape("flan", ("inputs", "targets")),
    Shape("question-answer", ("question", "answer")),
    Shape("question-response", ("question", "response")),
    Shape("instruction", ("instruction",), input="input"),
    Shape("text", ("text",)),
)
"""All shapes, the more telling ones first: the first whose columns are all there is meant."""

_ROLES = {
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "bot", "chatgpt", "model"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
}


def shape_of(columns: Columns, among: Iterable[Shape] = SHAPES) -> Shape | None:
    """Return the first shape whose columns a row has, None where there is none."""
    return next((one for one in among if all(name in columns for name in one.columns)), None)


def recognise(columns: Columns, place: str = "") -> Shape:
    """Return the shape of a row; `place` is named in the error where there is none."""
    if shape := shape_of(columns):
        return shape
    known = dict.fromkeys(" + ".join(shape.columns) for shape in SHAPES)
    before = f"{place}: " if place else ""
    raise InputError(
        f"{before}cannot tell which columns to compare; there are: {listed(columns)}",
        hint=f"name them: --columns a,b (known by themselves: {'; '.join(known)})",
    )


def chosen(names: Sequence[str], columns: Columns, place: str = "") -> Shape:
    """Return the shape that joins the named columns; the first row must have them all."""
    need_columns(names, columns, place)
    return Shape("columns", tuple(names), kind="joined")


def need_columns(names: Iterable[str], columns: Columns, place: str = "") -> None:
    """Raise InputError, with the closest name, for a column that a row does not have."""
    for name in names:
        if name not in columns:
            close = get_close_matches(name, columns, n=1, cutoff=0.5)
            suggestion = f"; did you mean {close[0]!r}?" if close else ""
            before = f"{place}: " if place else ""
            hint = f"the columns of the first row: {listed(columns)}"
            raise InputError(f"{before}there is no column {name!r}{suggestion}", hint=hint)


def cell_text(value: object) -> str:
    """Return a cell as text; a conversation becomes its turns, but for the system's."""
    if isinstance(value, list) and _is_conversation(value):
        return "\n".join(_said(value))
    return as_text(value)


def turns(value: object) -> list[Turn]:
    """Return the turns of a conversation, also of one that CSV holds as JSON."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = msgspec.json.decode(value.encode("utf-8", "replace"))
        except (msgspec.MsgspecError, RecursionError):
            return [Turn("user", str(value))]
    if not isinstance(value, list):
        return [Turn("user", cell_text(value))] if value else []
    return [_turn(item) for item in value]


def _turn(item: object) -> Turn:
    if not isinstance(item, Mapping):
        return Turn("", as_text(item))
    role = as_text(item.get("role", item.get("from")))
    content = item.get("content", item.get("value"))
    if isinstance(content, list):
        parts = [one.get("text") if isinstance(one, Mapping) else one for one in content]
        content = "\n".join(as_text(part) for part in parts if part)
    return Turn(_ROLES.get(role.lower(), role), as_text(content))


def _is_conversation(value: list[Any]) -> bool:
    return bool(value) and all(
        isinstance(item, Mapping) and ("content" in item or "value" in item) for item in value
    )


def _said(value: object) -> list[str]:
    """Return what was said, without what the system was told.

    That is often one text for all rows of a dataset, which would make any two of them alike.
    """
    return [turn.text for turn in turns(value) if turn.role != "system"]


def _exchanges(conversation: Sequence[Turn]) -> list[Triple]:
    """Pair what was asked with what was answered; turns in a row by one side are one."""
    found: list[Triple] = []
    asked: list[str] = []
    for turn in conversation:
        if turn.role == "user":
            asked.append(turn.text)
        elif turn.role == "assistant" and asked:
            found.append(Triple("\n".join(asked), "", turn.text))
            asked = []
        elif turn.role == "assistant" and found:
            last = found.pop()
            found.append(last._replace(output=f"{last.output}\n{turn.text}"))
    return found


def _instances(value: object) -> list[tuple[str, str]]:
    """Return input and output of each instance of a task."""
    if not isinstance(value, list):
        return [("", cell_text(value))]
    return [
        (as_text(one.get("input")), as_text(one.get("output")))
        if isinstance(one, Mapping)
        else ("", as_text(one))
        for one in value
    ]


def listed(columns: Columns) -> str:
    """Return the names of columns, as errors list them."""
    return ", ".join(map(repr, columns)) or "none"


def shaped(
    rows: Iterable[TableRow],
    columns: Sequence[str] = (),
    found: Callable[[TableRow, Shape], object] | None = None,
) -> Iterator[tuple[TableRow, Shape]]:
    """Pair rows with their shape: the named columns, else what the first row of each file shows.

    `found` is told of the shape of each file, with its first row.
    """
    file: Path | None = None
    shape: Shape | None = None
    for row in rows:
        if shape is None or (row.file is not file and row.file != file):
            file = row.file
            named = chosen(columns, row.columns, row.place()) if columns else None
            shape = named or recognise(row.columns, row.place())
            if found:
                found(row, shape)
        yield row, shape
