"""How much an instruction helps a model to write an answer: instruction-following difficulty.

Decides: what a model is asked for it, and how the number follows from its two replies. Does not
know: any engine, which tasks are asked about, or what becomes of the number.

    IFD = perplexity(answer | instruction) / perplexity(answer)
        = exp(-LL(answer | instruction) / n) / exp(-LL(answer) / n)

LL is a log-likelihood (natural logarithm, summed over the answer's n tokens). The idea and the
name are those of Li et al., arXiv 2308.12032, who divide the two mean losses; the ratio of
perplexities is that of their later work, arXiv 2402.00530. Both are 1 at the same place.

How to read it: near 0, the instruction all but gives the answer away, and a model learns little
from it; high but below 1, the instruction helps, and the model still has much to learn (the part
that those papers train on); 1 and above, the instruction does not help: the answer does not fit
it, or the model does not understand it. A number belongs to one model: compare within a run.
"""

import math

import msgspec

from selfinstruct.engines.base import Completion, Prompt, Sampling

ALONE = "-alone"
"""What the key of the second prompt ends with."""


def difficulty_prompts(asked: Prompt, answer: str) -> tuple[Prompt, Prompt]:
    """Ask how likely an answer is after a prompt, and how likely it is alone.

    `asked` is what a model would be asked to get the answer from, such as
    `prompts.respond(key, task, input, sampling=…)`; its key is the first one's. Alone means as a
    plain text of its own, with neither instruction nor chat template. max_tokens is a bound of
    the answer's tokens, which none can exceed: a token is a byte at least.
    """
    sampling = Sampling(max_tokens=max(1, len(answer.encode("utf-8", "replace"))))
    first = msgspec.structs.replace(asked, sampling=sampling, answer=answer)
    return first, Prompt(f"{asked.key}{ALONE}", sampling=sampling, answer=answer)


def perplexity(completion: Completion) -> float | None:
    """Return exp(-LL / n), 1 or more; None for a prompt that failed, and for an empty answer."""
    loss = _loss(completion)
    return None if loss is None else _exp(loss)


def instruction_following_difficulty(asked: Completion, alone: Completion) -> float | None:
    """Return the difficulty, above 0, from the replies to the two prompts.

    None where either prompt failed or the answer has no tokens.
    """
    given, free = _loss(asked), _loss(alone)
    return None if given is None or free is None else _exp(given - free)


def _loss(completion: Completion) -> float | None:
    """Return the mean of -log p over an answer's tokens, in nats."""
    if completion.log_likelihood is None or not completion.completion_tokens:
        return None
    return -completion.log_likelihood / completion.completion_tokens


def _exp(exponent: float) -> float:
    """Return e to a power, kept finite and above 0: rows hold no infinity."""
    return math.exp(min(max(exponent, -700.0), 700.0))
