"""How likely a given answer is: one forward pass for a batch of them.

Decides: which logits are computed, and how they become the log-likelihood of each answer. Does
not know: which rows run together, or what happens to a batch that fails.
"""

from collections.abc import Sequence
from inspect import signature
from typing import Any

from selfinstruct.engines.base import Completion, Prompt, scored
from selfinstruct.engines.transformers.rows import Tokens
from selfinstruct.errors import InputError


class GivenAnswer:
    """A prompt and its answer in tokens, one after the other; `logarithms` once they are known.

    Raises InputError for more tokens than the context has (0: there is no limit), and for an
    empty prompt of a model that begins or ends no text with a token.
    """

    limit = 0
    """Tokens that are yet to come."""

    def __init__(self, prompt: Prompt, tokens: Tokens, context: int) -> None:
        asked, answer = tokens.of(prompt), tokens.going_on(prompt.answer or "")
        self.prompt = prompt
        self.tokens = asked + answer
        self.asked = len(asked)
        if not asked:
            message = "the model has no token that a text begins or ends with"
            raise InputError(message, hint="give the answer a prompt")
        size = len(self.tokens)
        if context and size > context:
            message = f"the prompt and its answer have {size} tokens, the context is {context}"
            raise InputError(message, hint="shorten them")
        self.reset()

    def reset(self) -> None:
        """Begin again."""
        self.logarithms: list[float] = []

    def completion(self) -> Completion:
        """Return what the answer has come to."""
        return scored(self.prompt, self.logarithms, prompt_tokens=self.asked)


def score(model: Any, rows: Sequence[GivenAnswer], pad: int, torch: Any) -> None:  # noqa: ANN401
    """Fill in the logarithms of the probabilities of each row's answer, in float32.

    Rows are padded on the right, where no token that counts can see it. Only the logits from the
    first token of an answer on are kept, where the model can do that: those of a whole batch of
    prompts take gigabytes.
    """
    width = max(len(row.tokens) for row in rows)
    tokens = [row.tokens + [pad] * (width - len(row.tokens)) for row in rows]
    mask = [[1] * len(row.tokens) + [0] * (width - len(row.tokens)) for row in rows]
    # The logits of a place tell of the token after it.
    kept = width - min(row.asked for row in rows) + 1
    less = {"logits_to_keep": kept} if _can_keep_less(model) else {}
    logits = model(
        input_ids=torch.tensor(tokens, device=model.device),
        attention_mask=torch.tensor(mask, device=model.device),
        use_cache=False,
        **less,
    ).logits
    first = width - logits.shape[1]
    for row, found in zip(rows, logits, strict=True):
        answer = found.new_tensor(row.tokens[row.asked :], dtype=torch.long)
        told = found[row.asked - 1 - first : len(row.tokens) - 1 - first].float()
        picked = told.gather(1, answer[:, None])[:, 0] - told.logsumexp(-1)
        row.logarithms = picked.tolist()


def _can_keep_less(model: Any) -> bool:  # noqa: ANN401
    return "logits_to_keep" in signature(model.forward).parameters
