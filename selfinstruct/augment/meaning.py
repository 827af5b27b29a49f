"""Is a text another wording of an instruction, and does it mean the same?

Decides: what must be in both (numbers, names, quotations, code, placeholders, negation, most
content words) and how alike they may be. Does not know: synonyms, so it refuses many good
paraphrases; embeddings and judges, where a recipe has them, come after it.
"""

import re
from collections import Counter
from collections.abc import Iterable

from rapidfuzz.distance import Indel

from selfinstruct.recipe import AugmentSettings
from selfinstruct.rules.base import shortened
from selfinstruct.text import is_unspaced, tokens

_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*%?")
_QUOTED = re.compile(
    r"[\"“]([^\"“”]+)[\"”]|(?<!\w)['‘]([^'‘’]+)['’](?!\w)|「([^」]+)」|《([^》]+)》"
)
_CODE = re.compile(r"`[^`]+`|\b\w+\([^)]*\)|\b\w+(?:_\w+)+\b|\b\w+\.\w{1,4}\b(?!\s*$)|</?\w+>")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]|<[^<>]+>|_{3,}")
_NAME = re.compile(r"(?<![.!?:\"“]\s)(?<!^)\b[A-Z][\w'’-]*")
_SUFFIX = re.compile(r"(?:ing|ed|es|s|ly|er|ion|ment)$")


def surface(before: str, after: str, how: AugmentSettings) -> str:
    """Say why a text is no other wording: it is the same one, or of another size; "" if it is."""
    old, new = tokens(before), tokens(after)
    similarity = Indel.normalized_similarity(old, new)
    if similarity > how.max_similarity:
        return f"hardly another wording (ROUGE-L {similarity:.2f})"
    if len(new) > how.max_growth * max(len(old), 4):
        return f"{len(new)} tokens instead of {len(old)}"
    return ""


def drift(before: str, after: str, how: AugmentSettings) -> str:
    """Say what of the meaning is lost or new; "" where nothing shows."""
    for what, find in _KEPT.items():
        lost = find(before) - find(after)
        new = find(after) - find(before)
        if lost or new:
            word = min(lost or new)  # a set has no order of its own
            return f"{what} {shortened(word)!r} is {'lost' if lost else 'new'}"
    return (
        _negation(before, after, how)
        or _asked(before, after, how)
        or _content(before, after, how)
        or next((f"tells or does: {p!r}" for p in how.never if re.search(p, after)), "")
    )


def _numbers(text: str) -> Counter[str]:
    return Counter(_NUMBER.findall(text))


def _quotations(text: str) -> Counter[str]:
    return Counter("".join(found).strip() for found in _QUOTED.findall(text))


def _code(text: str) -> Counter[str]:
    return Counter(_CODE.findall(text))


def _placeholders(text: str) -> Counter[str]:
    return Counter(_PLACEHOLDER.findall(text))


def _names(text: str) -> Counter[str]:
    """Find words with a capital inside a sentence; each counts once."""
    return Counter({re.sub(r"['’]s$", "", name) for name in _NAME.findall(text)} - {"I"})


_KEPT = {
    "the number": _numbers,
    "the quotation": _quotations,
    "the code": _code,
    "the placeholder": _placeholders,
    "the name": _names,
}


def _negation(before: str, after: str, how: AugmentSettings) -> str:
    """Compare how often the two say no."""
    counts = []
    for text in (before, after):
        folded = re.sub(r"[^\w']+", "  ", text.casefold().replace("’", "'"))
        counts.append(sum(f" {folded} ".count(sign) for sign in how.negations))
    return "" if counts[0] == counts[1] else f"says no {counts[1]} times instead of {counts[0]}"


def _asked(before: str, after: str, how: AugmentSettings) -> str:
    """Compare what is asked for: how, why, who."""
    old, new = set(tokens(before)), set(tokens(after))
    for line in how.asks:
        group = {word.strip() for word in line.split(",")}
        if old & group and not new & group:
            return f"no longer asks {min(old & group)!r}"
        if new & group and not old & group:
            return f"asks {min(new & group)!r}, which was not asked"
    return ""


def _content(before: str, after: str, how: AugmentSettings) -> str:
    """Compare the content words of both: those that are neither ignored nor how one asks."""
    old, new = content_words(before, how.ignored), content_words(after, how.ignored)
    for what, some, others, share in (
        ("kept", old, new, how.min_kept),
        ("shared", new, old, how.min_shared),
    ):
        found = sum(any(_same(word, other) for other in others) for word in some)
        if some and found < share * len(some):
            return f"{found} of {len(some)} content words are {what}"
    return ""


def content_words(text: str, ignored: Iterable[str]) -> list[str]:
    """Return the words of a text that carry its topic, each once, in order."""
    skipped = set(ignored)
    words = dict.fromkeys(word for word in tokens(text) if any(map(str.isalpha, word)))
    return [word for word in words if word not in skipped]


def _same(one: str, other: str) -> bool:
    """Say whether two words are forms of one: they differ in their ends alone."""
    if one == other or is_unspaced(one[:1]):
        return one == other
    left, right = _SUFFIX.sub("", one), _SUFFIX.sub("", other)
    shorter = min(len(left), len(right))
    common = next((i for i in range(shorter) if left[i] != right[i]), shorter)
    return common >= max(3, max(len(left), len(right)) - 2)
