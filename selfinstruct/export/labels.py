"""Labels of classification tasks, and the styles in which options are shown.

Decides: which labels a task has, where that is certain, and what an answer looks like where
options are lettered or numbered. Does not know: templates.
"""

import re
from collections.abc import Sequence

import msgspec

from selfinstruct.export.base import Row
from selfinstruct.export.chance import shuffled
from selfinstruct.task import Task

MAX_LABELS = 26
"""Of one task: as many as there are letters. FLAN shows no more either."""

MAX_LABEL = 60
"""Characters of one label; a longer answer is no label."""

_NOT = "not"
"""What stands for a label without being one: "ethical or not"."""

_BETWEEN = re.compile(
    r"\s*[,、,/;;]\s*(?:(?:or|and|或者?|还是|和)\s*)?|\s+(?:or|and)\s+|或者?|还是"
)
_ARTICLE = re.compile(r"^(?:an?|the|either|as) ", re.IGNORECASE)
_CLAUSE = re.compile(r"([.?!:。?!:\n()()])")
_QUOTES = "\"'“”‘’「」`"


class Style(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How options are shown: a lead, then each item; and what the answer is.

    Holes of `item` and `answer`: {option}, {letter} (a, b, …), {LETTER} and {number} (1, 2, …).
    """

    id: str
    lead: str
    item: str
    separator: str
    answer: str


class Options(msgspec.Struct, frozen=True):
    """The labels of a row in a style."""

    labels: tuple[str, ...]
    style: Style

    def shown(self) -> str:
        """Return the block that a prompt shows."""
        style = self.style
        items = (_filled(style.item, number, one) for number, one in enumerate(self.labels))
        return style.lead + style.separator.join(items)

    def answer(self, label: str) -> str:
        """Return a label as this style has it answered."""
        return _filled(self.style.answer, self.labels.index(label), label)


def options_of(row: Row, labels: Sequence[str], style: Style) -> Options:
    """Return the labels of a row, in an order that tells nothing of the answer."""
    return Options(tuple(shuffled(labels, row.id)), style)


def label_set(task: Task) -> tuple[str, ...]:
    """Return the labels of a classification task in a fixed order; () where they are not known.

    They are known where the instruction lists them, or where the instances have at least two. All
    outputs are among them, exactly as they are.
    """
    if not task.is_classification:
        return ()
    outputs = list(dict.fromkeys(one.output for one in task.instances))
    if any(not one.strip() or "\n" in one or len(one) > MAX_LABEL for one in outputs):
        return ()
    listed, instruction = _listed(task.instruction, outputs), task.instruction.casefold()
    if not listed and any(_plain(one) in instruction for one in outputs):
        return ()  # it names labels, and more than these perhaps
    plain = set(map(_plain, outputs))
    found = outputs + [one for one in listed if _plain(one) not in plain]
    if len(found) < 2 or len(found) > MAX_LABELS or len(set(map(_plain, found))) < len(found):
        return ()
    return tuple(sorted(found))


def _plain(label: str) -> str:
    """Return a label without what does not tell it from another."""
    return label.strip().strip(_QUOTES).rstrip(".。").casefold()


def _listed(instruction: str, outputs: Sequence[str]) -> list[str]:
    """Return the longest list of alternatives in an instruction that has all outputs, or [].

    A list goes on to the end of its clause: where it ends earlier, nobody knows where.
    """
    known = {_plain(one) for one in outputs}
    best: list[str] = []
    pieces = ["", *_CLAUSE.split(instruction)]
    for mark, clause in zip(pieces[::2], pieces[1::2], strict=True):
        parts = [_ARTICLE.sub("", part.strip()) for part in _BETWEEN.split(clause)]
        for start in range(len(parts) - 1):
            labels = _labels(parts[start:], known, whole=start == 0 and mark in (":", ":"))
            if len(labels) > len(best):
                best = labels
    return best


def _labels(parts: Sequence[str], known: set[str], *, whole: bool) -> list[str]:
    """Read the parts of a clause as a list that has all known labels, or [].

    After a colon the first and the last part are labels as a `whole`.
    """
    first = parts[0] if whole else _first(parts[0], known)
    last = parts[-1] if whole else _last(parts[-1], known)
    labels = [one.strip(_QUOTES) for one in (first, *parts[1:-1], last)]
    plain = [_plain(one) for one in labels]
    most = max(len(one.split()) for one in known) + 1
    if not all(plain) or not known.issubset(plain) or len(set(plain)) < len(plain):
        return []
    if _NOT in plain or any(len(one.split()) > most for one in parts[1:-1]):
        return []
    numbers = {one.isdigit() for one in plain}
    return labels if len(numbers) == 1 else []


def _first(part: str, known: set[str]) -> str:
    """Return the label that ends the first part of a list, "" where it is not certain.

    That is: a known label, something in quotes, or, where labels are words, the last word.
    """
    for label in sorted(known, key=len, reverse=True):
        if part.casefold() == label or part.casefold().endswith(f" {label}"):
            return label
    if quoted := re.search(rf"[{_QUOTES}]([^{_QUOTES}]+)[{_QUOTES}]$", part):
        return quoted[1]
    words = part.split()
    if not part.isascii() or not words:
        return ""
    return "" if any(" " in label for label in known) else words[-1]


def _last(part: str, known: set[str]) -> str:
    """Return the label that begins the last part of a list, "" where it is not certain.

    That is: a known label, something in quotes, or one word (with a "not") that is all of it.
    """
    for label in sorted(known, key=len, reverse=True):
        if part.casefold() == label or part.casefold().startswith(f"{label} "):
            return label
    if quoted := re.match(rf"[{_QUOTES}]([^{_QUOTES}]+)[{_QUOTES}]", part):
        return quoted[1]
    words = part.split()
    alone = len(words) == 1 or (len(words) == 2 and words[0] == _NOT)
    return part if part.isascii() and alone else ""


def _filled(pattern: str, number: int, option: str) -> str:
    """Fill the holes of an item or an answer; the option last: braces in it are text."""
    letter = chr(ord("a") + number)
    before, hole, after = pattern.partition("{option}")
    parts = [
        part.replace("{letter}", letter)
        .replace("{LETTER}", letter.upper())
        .replace("{number}", str(number + 1))
        for part in (before, after)
    ]
    return parts[0] + (option if hole else "") + parts[1]
