"""How likely a given answer is: vLLM reads prompt and answer as one prompt.

Decides: which tokens vLLM is given, and which of the probabilities that it tells are the
answer's. Does not know: how a request is made.

vLLM cannot but write one token after a prompt, so that one place of the context stays free for it.
What it computes here does not come from its cache of prompt heads: it would lack the logits.
"""

from typing import Any

import msgspec

from selfinstruct.engines.base import Completion, Prompt, going_on, scored
from selfinstruct.engines.vllm.rendering import rendered


class AskedTokens(msgspec.Struct, frozen=True):
    """The tokens of a prompt and of its answer."""

    prompt: list[int]
    answer: list[int]

    def input(self) -> Any:  # noqa: ANN401 (vLLM's)
        """Return both, as vLLM takes them."""
        from vllm.inputs import tokens_input  # noqa: PLC0415 (an extra)

        return tokens_input(self.prompt + self.answer)


async def asked_tokens(llm: Any, prompt: Prompt, answer: str) -> AskedTokens:  # noqa: ANN401
    """Turn a prompt and its answer into tokens."""
    if prompt.messages or prompt.text:
        asked = list((await rendered(llm, prompt))["prompt_token_ids"])
    else:
        asked = _beginning(llm)
    tokenizer = llm.get_tokenizer()
    found = going_on(lambda part: tokenizer.encode(part, add_special_tokens=False), answer)
    return AskedTokens(asked, found)


def parameters() -> Any:  # noqa: ANN401 (vLLM's)
    """Ask for the probability of each token of the prompt, and of no other."""
    from vllm.sampling_params import RequestOutputKind, SamplingParams  # noqa: PLC0415 (an extra)

    return SamplingParams(
        max_tokens=1,
        temperature=0.0,
        prompt_logprobs=0,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def completion(prompt: Prompt, tokens: AskedTokens, final: Any) -> Completion:  # noqa: ANN401
    """Take the answer's probabilities from vLLM's output."""
    told = final.prompt_logprobs[len(tokens.prompt) :]
    logarithms = [here[token].logprob for here, token in zip(told, tokens.answer, strict=True)]
    return scored(prompt, logarithms, prompt_tokens=len(tokens.prompt))


def _beginning(llm: Any) -> list[int]:  # noqa: ANN401 (vLLM's)
    """Return what an empty prompt begins with: a token of its own, or else one that ends a text."""
    tokenizer = llm.get_tokenizer()
    named = llm.model_config.try_get_generation_config().get("eos_token_id")
    ends = [*(named if isinstance(named, list) else [named]), tokenizer.eos_token_id]
    known = sorted({token for token in ends if token is not None})
    return list(tokenizer.encode("")) or known[:1]
