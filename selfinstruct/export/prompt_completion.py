"""Prompt and completion: Flan wordings for trainers that join both as they are.

Decides: what stands between the two. Does not know: which wording a row gets; that is `flan`'s.
"""

from collections.abc import Callable, Iterator

import msgspec

from selfinstruct.export.base import Row, Source
from selfinstruct.export.flan import Flan


class PromptCompletionRow(msgspec.Struct, frozen=True):
    """One line of a prompt-completion export; joined as they are, nothing runs together.

    As in `flan`, a row and a template make a line.
    """

    prompt: str
    completion: str
    row_id: str
    template_id: str
    source: Source


def prompt_completion(flan: Flan) -> Callable[[Row], Iterator[PromptCompletionRow]]:
    """Return what turns a row into its Flan wordings, as prompt and completion."""

    def lines(row: Row) -> Iterator[PromptCompletionRow]:
        for wording in flan.wordings(row):
            prompt, lead = boundary(wording.inputs)
            completion = lead + wording.targets
            yield PromptCompletionRow(prompt, completion, row.id, wording.template, row.source)

    return lines


def boundary(prompt: str) -> tuple[str, str]:
    r"""Return a prompt as it has to end, and what its completion has to begin with.

    Trainers join the two as they are, and take the loss on the tokens after the prompt's; so no
    token may have a piece of both. All kinds of tokenizers cut the same here: after a label (":")
    the completion has the space, for many join a space to the word after it; any other prompt
    ends in one line break, for some join line breaks to the mark before them, and some read two
    otherwise where a text follows. White space at a prompt's end is not kept for the same reason.
    """
    kept = prompt.rstrip()
    return (kept, " ") if kept.endswith(":") else (f"{kept}\n", "")
