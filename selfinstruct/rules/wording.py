"""Rules about which words stand in a text, and how many.

Decides: what counts as a word, a start, an end, an echo. Does not know: which lists a recipe
gives.
"""

import re
from functools import lru_cache
from typing import Literal

from selfinstruct.rules.base import Count, FieldRule, check_patterns, shortened
from selfinstruct.text import is_unspaced, tokens


class WordCount(FieldRule, frozen=True, tag="word_count", kw_only=True):
    """Keep `min` to `max` words: white-space separated, or our tokens with `unit = "tokens"`.

    Tokens are the unit for languages written without spaces.
    """

    min: Count = 0
    max: Count
    unit: Literal["words", "tokens"] = "words"

    def fault_in(self, text: str) -> str:
        """Count."""
        count = len(text.split() if self.unit == "words" else tokens(text))
        if self.min <= count <= self.max:
            return ""
        return f"{count} {self.unit}, expected {self.min} to {self.max}"


class BannedWords(FieldRule, frozen=True, tag="banned_words", kw_only=True):
    """Refuse any of `words` as a whole word, whatever its case; `unless` lists exceptions.

    An exception is a phrase that makes the word harmless ("plot of", "map of").
    """

    words: tuple[str, ...]
    unless: tuple[str, ...] = ()

    def fault_in(self, text: str) -> str:
        """Search for the words, outside the exceptions."""
        if self.unless:
            text = whole_words(self.unless).sub(" ", text)
        found = whole_words(self.words).search(text)
        return f"contains {found.group(0)!r}" if found else ""


class BannedStart(FieldRule, frozen=True, tag="banned_start", kw_only=True):
    """Refuse a text that starts with one of `starts`, as written unless `ignore_case`."""

    starts: tuple[str, ...]
    ignore_case: bool = False

    def fault_in(self, text: str) -> str:
        """Compare the start."""
        fold = str.casefold if self.ignore_case else str
        start = fold(text.lstrip())
        return next((f"starts with {s!r}" for s in self.starts if start.startswith(fold(s))), "")


class BannedEnd(FieldRule, frozen=True, tag="banned_end", kw_only=True):
    """Refuse a text that ends with one of `ends`."""

    ends: tuple[str, ...]

    def fault_in(self, text: str) -> str:
        """Compare the end."""
        return next((f"ends with {e!r}" for e in self.ends if text.rstrip().endswith(e)), "")


class BannedPattern(FieldRule, frozen=True, tag="banned_pattern", kw_only=True):
    """Refuse a text in which one of the regular expressions `patterns` is found."""

    patterns: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a pattern that does not compile, while the recipe is read."""
        super().__post_init__()
        check_patterns(*self.patterns)

    def fault_in(self, text: str) -> str:
        """Search."""
        found = next((m for p in self.patterns if (m := re.search(p, text))), None)
        return f"contains {shortened(found.group(0))!r}" if found else ""


class PromptEcho(FieldRule, frozen=True, tag="prompt_echo", kw_only=True):
    """Refuse a text that holds a line of a prompt; `phrases` are filled in from the prompts."""

    phrases: tuple[str, ...] = ()

    def fault_in(self, text: str) -> str:
        """Search, whatever the case."""
        folded = text.casefold()
        found = next((p for p in self.phrases if p.casefold() in folded), "")
        return f"repeats the prompt: {shortened(found)!r}" if found else ""


@lru_cache(maxsize=256)
def whole_words(words: tuple[str, ...]) -> re.Pattern[str]:
    """Match any of the words where it stands alone, the longest that stands there.

    A word begins where no letter precedes it, unless its script has no spaces; looking at that,
    and at the first letter, once for all words is five times as quick as once for each.
    """
    spaced = tuple(word for word in words if word and not is_unspaced(word[0]))
    others = tuple(word for word in words if word not in spaced)
    initials = "".join(sorted({re.escape(word[0]) for word in spaced}))
    bounded = [rf"(?<!\w)(?=[{initials}])(?:{_alternatives(spaced)})"] if spaced else []
    unbounded = [_alternatives(others)] if others or not spaced else []
    return re.compile("|".join(unbounded + bounded), re.IGNORECASE)


@lru_cache(maxsize=256)
def starts_with(words: tuple[str, ...]) -> re.Pattern[str]:
    """Match a text that starts with one of the words."""
    return re.compile(rf"\W*(?:{_alternatives(words)})", re.IGNORECASE)


def _alternatives(words: tuple[str, ...]) -> str:
    """Join words for a regular expression, longest first so that a phrase wins over its head.

    A word ends where no letter follows; in a script without spaces it needs no such bound. No
    words match nothing.
    """
    longest = sorted(words, key=len, reverse=True)
    bounded = [re.escape(w) + ("" if is_unspaced(w[-1:]) else r"(?!\w)") for w in longest]
    return "|".join(bounded) or "(?!)"
