"""Rules about a text that goes in circles: runs of words, lines and items that came before.

Decides: what counts as said again, and how much of it a text may hold. Does not know: which texts
repeat themselves by nature; a recipe says so with `unless_asked`.
"""

import re
import zlib
from collections import Counter

from selfinstruct.rules.base import Count, FieldRule, Positive, Share, is_prose, shortened
from selfinstruct.text import tokens

_LIST = 8
"""Numbered items that make a list of which some may come again by chance; fewer say too little."""


class Repetition(FieldRule, frozen=True, tag="repetition", kw_only=True):
    """Refuse a text that goes round in circles.

    `max_share` bounds the share of its runs of `run` tokens that occurred before. Texts of
    fewer than `min_tokens` are kept: short ones repeat by nature. So do code and tables, which
    are passed over with `prose`.
    """

    max_share: Share
    run: Positive = 4
    min_tokens: Count = 12
    prose: bool = False

    def fault_in(self, text: str) -> str:
        """Count runs of tokens that came before."""
        if self.prose and not is_prose(text):
            return ""
        words = tokens(text)
        runs = [tuple(words[i : i + self.run]) for i in range(len(words) - self.run + 1)]
        if len(words) < self.min_tokens or not runs:
            return ""
        share = 1 - len(set(runs)) / len(runs)
        return f"{share:.0%} of it is repeated" if share > self.max_share else ""


class RepeatedLines(FieldRule, frozen=True, tag="repeated_lines", kw_only=True):
    """Refuse a text that says a line, or an item of a list, again word for word.

    It may do so `max_repeats` times. Lines of fewer than `min_tokens` tokens do not count, and
    the marks of items are no part of them; the numbered items of one line count as lines. Code
    and tables are passed over. Of eight numbered items or more, however short and whatever
    stands between them, the share `max_share` may have come before.
    """

    max_repeats: Count = 0
    min_tokens: Count = 3
    max_share: Share = 1.0

    def fault_in(self, text: str) -> str:
        """Count lines that came before."""
        seen: Counter[tuple[str, ...]] = Counter()
        items = []
        prose = is_prose(text)
        for line in re.split(r"\n|\s(?=\d{1,2}[.)]\s)", text):
            words = tuple(tokens(re.sub(r"^\W*(?:\d{1,3}[.)]\s*)?", "", line)))
            if re.match(r"\s*\d{1,3}[.)].", line):
                items.append(words)
            seen[words] += prose and len(words) >= self.min_tokens
            if seen[words] > self.max_repeats + 1:
                return f"says {seen[words]} times {shortened(line.strip())!r}"
        again = len(items) - len(set(items))
        if len(items) >= _LIST and again > self.max_share * len(items):
            return f"names {again} of {len(items)} items again"
        return ""


class Compressible(FieldRule, frozen=True, tag="compressible", kw_only=True):
    """Refuse a text that zlib packs into less than `min_ratio` of its bytes.

    What repeats packs well, also where no run of words is the same twice ("1. a 2. a 3. a").
    Texts of fewer than `min_bytes` bytes are kept: packing has an overhead of its own. Code and
    tables pack well by nature, and are passed over with `prose`.
    """

    min_ratio: Share
    min_bytes: Count = 200
    prose: bool = False

    def fault_in(self, text: str) -> str:
        """Pack it."""
        if self.prose and not is_prose(text):
            return ""
        data = text.encode("utf-8", "replace")
        if len(data) < self.min_bytes:
            return ""
        ratio = len(zlib.compress(data)) / len(data)
        return f"packs into {ratio:.0%} of its bytes" if ratio < self.min_ratio else ""
