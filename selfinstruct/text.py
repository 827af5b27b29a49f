"""The only tokenisers: text to the tokens that similarity is counted in.

Decides: what a token is. Ours (`tokens`) is right for short, accented, Chinese and
symbol-bearing text; the published one (`rouge_tokens`) keeps [a-z0-9] only and is here so that
the paper's filter can be reproduced. Does not know: what tokens are used for.
"""

import re
import unicodedata
from collections.abc import Callable
from string import ascii_lowercase, digits

Tokeniser = Callable[[str], list[str]]

# Scripts written without spaces: each character is a token, as evaluation tools do for Chinese
# (as whole runs, two Chinese sentences that differ in one character would share nothing).
_UNSPACED = (
    "CJK ",
    "HIRAGANA",
    "KATAKANA",
    "BOPOMOFO",
    "THAI ",
    "LAO ",
    "KHMER ",
    "MYANMAR ",
    "TIBETAN ",
)
# How a character outside ASCII takes part in tokens; the regular expression below reads these.
_WORD, _MARK, _SINGLE, _SYMBOL, _NOTHING = "a\x01\x02\x03 "

_TOKEN = re.compile(
    r"[a-z_][a-z0-9_\x01]*(?:'[a-z\x01]+)?(?:\+\+|#)?"  # as below, tried first: most are words
    r"|\d+(?:[.,]\d+)+"  # 3.5 and 1,000
    r"|[a-z0-9_][a-z0-9_\x01]*(?:'[a-z\x01]+)?(?:\+\+|#)?"  # words, don't, C++, C#
    r"|[\x02\x03]\x01*"  # one Han character, one Thai letter with its marks, one emoji
    r"|-(?=\s*\d)"  # a minus sign
    r"|[+*/=<>^%$#@&~|\\]"  # ASCII symbols that carry meaning
)
# What is neither a to z nor 0 to 9 becomes a space; bytes are three times as fast as a pattern.
_ROUGE = bytes(code if chr(code) in ascii_lowercase + digits else 32 for code in range(256))


# Control characters that the grammar would not take for white space.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")


class _Shapes(dict[int, str]):
    """The shape of each character seen so far, by code point: a table for str.translate."""

    def __missing__(self, code: int) -> str:
        """Work out a shape once."""
        self[code] = shape = _shape(chr(code))
        return shape


_SHAPES = _Shapes()


def _shape(char: str) -> str:
    """Return the part a character plays: itself if ASCII, else one of the five above."""
    if char < "\x80":
        return char if char.isprintable() else _NOTHING
    if "\ufe00" <= char <= "\ufe0f":
        return _NOTHING  # variation selectors: the same sign, in another look
    category = unicodedata.category(char)
    if category[0] in "LN":
        return _SINGLE if unicodedata.name(char, "").startswith(_UNSPACED) else _WORD
    return {"M": _MARK, "S": _SYMBOL}.get(category[0], _NOTHING)


def is_unspaced(char: str) -> bool:
    """Say whether a character is of a script written without spaces, such as Chinese."""
    return bool(char) and _SHAPES[ord(char)] == _SINGLE


def tokens(text: str) -> list[str]:
    """Return the tokens of a text, case folded.

    Letters and digits form words; a character of a script without spaces is a token; symbols
    that change the meaning are tokens ("+", "%", "€", emoji) or stay on their word ("c++",
    "c#"); punctuation is dropped, unless the text has nothing else.
    """
    folded = unicodedata.normalize("NFKC", text.replace("\u2019", "'")).casefold()
    if folded.isascii() and not _CONTROL.search(folded):
        found = _TOKEN.findall(folded)
    else:
        # Matching on shapes and cutting the text keeps one grammar for all scripts.
        shape = folded.translate(_SHAPES)
        found = [folded[match.start() : match.end()] for match in _TOKEN.finditer(shape)]
    return found or [char for char in folded if not char.isspace()]


def word_count(text: str) -> int:
    """Count words: parts between white space, or tokens where a script has no spaces."""
    return len(tokens(text) if any(map(is_unspaced, text)) else text.split())


def rouge_tokens(text: str) -> list[str]:
    """Return the tokens that rouge-score 0.1.2 uses without stemming: lower-case [a-z0-9]+."""
    plain = text.lower().encode("ascii", "replace")
    return plain.translate(_ROUGE).decode("ascii").split()


TOKENISERS: dict[str, Tokeniser] = {"unicode": tokens, "rouge-score": rouge_tokens}
