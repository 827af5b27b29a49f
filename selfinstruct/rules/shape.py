"""Rules about the shape of a text: is it a request, is it finished, is it in one script?

Decides: what a task looks like. Does not know: whether it makes sense.
"""

import re
import string
import unicodedata
from typing import ClassVar

from selfinstruct.rules.base import (
    FieldRule,
    Share,
    Texts,
    check_patterns,
    is_prose,
    shortened,
)
from selfinstruct.rules.wording import starts_with
from selfinstruct.text import is_unspaced


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
    """Refuse a text that holds nothing but white space and characters that show nothing."""

    def fault_in(self, text: str) -> str:
        """Look for anything; zero-width spaces and direction marks are of the category Cf."""
        if any(not char.isspace() and unicodedata.category(char) != "Cf" for char in text):
            return ""
        return f"the {self.field} is empty"


_PART = re.compile(r"(?<=[:;])\s+|,\s+(?:please\s+)?|\s[-\u2013\u2014]\s|[，：；]\s*")
"""Where a part of a sentence ends."""


class TaskForm(FieldRule, frozen=True, tag="task_form", kw_only=True):
    """Refuse what asks for nothing: no question, and no sentence that starts with an opener.

    `openers` are the words a request starts with, matched at the start of any sentence or part
    of one; `clauses` are those openers that inside a sentence ask nothing unless it ends with a
    question mark ("The film, which won a prize, is long"). `never` are starts that only a
    statement has, to the end of its sentence. Where there is no opener, a text passes all the
    same unless it starts with one of `starts` (the pronouns, articles and the like of a
    statement) or a word with one of the endings `endings`: no list has all verbs. Without
    `starts` only openers and questions pass.
    """

    openers: tuple[str, ...]
    never: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()

    def fault_in(self, text: str) -> str:
        """Look for a request in any sentence."""
        sentences = re.split(r"(?<=[.!?])\s+|(?<=[。！？])\s*|\n+", text.strip())
        stated = [starts_with(self.never).match(sentence) for sentence in sentences]
        if stated[0] and all(stated):
            return f"a statement: starts with {stated[0].group(0)!r}"
        for sentence, statement in zip(sentences, stated, strict=True):
            if self._asks(sentence) and not statement:
                return ""
        if self.starts and not self._states(text):
            return ""
        return f"asks for nothing: starts with {shortened(text, 30)!r}"

    def _asks(self, sentence: str) -> bool:
        """Say whether a part of a sentence is a question or starts with an opener."""
        starts = starts_with(self.openers)
        clauses = starts_with(self.clauses)
        first, *later = _PART.split(sentence)
        if any(part.rstrip().endswith(("?", "？")) for part in (first, *later)):
            return True
        openings = (first, *(part for part in later if not clauses.match(part)))
        return any(starts.match(part) for part in openings)

    def _states(self, text: str) -> bool:
        """Say whether a text starts as a statement does."""
        first, *_ = re.findall(r"\w+", text) or [""]
        return bool(starts_with(self.starts).match(text)) or first.endswith(self.endings)


class Unfinished(FieldRule, frozen=True, tag="unfinished", kw_only=True):
    """Refuse a text that breaks off: after a comma, an open bracket or quote, or a word of `words`.

    `words` are those no sentence ends with ("the", "and", "以及"), as written: "vitamin A" is
    whole, and so is a single word. With one of the regular expressions `unless` in it, only a text
    with an open bracket or quote breaks off ("Explain what a comet is").
    """

    words: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a pattern that does not compile, while the recipe is read."""
        super().__post_init__()
        check_patterns(*self.unless)

    def fault_in(self, text: str) -> str:
        """Look at the end; code may well end with a semicolon."""
        end = text.rstrip()
        prose = is_prose(end)
        if prose and (_odd_quotes(end) or _open_bracket(end)):
            return "leaves a quotation or bracket open"
        if any(re.search(pattern, end) for pattern in self.unless):
            return ""
        marks = (*",([，、（《「『【\u2013\u2014", *(";；" if prose else ""))
        if end.endswith(marks) or re.search(r"[^-|\s]\s?-$", end):
            return f"ends with {end[-1]!r}"
        *before, last = end.split() or [""]
        if is_unspaced(last[-1:]):
            return next((f"ends with {w!r}" for w in self.words if _ends_in(w, end)), "")
        return f"ends with the word {last!r}" if last in self.words and before else ""


def _ends_in(word: str, text: str) -> bool:
    """Say whether a text of more than one word ends with a word that needs no space before it."""
    return is_unspaced(word[:1]) and text.endswith(word) and text != word


def _open_bracket(text: str) -> bool:
    """Say whether a bracket is left open; Chinese text mixes both kinds of round ones."""
    closed = str.maketrans("（）", "()")
    plain = text.translate(closed)
    return any(
        plain.count(pair[0]) > plain.count(pair[1]) for pair in ("()", "《》", "「」", "『』")
    )


def _odd_quotes(text: str) -> bool:
    """Say whether a quotation is left open; a mark after a digit may stand for inches."""
    marks = re.findall(r'["\u201c\u201d]', text)
    inches = re.findall(r'(?<=\d)["\u201d]', text)
    return len(marks) % 2 == 1 and (len(marks) - len(inches)) % 2 == 1


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

    No language writes so; small models do when they slip from one token to another. A single
    Greek letter that looks like no Latin one is a sign of a formula and passes: "λmax".
    """

    alphabets: ClassVar[tuple[str, ...]] = ("LATIN", "GREEK", "CYRILLIC")
    signs: ClassVar[re.Pattern[str]] = re.compile(
        r"(?<![\u0370-\u03ff])[\u0393\u0394\u0398\u039b\u03a0\u03a3\u03a6\u03a8\u03a9\u03b2-\u03b4\u03b8"
        r"\u03bb\u03bc\u03be\u03c0\u03c3\u03c6\u03c8\u03c9](?![\u0370-\u03ff])"
    )

    def fault_in(self, text: str) -> str:
        """Search; words of ASCII alone are passed over quickly."""
        if text.isascii():
            return ""
        # Characters of a script without spaces do not join the words on both sides of them.
        spaced = "".join(" " if is_unspaced(char) else char for char in text)
        for word in re.findall(r"[^\W\d_]{4,}", spaced):
            if not word.isascii():
                letters = self.signs.sub("", word)
                names = {unicodedata.name(char, "").split(" ")[0] for char in letters}
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
