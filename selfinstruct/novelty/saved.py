"""A ROUGE-L memory in a file: token numbers, so that texts need not be tokenised again.

Decides: the format, and that a file which is damaged, of another tokeniser or of other texts is
no file. Does not know: when it pays to write one, or how texts are compared.
"""

import io
import json
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfinstruct.storage import replace_file
from selfinstruct.task import digest
from selfinstruct.text import Tokeniser

FORMAT = 1
SEAL = 16
"""Bytes of the digest at the head."""

_PROBE = "Don't: 3.5 C++ naïve 大海 สวัสดี नमस्ते 여름 🙂 50% -4 e-mail ½ ① ’"
"""A tokeniser is known by what it makes of this."""


class Saved(NamedTuple):
    """Texts by id, as token numbers: text i is tokens[starts[i]:starts[i + 1]]."""

    ids: list[str]
    vocabulary: list[str]
    tokens: NDArray[np.int32]
    starts: NDArray[np.int64]


def write_saved(path: Path, saved: Saved, tokenise: Tokeniser) -> None:
    """Write a file, whole or not at all; raise StorageError when the disk refuses.

    Arrays one after the other, behind a digest of them all; no clock, unlike in numpy's archives.
    """
    content = io.BytesIO()
    for texts in (_kind(tokenise), saved.ids, saved.vocabulary):
        np.save(content, _bytes(texts))
    np.save(content, saved.tokens)
    np.save(content, saved.starts)
    body = content.getvalue()
    replace_file(path, [_seal(body), body])


def read_saved(path: Path, ids: Sequence[str], tokenise: Tokeniser) -> Saved | None:
    """Read what was saved of the texts `ids` begins with; None where there is nothing of use.

    An id is taken to name its text, as the ids of tasks do.
    """
    try:
        content = path.read_bytes()
    except OSError:
        return None
    body = content[SEAL:]
    if content[:SEAL] != _seal(body):
        return None
    data = io.BytesIO(body)
    kind, known, vocabulary, tokens, starts = (np.load(data) for _ in range(5))
    saved = Saved(_text(known), _text(vocabulary), tokens, starts)
    fits = _text(kind) == _kind(tokenise) and saved.ids == list(ids[: len(saved.ids)])
    return saved if fits else None


def _seal(body: bytes) -> bytes:
    """Return a digest of the content, by which damage shows."""
    return blake2b(body, digest_size=SEAL).digest()


def _kind(tokenise: Tokeniser) -> list[str]:
    """Return what tells a file of this format and tokeniser from others."""
    return [str(FORMAT), digest("\n".join(tokenise(_PROBE)))]


def _bytes(strings: list[str]) -> NDArray[np.uint8]:
    """Return strings as an array; JSON has a way to write every one, lone surrogates too."""
    return np.frombuffer(json.dumps(strings).encode(), np.uint8)


def _text(data: NDArray[np.uint8]) -> list[str]:
    """Return the strings of an array."""
    strings: list[str] = json.loads(data.tobytes())
    return strings
