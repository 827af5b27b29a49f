"""Tokens of ASCII text, hashed as they are found.

Decides: nothing of its own: it repeats `text.tokens` and `shingles.token_hash` for ASCII bytes,
twenty times as fast, and a property test holds them equal. Text of other scripts comes here as
tokens already, with END after each. Does not know: shingles, or what tokens are for.
"""

import numpy as np

from selfinstruct.novelty.compiled import inlined, kernel
from selfinstruct.novelty.shingles import FNV_PRIME, FNV_START

END = 0xFF
"""Ends a ready-made token: no byte of UTF-8."""

_SPACE, _DIGIT, _LETTER, _UNDERSCORE, _SYMBOL, _OTHER = range(6)


def _kind(code: int) -> int:
    """Return the part a byte plays in tokens."""
    char = chr(code)
    if code < 33 or code == 127:
        return _SPACE
    if char.isdigit():
        return _DIGIT
    if char.isalpha():
        return _LETTER
    return _UNDERSCORE if char == "_" else _SYMBOL if char in "+*/=<>^%$#@&~|\\" else _OTHER


_KIND = np.array([_kind(code) if code < 128 else _OTHER for code in range(256)], np.uint8)
_LOWER = np.array([ord(chr(c).lower()) if c < 128 else c for c in range(256)], np.uint8)


@inlined
def _hash(data, start, end):
    """Return the FNV-1a hash of bytes in lower case."""
    value = np.uint64(FNV_START)
    for i in range(start, end):
        value = (value ^ np.uint64(_LOWER[data[i]])) * np.uint64(FNV_PRIME)
    return value


@kernel
def _number(data, i, end):
    """Return where digits with inner points or commas end (3.5, 1,000), or `i` if none begins."""
    j = i
    while j < end and _KIND[data[j]] == _DIGIT:
        j += 1
    last = i
    while j > i and j + 1 < end and (data[j] == 46 or data[j] == 44):
        if _KIND[data[j + 1]] != _DIGIT:
            break
        j += 1
        while j < end and _KIND[data[j]] == _DIGIT:
            j += 1
        last = j
    return last


@kernel
def _word(data, i, end):
    """Return where a word ends, with what belongs to it: don't, C++, C#."""
    j = i
    while j < end and _DIGIT <= _KIND[data[j]] <= _UNDERSCORE:
        j += 1
    if j + 1 < end and data[j] == 39 and _KIND[data[j + 1]] == _LETTER:
        j += 1
        while j < end and _KIND[data[j]] == _LETTER:
            j += 1
    if j + 1 < end and data[j] == 43 and data[j + 1] == 43:
        return j + 2
    return j + 1 if j < end and data[j] == 35 else j


@kernel
def _is_minus(data, i, end):
    """Say whether a hyphen is a minus sign: a digit follows, after white space perhaps."""
    j = i + 1
    while j < end and _KIND[data[j]] == _SPACE:
        j += 1
    return data[i] == 45 and j < end and _KIND[data[j]] == _DIGIT


@kernel
def scan(data, start, end, hashes):
    """Hash the tokens of ASCII bytes into `hashes`; return how many there are."""
    count, i = 0, start
    while i < end:
        kind, after = _KIND[data[i]], i
        if kind == _DIGIT:
            after = _number(data, i, end)
        if after == i and _DIGIT <= kind <= _UNDERSCORE:
            after = _word(data, i, end)
        if after == i and (kind == _SYMBOL or _is_minus(data, i, end)):
            after = i + 1
        if after > i:
            hashes[count] = _hash(data, i, after)
            count += 1
        i = max(after, i + 1)
    return count


@kernel
def split(data, start, end, hashes):
    """Hash ready-made tokens, each with END after it; return how many there are."""
    count, first = 0, start
    for i in range(start, end):
        if data[i] == END:
            value = np.uint64(FNV_START)
            for j in range(first, i):
                value = (value ^ np.uint64(data[j])) * np.uint64(FNV_PRIME)
            hashes[count] = value
            count += 1
            first = i + 1
    return count
