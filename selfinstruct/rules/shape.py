"""Rules about the shape of a text: is it a request, is it finished, does it go in circles?

Decides: what a task looks like. Does not know: whether it makes sense.
"""

import re
import string
import unicodedata
from typing import ClassVar

from selfinstruct.rules.base import Count, FieldRule, Positive, Share, Texts, shortened
from selfinstruct.rules.wording import starts_with
from selfinstruct.text import tokens


class FirstCharacter(FieldRule, frozen=True, tag="first_character", kw_only=True):
    """Refuse a text that starts with ASCII punctuation, or (`ascii`) with another script."""

    ascii: bool = False

    def fault_in(self, text: str) -> str:
        """Look at the first character."""
        first = text[:1]
        if first and first in string.punctuation:
            return f"starts with punctuation {first!r}"
        return (
            f"starts with {first!r}, which is not ASCII"
            if self.ascii and not first.isascii()
            else ""
        )


class NotEmpty(FieldRule, frozen=True, tag="not_empty", kw_only=True):
    """Refuse a text that holds nothing but white space."""

    def fault_in(self, text: str) -> str:
        """Look for anything."""
        return "" if text.strip() else f"the {self.field} is empty"


class TaskForm(FieldRule, frozen=True, tag="task_form", kw_only=True):
    """Keep what asks for something: a question, or a sentence that starts with an opener.

    `openers` are the words a request starts with, matched at the start of any sentence or part
    of one; `never` are starts that only a statement has, to the end of its sentence.
    """

    openers: tuple[str, ...]
    never: tuple[str, ...] = ()

    def fault_in(self, text: str) -> str:
        """Look for a request in any sentence."""
        sentences = re.split(r"(?<=[.!?。！？])\s+|\n+", text)
        stated = [starts_with(self.never).match(sentence) for sentence in sentences]
        if stated[0] and all(stated):
            return f"a statement: starts with {stated[0].group(0)!r}"
        starts = starts_with(self.openers)
        for sentence, statement in zip(sentences, stated, strict=True):
            parts = re.split(r"(?<=[:;])\s+|,\s+(?:please\s+)?", sentence)
            asks = any(part.rstrip().endswith(("?", "？")) or starts.match(part) for part in parts)
            if asks and not statement:
                return ""
        return f"asks for nothing: starts with {shortened(text, 30)!r}"


class Unfinished(FieldRule, frozen=True, tag="unfinished", kw_only=True):
    """Refuse a text that breaks off: after a comma, an open bracket or quote, or a word of `words`.

    `words` are those no sentence ends with ("the", "and"), as written: "vitamin A" is whole.
    """

    words: tuple[str, ...] = ()

    def fault_in(self, text: str) -> str:
        """Look at the end."""
        end = text.rstrip()
        if end.endswith((",", ";", "(", "[", "-", "\u2013", "\u2014")):
            return f"ends with {end[-1]!r}"
        if end.count('"') % 2 or end.count("(") > end.count(")"):
            return "leaves a quotation or bracket open"
        last = end.split()[-1] if end else ""
        return f"ends with the word {last!r}" if last in self.words else ""


class Repetition(FieldRule, frozen=True, tag="repetition", kw_only=True):
    """Refuse a text that goes round in circles.

    `max_share` bounds the share of its runs of `run` tokens that occurred before. Texts of
    fewer than `min_tokens` are kept: short ones repeat by nature.
    """

    max_share: Share
    run: Positive = 4
    min_tokens: Count = 12

    def fault_in(self, text: str) -> str:
        """Count runs of tokens that came before."""
        words = tokens(text)
        runs = [tuple(words[i : i + self.run]) for i in range(len(words) - self.run + 1)]
        if len(words) < self.min_tokens or not runs:
            return ""
        share = 1 - len(set(runs)) / len(runs)
        return f"{share:.0%} of it is repeated" if share > self.max_share else ""


class Script(FieldRule, frozen=True, tag="script", kw_only=True):
    """Keep texts written in a script: at least `min_share` of their letters have names such.

    A name is the start of a character's Unicode name: "LATIN", "CJK", "HIRAGANA".
    """

    scripts: Texts
    min_share: Share

    def fault_in(self, text: str) -> str:
        """Count letters."""
        if "LATIN" in self.scripts and text.isascii():
            return ""  # all its letters are Latin: no need to name each
        letters = [char for char in text if char.isalpha()]
        inside = sum(unicodedata.name(char, "").startswith(self.scripts) for char in letters)
        share = inside / len(letters) if letters else 1.0
        return (
            "" if share >= self.min_share else f"{share:.0%} of its letters are {self.scripts[0]}"
        )


class MixedScript(FieldRule, frozen=True, tag="mixed_script", kw_only=True):
    """Refuse a text with a word whose letters are of two alphabets (Latin, Greek, Cyrillic).

    No language writes so; small models do when they slip from one token to another.
    """

    alphabets: ClassVar[tuple[str, ...]] = ("LATIN", "GREEK", "CYRILLIC")

    def fault_in(self, text: str) -> str:
        """Search; words of ASCII alone are passed over quickly."""
        for word in re.findall(r"[^\W\d_]{4,}", text):
            if not word.isascii():
                names = {unicodedata.name(char, "").split(" ")[0] for char in word}
                if len(names & set(self.alphabets)) > 1:
                    return f"contains {shortened(word)!r}"
        return ""


class ControlCharacters(FieldRule, frozen=True, tag="control_characters", kw_only=True):
    """Refuse characters that no text holds: controls but tab and newline, and U+FFFD."""

    found: ClassVar[re.Pattern[str]] = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")

    def fault_in(self, text: str) -> str:
        """Search."""
        bad = self.found.search(text)
        return f"contains the character U+{ord(bad.group()):04X}" if bad else ""
