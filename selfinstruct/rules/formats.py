"""Rules about forms that an instruction asks for: JSON, a list, Python.

Decides: whether an output has the form, read as a person would: a fence or a sentence around it
is no fault. Does not know: which words ask for a form (a recipe's `cues` do).
"""

import ast
import json
import re
import warnings
from typing import Literal

from selfinstruct.rules.base import BaseRule, Texts, check_patterns
from selfinstruct.task import Task

Form = Literal["json", "list", "python"]

_FENCE = re.compile(r"^[ \t]*```[ \t]*(\w*)[^\n]*\n(.*?)^[ \t]*```", re.DOTALL | re.MULTILINE)
_ITEM = re.compile(
    r"^([ \t]*)([-*+\u2022\u2013\u00b7]|\(?\d{1,3}[.):\u3001]|[\uff08(]\d{1,2}[\uff09)])\s*\S",
    re.MULTILINE,
)
_BETWEEN = re.compile(r"[,;\n\u3001\uff0c\uff1b]|\band\b|\bor\b|(?<=[.!?]) |[\u548c\u6216\u3002]")


class AskedForm(BaseRule, frozen=True, tag="asked_form", kw_only=True):
    """Refuse an output without the form that its instruction asks for.

    It asks where one of the regular expressions `cues` is found. "json": the output, or a piece
    of it, is a JSON object or array. "list": two items at least, marked, on lines of
    their own or with commas between; where a cue has a group "number" ("list (?P<number>ten) ...")
    there must be as many marked items, if items are marked. `numbers` are the words for numbers
    in order from one, those for the same number in one entry ("二 两"). "python": what is fenced as
    Python, or all of an output that begins as code does, is free of syntax errors.
    """

    form: Form
    cues: Texts
    numbers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a pattern that does not compile, while the recipe is read."""
        super().__post_init__()
        check_patterns(*self.cues)

    def fault(self, task: Task) -> str:
        """Judge each output where the form is asked for."""
        found = (re.search(cue, task.instruction, re.IGNORECASE) for cue in self.cues)
        asked = next((match for match in found if match), None)
        if asked is None:
            return ""
        for one in task.instances:
            if fault := self._fault_of(one.output, asked):
                return f"{fault}, which {asked.group(0)!r} asks for"
        return ""

    def _fault_of(self, output: str, asked: re.Match[str]) -> str:
        if self.form == "json":
            return "" if holds_json(output) else "no JSON"
        if self.form == "python":
            return python_fault(output)
        wanted = self._number(asked.groupdict().get("number"))
        marked = marked_items(output)
        begins = re.match(r"\s*1[.)]", output)
        if wanted > 1 and marked != wanted and (marked > 1 or (marked and begins)):
            return f"{marked} item{'s' * (marked > 1)} instead of {wanted}"
        return "" if marked > 1 or len(_BETWEEN.split(output)) > 1 else "no list"

    def _number(self, word: str | None) -> int:
        """Read a number in digits or words; 0 where there is none."""
        if not word:
            return 0
        if word.isdecimal():
            return int(word)
        folded = word.casefold()
        ways = (number for number, words in enumerate(self.numbers, 1) if folded in words.split())
        return next(ways, 0)


def holds_json(text: str) -> bool:
    """Say whether an object or array of JSON stands somewhere in a text."""
    decoder = json.JSONDecoder(strict=False)
    for opening in re.finditer(r"[\[{]", text):
        try:
            decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            continue
        return True
    return False


def marked_items(text: str) -> int:
    """Count the items of the outermost list: lines with the mark of the first such line.

    Numbered items count where they follow in order, also within a line ("1. red 2. blue").
    """
    marks = [(len(found[1]), found[2]) for found in _ITEM.finditer(text)]
    if not marks:
        return 0
    first = marks[0]
    if re.match(r"\(?\d", first[1]):
        return _numbered(text)
    return sum(mark == first for mark in marks)


def _numbered(text: str) -> int:
    """Count numbers with a mark after them that go up from one."""
    count = 0
    for found in re.finditer(
        r"(?:^|(?<=[\s(\uff08]))(\d{1,3})[.):\u3001\uff09](?!\d)", text, re.MULTILINE
    ):
        count += int(found[1]) == count + 1
    return count


def python_fault(text: str) -> str:
    """Return the first syntax error of the Python in a text; "" without any, or without Python."""
    blocks = [code for name, code in _FENCE.findall(text) if name.lower() in ("python", "py", "")]
    if not blocks and re.match(r"\s*(?:def|class|import|from) \w", text):
        blocks = [re.split(r"\n\s*(?:Output|Example|Result)s?\b[^\n=(]*:", text)[0]]
    for block in blocks:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "\d" in a string is no fault
                ast.parse(block.replace("\t", "    ").replace("\u00a0", " "))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return f"Python that does not parse ({error})"
    return ""
