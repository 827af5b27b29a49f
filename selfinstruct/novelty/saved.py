"""A ROUGE-L memory in a file: token numbers, so that texts need not be tokenised again.

Decides: the format, and that a file which is damaged, of another tokeniser or of other texts is
no file. Does not know: when it pays to write one, or how texts are compared.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfinstruct.storage import replace_file
from selfinstruct.task import digest
from selfinstruct.text import Tokeniser

FORMAT = 1
_PROBE = "Don't: 3.5 C++ naïve 大海 สวัสดี नमस्ते 여름 🙂 50% -4 e-mail ½ ① ’"
"""A tokeniser is known by what it makes of this."""


class Saved(NamedTuple):
    """Texts by id, as token numbers: text i is tokens[starts[i]:starts[i + 1]]."""

    ids: list[str]
    vocabulary: list[str]
    tokens: NDArray[np.int32]
    starts: NDArray[np.int64]


def write_saved(path: Path, saved: Saved, tokenise: Tokeniser) -> None:
    """Write a file, whole or not at all; raise RunError when the disk refuses."""
    content = io.BytesIO()
    np.savez(
        content,
        kind=_bytes(_kind(tokenise)),
        ids=_bytes(saved.ids),
        vocabulary=_bytes(saved.vocabulary),
        tokens=saved.tokens,
        starts=saved.starts,
    )
    replace_file(path, content.getvalue())


def read_saved(path: Path, ids: Sequence[str], tokenise: Tokeniser) -> Saved | None:
    """Read what was saved of the texts `ids` begins with; None where there is nothing of use.

    An id is taken to name its text, as the ids of tasks do.
    """
    try:
        with np.load(path) as content:
            parts = {name: content[name] for name in content.files}
        if _text(parts["kind"]) != _kind(tokenise):
            return None
        saved = Saved(
            _text(parts["ids"]), _text(parts["vocabulary"]), parts["tokens"], parts["starts"]
        )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    known = len(saved.ids)
    whole = len(saved.starts) == known + 1 and saved.starts[-1] == len(saved.tokens)
    return saved if whole and saved.ids == list(ids[:known]) else None


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
