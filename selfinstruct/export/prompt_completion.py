"""Prompt and completion: Flan wordings for trainers that join both as they are.

Decides: what stands between the two. Does not know: which wording a row gets; that is `flan`'s.
"""

from collections.abc import Callable, Iterator

import msgspec

from selfinstruct.export.base import Row, Source
from selfinstruct.export.flan import Flan

LABEL_ENDS = ":"
"""After a label the answer follows on the same line, a space before it."""


class PromptCompletionRow(msgspec.Struct, frozen=True):
    """One line of a prompt-completion export; the completion begins with what separates it."""

    prompt: str
    completion: str
    id: str
    template_id: str
    source: Source


def prompt_completion(flan: Flan) -> Callable[[Row], Iterator[PromptCompletionRow]]:
    """Return what turns a row into its Flan wordings, as prompt and completion."""

    def lines(row: Row) -> Iterator[PromptCompletionRow]:
        for line in flan(row):
            yield PromptCompletionRow(
                prompt=line.inputs,
                completion=separator(line.inputs) + line.targets,
                id=line.row_id,
                template_id=line.template_id,
                source=line.source,
            )

    return lines


def separator(prompt: str) -> str:
    r"""Return what is put between a prompt and its completion.

    It is part of the completion: trainers join the two as they are, and tokenizers join a space to
    the word after it ("6" and " 6" are two tokens). A prompt that ends in white space or in a
    full-width colon needs none; one that ends in a label (":") has a space; others a line break.
    """
    if not prompt or prompt[-1].isspace() or prompt.endswith(":"):
        return ""
    return " " if prompt.endswith(LABEL_ENDS) else "\n"
