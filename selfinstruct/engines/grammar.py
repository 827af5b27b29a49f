"""GBNF, the grammars of llama.cpp.

Decides: how literals are written. Does not know: who sends the grammar.
"""

from collections.abc import Iterable

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def one_of(choices: Iterable[str]) -> str:
    """Return the grammar that allows these answers and no other."""
    return "root ::= " + " | ".join(f'"{choice.translate(_ESCAPES)}"' for choice in choices)
