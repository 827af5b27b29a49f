"""One row of a table to one worked example of a seed.

Decides: what is wrong with a row that is none, and what of a conversation is a seed. Does not
know: files, or which rows belong together.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from selfinstruct.errors import InputError
from selfinstruct.importing.layout import Layout
from selfinstruct.tables import as_text
from selfinstruct.tables.shapes import Turn, turns
from selfinstruct.task import Instance

YES = ("true", "yes", "1", "1.0")
NO = ("false", "no", "0", "0.0", "")
"""What a cell of a column `is_classification` can say; letters of either case."""

_HALF = re.compile("[\ud800-\udfff]")


class Example(msgspec.Struct, frozen=True):
    """What a row has for a seed. Of a conversation, `later` and `system` count what is left out.

    `is_unclear` says that `is_classification` was neither yes nor no.
    """

    instruction: str
    instances: tuple[Instance, ...]
    is_classification: bool = False
    is_unclear: bool = False
    category: str = ""
    language: str = ""
    id: str = ""
    name: str = ""
    later: int = 0
    system: int = 0


def example(columns: Mapping[str, Any], layout: Layout) -> Example:
    """Return what a row has for a seed; raise InputError that says what is wrong with it."""
    shape = layout.shape
    if shape.kind == "turns":
        found = _conversation(columns.get(shape.columns[0]), shape.columns[0])
    else:
        given = columns.get(shape.columns[0])
        if given is not None and not isinstance(given, str):
            raise InputError(f"{shape.columns[0]!r} is {_kind(given)}; expected text")
        found = Example(_filled(given, shape.columns[0]), _instances(columns, layout))
    said = str(_label(columns, layout, "is_classification")).strip().lower()
    return msgspec.structs.replace(
        found,
        is_classification=said in YES,
        is_unclear=said not in (*YES, *NO),
        category=_label(columns, layout, "category").strip(),
        language=_label(columns, layout, "language").strip(),
        id=_label(columns, layout, "id").strip(),
        name=_label(columns, layout, "name").strip(),
    )


def text_of(value: object, what: str) -> str:
    """Return a cell as text, nothing for an empty one; raise InputError for what is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, (list, Mapping, bytes)):
        raise InputError(f"{what!r} is {_kind(value)}; expected text")
    text = as_text(value)
    if _HALF.search(text):
        raise InputError(f"{what!r} holds half a character (a lone surrogate)")
    if "\0" in text:
        raise InputError(f"{what!r} holds a NUL character")
    return text


def _filled(value: object, what: str) -> str:
    """Return a cell as text; raise InputError for an empty one."""
    text = text_of(value, what)
    if not text.strip():
        raise InputError(f"{what!r} is {_kind(value)}")
    return text


def _label(columns: Mapping[str, Any], layout: Layout, key: str) -> str:
    name = layout.labels.get(key)
    return text_of(columns.get(name), name) if name else ""


def _instances(columns: Mapping[str, Any], layout: Layout) -> tuple[Instance, ...]:
    """Return the instances of a row: one, or all of a task's."""
    shape = layout.shape
    if shape.kind != "instances":
        given = text_of(columns.get(shape.input), shape.input) if shape.input else ""
        return (Instance(given, _filled(columns.get(shape.columns[-1]), shape.columns[-1])),)
    name = shape.columns[1]
    listed = _unpacked(columns.get(name))
    if not isinstance(listed, list) or not listed:
        raise InputError(f'{name!r} is {_kind(listed)}; expected [{{"input": …, "output": …}}, …]')
    found = []
    for number, one in enumerate(listed):
        place = f"{name}[{number}]"
        if not isinstance(one, Mapping):
            raise InputError(f'{place} is {_kind(one)}; expected {{"input": …, "output": …}}')
        answer = _filled(one.get("output"), f"{place}.output")
        found.append(Instance(text_of(one.get("input"), f"{place}.input"), answer))
    return tuple(found)


def _conversation(value: object, name: str) -> Example:
    """Return the first exchange of a conversation."""
    listed = _unpacked(value)
    if isinstance(listed, list) and any(map(_has_more_than_text, listed)):
        raise InputError(f"{name!r} holds more than text")
    said = turns(listed)
    if not said:
        raise InputError(f"{name!r} is empty")
    for number, turn in enumerate(said):
        text_of(turn.text, f"{name}[{number}]")
    spoken = [turn for turn in said if turn.role != "system"]
    asked = _run(spoken, "user")
    answered = _run(spoken[len(asked) :], "assistant")
    if not asked or not answered:
        role = spoken[len(asked)].role or "?" if len(asked) < len(spoken) else "nobody"
        after, expected = ("after the user", "assistant") if asked else ("first", "user")
        raise InputError(f"{name!r}: {after} speaks {role}; expected {expected}")
    rest = spoken[len(asked) + len(answered) :]
    later = sum(
        turn.role == "assistant" and (not place or rest[place - 1].role != "assistant")
        for place, turn in enumerate(rest)
    )
    return Example(
        _filled("\n".join(turn.text for turn in asked), f"{name}: the user's turn"),
        (Instance("", _filled("\n".join(t.text for t in answered), f"{name}: the answer")),),
        later=later,
        system=len(said) - len(spoken),
    )


def _run(spoken: Sequence[Turn], role: str) -> list[Turn]:
    """Return the turns that one side says before the other speaks; several are one."""
    others = (place for place, turn in enumerate(spoken) if turn.role != role)
    return list(spoken[: next(others, len(spoken))])


def _has_more_than_text(turn: object) -> bool:
    """Say whether a turn has parts that are no text, an image for one."""
    content = turn.get("content", turn.get("value")) if isinstance(turn, Mapping) else None
    return isinstance(content, list) and any(
        isinstance(part, Mapping) and not isinstance(part.get("text"), str) for part in content
    )


def _unpacked(value: object) -> object:
    """Return a list that a cell of CSV or Excel holds as JSON."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return msgspec.json.decode(value.encode("utf-8", "replace"))
        except (msgspec.MsgspecError, RecursionError):
            return value
    return value


def _kind(value: object) -> str:
    """Name what a value is, in the words of JSON."""
    if value is None:
        return "missing"
    if isinstance(value, str):
        return "a text" if value.strip() else "empty"
    if isinstance(value, (list, Mapping)):
        kind = "list" if isinstance(value, list) else "object"
        article = "a" if value and kind == "list" else "an"
        return f"{article} {kind}" if value else f"{article} empty {kind}"
    names = {bool: "true or false", int: "a number", float: "a number", bytes: "bytes"}
    return names.get(type(value), f"a {type(value).__name__}")
