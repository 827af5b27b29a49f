"""What llama.cpp is told in its own words: grammars (GBNF), and how far back a penalty looks.

Decides: how literals are written, and the window. Does not know: whether llama.cpp runs in this
process or is a server.
"""

from collections.abc import Iterable
from typing import Any

from selfinstruct.engines.base import Sampling

REPEAT_WINDOW = 65_536
"""Tokens that `repeat_penalty` looks back at.

llama.cpp looks at 64 unless told otherwise. Of 118 replies of the small model four had more than
a tenth of their runs of four words twice then; with the whole text in sight two of 116.
"""

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def one_of(choices: Iterable[str]) -> str:
    """Return the grammar that allows these answers and no other."""
    return "root ::= " + " | ".join(f'"{choice.translate(_ESCAPES)}"' for choice in choices)


def repeat_fields(sampling: Sampling) -> dict[str, Any]:
    """Return the repeat penalty with its window, which presence and frequency penalties share.

    So without a repeat penalty the window stays llama.cpp's own: those two are for what was
    written, not for a prompt.
    """
    fields: dict[str, Any] = {"repeat_penalty": sampling.repeat_penalty}
    if sampling.repeat_penalty != 1:
        fields["repeat_last_n"] = REPEAT_WINDOW
    return fields
