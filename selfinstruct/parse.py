"""Completion text to instructions and instances: tolerant, pure, total.

Decides: where one item of a reply ends and the next begins. Any string goes in and none raises
an error; text inside an item is never changed beyond white space at its ends (the `paper_`
functions do change it, because the published code does). Does not know: whether an item is any
good, or where the reply came from.
"""

import json
import re
from typing import Annotated

import msgspec

from selfinstruct.task import Instance, clean


class Vote(msgspec.Struct, frozen=True):
    """One reply of a judge: three answers and a score from 1 to 5."""

    valid_task: bool
    input_fits: bool
    output_correct: bool
    score: Annotated[int, msgspec.Meta(ge=1, le=5)]


class Item(msgspec.Struct, frozen=True):
    """One instruction found in a reply; `truncated` when the reply broke off inside it."""

    text: str
    truncated: bool = False


def listed_items(text: str, *, first: int, truncated: bool) -> list[Item]:
    """Split the rest of a numbered list whose item `first` has just been opened.

    A new item begins only at the number that comes next in sequence, at the start of a line, so
    that a list inside an item ("1. …"), "in 2020. Then" and "10.5 km" stay whole. An empty line
    that no item follows ends the list.
    """
    items: list[str] = []
    rest = text
    number = first
    while True:
        number += 1
        mark = r"(?:[.:](?!\d)|[)、．：])"
        bold = r"(?(1)(?:\*\*)?)"  # "**10.** …"
        opener = re.search(
            rf"\n[ \t]*(\*\*)?(?:Task |任务 ?)?{number}[ \t]*{mark}{bold}[ \t]*", rest
        )
        items.append(rest[: opener.start()] if opener else rest)
        if not opener:
            break
        rest = rest[opener.end() :]
    last, *after = re.split(r"\n[ \t]*\n", items.pop().strip(), maxsplit=1)
    found = [Item(unwrapped(item)) for item in items]
    found.append(Item(unwrapped(last), truncated=truncated and not after))
    return [item for item in found if item.text]


def json_items(text: str, *, truncated: bool) -> list[Item]:
    """Read instructions from a JSON array: of strings, or of objects with an "instruction".

    Chinese models may call that "指令". What stands before the array (a fence, a greeting) and
    after it is passed over. Of an array that breaks off, or is no JSON from some place on, the
    items before that place count, and the one that is cut is kept as truncated.
    """
    opening = text.find("[")
    place, items = opening + 1, list[Item]()
    decoder = json.JSONDecoder(strict=False)
    while opening >= 0:
        place += len(text[place:]) - len(text[place:].lstrip(" \t\r\n,"))
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            rest = text[place:].lstrip('"{ ')
            if truncated and rest and not rest.startswith("]"):
                items.append(Item(clean(rest.strip()), truncated=True))
            break
        if isinstance(value, dict):
            value = value.get("instruction", value.get("指令"))
        if isinstance(value, str) and value.strip():
            items.append(Item(clean(value.strip())))
    return items


def vote(text: str) -> Vote | None:
    """Read a judge's reply: a JSON object somewhere in it; None where there is none."""
    for opening in re.finditer(r"\{", text):
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(text, opening.start())
            return msgspec.convert(value, Vote)
        except (ValueError, RecursionError, msgspec.ValidationError):
            continue
    return None


def unwrapped(item: str) -> str:
    """Take an item out of white space and of marks around the whole of it (bold, quotes)."""
    text = item.strip()
    for left, right in (("**", "**"), ('"', '"'), ("\u201c", "\u201d")):
        inner = text[len(left) : -len(right)]
        wrapped = text.startswith(left) and text.endswith(right) and len(text) > len(left + right)
        if wrapped and left not in inner and right not in inner:
            text = inner.strip()
    return text


def is_yes(text: str) -> bool:
    """Read a Yes/No answer; anything but a clear yes is a no, as in the published code."""
    return text.strip().removesuffix("。") in {"Yes", "yes", "YES", "是", "是的"}


_THOUGHTS = re.compile(r"\A\s*(?:<think>)?(?:(?!<think>).)*?</think>", re.DOTALL)


def answer(text: str) -> str:
    """Read an output that stands alone: white space at the ends is not part of it.

    Nor is what a reasoning model thinks first, up to "</think>"; its template may have opened it.
    """
    if text.lstrip().startswith("<think>") and "</think>" not in text:
        return ""
    return _THOUGHTS.sub("", text, count=1).strip()


# The labels of few-shot prompts, in the languages that prompts ship in.
_EXAMPLE = re.compile(r"(?m)^[ \t]*(?:Example|示例|例子?)[ \t]*\d+[.:：]?[ \t]*$")
_INPUT = r"(?:Input|输入)[ \t]*\d*[:：]"
_OUTPUT = r"(?:Output|输出)[ \t]*\d*[:：]"
_CLASS = re.compile(r"(?m)^[ \t]*(?:Class label|类别(?:标签)?)[:：]")


def labelled_instances(text: str, *, truncated: bool) -> list[Instance]:
    """Read few-shot instances: "Input: … Output: …" after optional "Example N" headings.

    The labels may be Chinese. They count only at the start of a line; a missing or "(none)" input
    is empty. The last instance of a reply that broke off is dropped.
    """
    pieces = _EXAMPLE.split(text)
    found: list[Instance] = []
    for piece in pieces[:-1] if truncated else pieces:
        fields = re.split(rf"(?m)^[ \t]*{_OUTPUT}", piece, maxsplit=1)
        if len(fields) == 2:
            given = re.sub(rf"\A\s*{_INPUT}", "", fields[0]).strip()
            found.append(Instance(input=_nothing(given), output=fields[1].strip()))
    return found


def labelled_classes(text: str, *, truncated: bool) -> list[Instance]:
    """Read output-first instances: "Class label: …" and, on the lines after it, the input.

    Or the same in Chinese. An input ends before an "Output:" of its own: the label has been given.
    """
    pieces = _CLASS.split(text)[1:]
    found = []
    for piece in pieces:
        label, _, rest = piece.partition("\n")
        given = re.sub(r"\A\s*(?:Input|输入)[:：]", "", rest)
        given = re.split(r"(?m)^[ \t]*(?:Output|输出)[:：]", given, maxsplit=1)[0].strip()
        found.append(Instance(input=_nothing(unwrapped(given)), output=label.strip()))
    return found[:-1] if truncated else found


_NO_INPUT = {"none", "noinput", "no input", "n/a", "empty"}
_NO_INPUT |= {"无", "无输入", "没有输入", "无需输入", "不需要输入", "空"}


def _nothing(text: str) -> str:
    """Read the ways a model says that there is no input."""
    bare = text.strip().strip("()<>[].（）【】。").casefold()
    return "" if bare in _NO_INPUT else text


# --- The published code's own parsing, defects included: for the paper recipe only -------------


def paper_items(text: str, *, truncated: bool) -> list[Item]:
    """Split a reply as post_process_gpt3_response() does.

    A reply that broke off is lost whole; white space is collapsed; each item is capitalised,
    which lower-cases all but its first letter.
    """
    if truncated:
        return []
    pieces = re.split(r"\n\d+\s?\. ", text)
    items = (" ".join(piece.split()).capitalize() for piece in pieces)
    return [Item(item) for item in items if item]


def paper_instances(text: str, *, truncated: bool) -> list[Instance]:
    """Read input-first instances as prepare_for_finetuning.py does.

    Labels count wherever they stand; a piece without "Output:" is an output without an input.
    """
    heading, labelled = r"Example\s?\d*\.?", r"Output\s*(?:\d+\s*)?:"
    if re.search(heading, text):
        pieces = [piece for piece in re.split(heading, text) if piece.strip()]
    else:
        pieces = [text] if re.search(labelled, text) else []
    found = []
    for piece in pieces:
        given, written, *_ = (
            re.split(labelled, piece) if re.search(labelled, piece) else ("", piece)
        )
        output = re.split(r"Input\s*(?:\d+\s*)?:", written)[0].strip()
        found.append(Instance(_without_label(given), output))
    return found[:-1] if truncated else found


def paper_classes(text: str, *, truncated: bool) -> list[Instance]:
    """Read output-first instances as prepare_for_finetuning.py does.

    Only the label "Input:" that our prompts have goes as well.
    """
    found = []
    for piece in text.split("Class label:")[1:]:
        label, _, rest = piece.strip().partition("\n")
        found.append(Instance(_without_label(rest), label.strip()))
    return found[:-1] if truncated else found


def _without_label(text: str) -> str:
    """Take an input from behind its label; "(none)" is how our prompts write that there is none."""
    given = re.sub(r"\AInput\s*(?:\d+\s*)?:", "", text.strip()).strip()
    return "" if given == "(none)" else given
