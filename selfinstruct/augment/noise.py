"""Word-level noise: a synonym in the place of a word, a word left out, two neighbours swapped.

Decides: which words are touched. Randomness comes from its caller. Does not know: grammar, so
deletion and swaps make bad sentences on purpose: they are off unless a recipe asks for them.
"""

import re
from collections.abc import Sequence
from random import Random

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def disturbed(text: str, method: str, random: Random, synonyms: Sequence[str]) -> str:
    """Return a text with one word disturbed; the text itself where nothing can be."""
    words = list(_WORD.finditer(text))
    if method == "synonym":
        return _with_synonym(text, words, random, synonyms)
    if len(words) < 4:  # too short to lose anything
        return text
    place = random.randrange(1, len(words) - 1)
    one, other = words[place], words[place + 1]
    if method == "deletion":
        return " ".join((text[: one.start()] + text[one.end() :]).split())
    between = text[one.end() : other.start()]
    return text[: one.start()] + other.group() + between + one.group() + text[other.end() :]


def _with_synonym(
    text: str, words: Sequence[re.Match[str]], random: Random, synonyms: Sequence[str]
) -> str:
    """Put another word of its line in the place of a word that has one."""
    groups = [[word.strip() for word in line.split(",")] for line in synonyms]
    known = {word: group for group in groups for word in group}
    places = [word for word in words if word.group().casefold() in known]
    if not places:
        return text
    word = random.choice(places)
    folded = word.group().casefold()
    other = random.choice([one for one in known[folded] if one != folded] or [folded])
    cased = other.capitalize() if word.group()[:1].isupper() else other
    return text[: word.start()] + cased + text[word.end() :]
