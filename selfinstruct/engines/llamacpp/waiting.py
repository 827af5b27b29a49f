"""Prompts that wait for a slot of llama.cpp.

Decides: which of them a slot takes when it is free. A slot keeps what it has computed of its last
prompt, so that it should go on with one that begins alike; and one whose head no slot holds had
better go where least is lost. Does not know: llama.cpp.
"""

import threading

from rapidfuzz.distance import Prefix

from selfinstruct.engines.base import Prompt

SHORT_ANSWER = 8
"""Tokens up to which prompts take turns in a slot of their own: reading their shared head once,
not once a slot, saves more than decoding together would (classify, 25 prompts: 3 s, not 12)."""

SHORT_SLOT = 0


def is_short(prompt: Prompt) -> bool:
    """Say whether a prompt goes to the slot for short answers: not those whose answer is given."""
    return prompt.answer is None and prompt.sampling.max_tokens <= SHORT_ANSWER


class Waiting:
    """What waits; slots take from it, each in a thread of its own.

    `heads` has what each slot read last, the one for short answers first; it is kept up to date.
    """

    def __init__(self, heads: list[str]) -> None:
        self._heads = heads
        self._texts: dict[Prompt, str] = {}
        self._changed = threading.Condition()
        self._closed = False

    def put(self, prompt: Prompt) -> None:
        """Let one more wait."""
        with self._changed:
            self._texts[prompt] = _text(prompt)
            self._changed.notify_all()

    def close(self) -> None:
        """Send the slots home; what still waits is dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, slot: int) -> Prompt | None:
        """Wait for a prompt that a slot should do next; None when there are no more."""
        with self._changed:
            while not self._closed:
                fitting = [p for p in self._texts if is_short(p) == (slot == SHORT_SLOT)]
                if fitting:
                    chosen = max(fitting, key=lambda prompt: self._gain(slot, self._texts[prompt]))
                    self._heads[slot] = self._texts.pop(chosen)
                    return chosen
                self._changed.wait()
        return None

    def _gain(self, slot: int, text: str) -> int:
        """Return how many characters more of a text this slot holds than any other.

        The first of equals is taken: the one that has waited longest.
        """
        if slot == SHORT_SLOT:
            return Prefix.similarity(self._heads[slot], text)
        held = [Prefix.similarity(head, text) for head in self._heads]
        others = [found for place, found in enumerate(held) if place not in (slot, SHORT_SLOT)]
        return held[slot] - max(others, default=0)


def _text(prompt: Prompt) -> str:
    """Return what a prompt begins with, as far as we can tell: a chat begins as no text does."""
    if not prompt.messages:
        return prompt.text
    return "\0" + "\0".join(message.content for message in prompt.messages)
