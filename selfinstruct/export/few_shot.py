"""Few-shot: the exemplars that a row is shown with.

Decides: which other instances of its task a row can have as exemplars, in which order, and how
many fit. Does not know: how a template puts them.
"""

from collections.abc import Callable, Sequence

from selfinstruct.export.base import Row
from selfinstruct.export.chance import numbers
from selfinstruct.task import Instance, folded

BYTES_PER_TOKEN = 3
"""Of UTF-8, to bound tokens from above without a tokenizer: English has 4 to 5, Chinese about 3
(measured with the tokenizers of SmolLM2 and of Qwen)."""


def candidates(row: Row) -> list[Instance]:
    """Return the instances that a row can be shown with, in an order of its own.

    They are of the same task, have an input, and none has the input of the row itself. The row
    needs an input too: without one there is nothing that tells it from its exemplars.
    """
    if len(row.task.instances) < 2 or not row.instance.input.strip():
        return []
    asked = folded(row.instance.input)
    others = {
        folded(one.input): one
        for one in row.task.instances
        if one.input.strip() and folded(one.input) != asked
    }
    return sorted(others.values(), key=lambda one: numbers(f"{row.id}/{one.input}"))


def that_fit(
    exemplars: Sequence[Instance],
    wanted: int,
    max_tokens: int,
    rendered: Callable[[Sequence[Instance]], str],
) -> list[Instance]:
    """Return the most exemplars, up to `wanted`, with which the text of a row is short enough."""
    for count in range(min(wanted, len(exemplars)), 0, -1):
        chosen = list(exemplars[:count])
        if len(rendered(chosen).encode("utf-8", "replace")) <= max_tokens * BYTES_PER_TOKEN:
            return chosen
    return []
