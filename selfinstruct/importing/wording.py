"""How a classification task is put into words: wordings by language, as data.

Decides: how labels are listed in a sentence, and how a wording is filled. Does not know: the
texts that are to be labelled.
"""

import tomllib
from collections.abc import Sequence

import msgspec

from selfinstruct.resources import wordings_file


class Wording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to say it, with holes {labels} or {list}, and {task}."""

    id: str
    instruction: str


class Wordings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The wordings of a language: for labels whose sense is known, and for others."""

    with_task: tuple[Wording, ...]
    without_task: tuple[Wording, ...]


_JOINTS = {"en": (", ", " or "), "zh": ("、", "、")}
"""What stands between the labels of a sentence, and before the last, by language."""

_QUOTES = {"en": ('"', '"'), "zh": ("“", "”")}


def load_wordings(language: str) -> Wordings:
    """Read the wordings that ship for a language; raise InputError naming those that do."""
    text = wordings_file(language).read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Wordings)


def filled(wording: Wording, language: str, labels: Sequence[str], task: str) -> str:
    """Return an instruction; braces in labels and in the task are text."""
    holes = {"labels": _in_a_sentence(labels, language), "task": task}
    holes["list"] = "\n".join(f"- {label}" for label in labels)
    parts = wording.instruction.split("{")
    said = [parts[0]]
    for part in parts[1:]:
        name, _, after = part.partition("}")
        said += [holes[name], after]
    return "".join(said)


def _in_a_sentence(labels: Sequence[str], language: str) -> str:
    """Join labels; if one of them could be taken for two, all are in quotes."""
    comma, last = _JOINTS[language]
    if any(mark in label for mark in (comma.rstrip(), last) for label in labels):
        before, after = _QUOTES[language]
        labels = [f"{before}{label}{after}" for label in labels]
    return comma.join(labels[:-1]) + last + labels[-1]
