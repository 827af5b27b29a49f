"""Few-shot: the exemplars that a row is shown with.

Decides: which other instances of its task a row can have as exemplars, in which order, how many
fit, and where options stand. Does not know: which template a row gets.
"""

from collections.abc import Callable, Sequence

from selfinstruct.export.base import Row, is_blank
from selfinstruct.export.chance import numbers
from selfinstruct.export.labels import Options
from selfinstruct.export.template_sets import FewShot, Template, fill
from selfinstruct.task import Instance, folded

BYTES_PER_TOKEN = 3
"""Of UTF-8, to bound tokens from above without a tokenizer: English has 4 to 5, Chinese about 3
(measured with the tokenizers of SmolLM2 and of Qwen)."""


def candidates(row: Row) -> list[Instance]:
    """Return the instances that a row can be shown with, in an order of its own.

    They are of the same task, have an input, and none has the input of the row itself. The row
    needs an input too: without one there is nothing that tells it from its exemplars.
    """
    if len(row.task.instances) < 2 or is_blank(row.instance.input):
        return []
    asked = folded(row.instance.input)
    others = {
        folded(one.input): one
        for one in row.task.instances
        if not is_blank(one.input) and folded(one.input) != asked
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


def shown(
    template: Template | FewShot,
    values: dict[str, str],
    exemplars: Sequence[Instance],
    options: Options | None,
) -> str:
    """Fill a few-shot template; where options are shown, they stand below each input."""

    def asked(text: str) -> str:
        return f"{text}\n{options.shown()}" if options else text

    def answered(text: str) -> str:
        return options.answer(text) if options else text

    pairs = [{"input": asked(one.input), "output": answered(one.output)} for one in exemplars]
    whole = {**values, "input": asked(values["input"])}
    if isinstance(template, FewShot):
        examples = (fill(template.example, pair) + template.separator for pair in pairs)
        return fill(template.inputs, {**whole, "examples": "".join(examples)})
    one = {"example_input": pairs[0]["input"], "example_output": pairs[0]["output"]}
    return fill(template.inputs, {**whole, **one})
