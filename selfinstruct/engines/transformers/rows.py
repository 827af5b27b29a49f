"""A prompt in tokens, and its completion as it grows token by token.

Decides: how a prompt becomes tokens, when its completion ends, and which text it is. Does not
know: models, tensors, or batches.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from selfinstruct.engines.base import (
    TEMPLATE_ARGUMENTS,
    Completion,
    Finish,
    Prompt,
    Sampling,
    cut_at_stop,
    failed,
    going_on,
)
from selfinstruct.errors import InputError

_UTF8_BYTES = 4  # of one character at most

_HALF = "\ufffd"  # what a decoder writes for a character of which bytes are missing


class Tokens:
    """A tokenizer of transformers; `ends` are the tokens that end a completion."""

    def __init__(self, tokenizer: Any, ends: frozenset[int]) -> None:  # noqa: ANN401 (has no types)
        self._tokenizer = tokenizer
        self.ends = ends
        added = tokenizer.added_tokens_decoder
        special = {token for token, what in added.items() if what.special}
        self.unseen = ends | special | frozenset(tokenizer.all_special_ids)
        self._letter = self._encode("a")

    def of(self, prompt: Prompt) -> list[int]:
        """Return a prompt's tokens: a chat's through the template, a text's as it is.

        A model that begins no text with a token of its own needs one to go on from: an empty
        prompt is one that ends a text.
        """
        if prompt.messages:
            if not self._tokenizer.chat_template:
                raise InputError("the model has no chat template", hint="give a plain text")
            turns = [{"role": turn.role, "content": turn.content} for turn in prompt.messages]
            found = self._tokenizer.apply_chat_template(
                turns,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                **TEMPLATE_ARGUMENTS,
            )
        else:
            found = self._tokenizer(prompt.text)
        return list(found["input_ids"]) or sorted(self.ends)[:1]

    def going_on(self, text: str) -> list[int]:
        """Return the tokens with which a text goes on, rather than begins."""
        return going_on(self._encode, text)

    def text(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens; a space at its head is kept, as after any letter."""
        found: str = self._decode([*self._letter, *tokens])
        return found[1:] if found.startswith("a") else self._decode(tokens)

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _decode(self, tokens: Sequence[int]) -> str:
        return str(
            self._tokenizer.decode(
                list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )


class Row:
    """One prompt and the tokens written for it so far; `finish` says how it ended, once it has.

    Raises InputError for a prompt that has no room in the context (0: there is no limit) and
    for choices that are longer than max_tokens.
    """

    def __init__(self, prompt: Prompt, tokens: Tokens, context: int) -> None:
        self.prompt = prompt
        self.sampling: Sampling = prompt.sampling
        self.tokens = tokens.of(prompt)
        if context and len(self.tokens) >= context:
            message = f"the prompt has {len(self.tokens)} tokens, the context is {context}"
            raise InputError(f"{message} with the completion", hint="shorten it")
        room = context - len(self.tokens) if context else self.sampling.max_tokens
        self.limit = min(self.sampling.max_tokens, room)
        self.choices = self._fitting(tokens)
        if self.choices:
            self.limit = max(map(len, self.choices))
        marks = [mark.encode() for mark in self.sampling.stop]
        self._reach = max(map(len, marks), default=0) + _UTF8_BYTES
        self._vocabulary = tokens
        self.reset()

    def reset(self) -> None:
        """Begin again."""
        self.finish: Finish | None = None
        self.error = ""
        self._written: list[int] = []
        self._random = Random(self.sampling.seed)  # noqa: S311 (reproducible, not secret)

    def uniform(self) -> float:
        """Return the random number of this step."""
        return self._random.random()

    def allowed(self) -> Sequence[int]:
        """Return the tokens that go on with one of the choices; none: any may come."""
        written = tuple(self._written)
        size = len(written)
        longer = {
            tokens[size]
            for tokens in self.choices
            if len(tokens) > size and tokens[:size] == written
        }
        return sorted(longer | self._vocabulary.ends if written in self.choices else longer)

    def take(self, token: int) -> None:
        """Add a token, and see whether it ends the completion."""
        self._written.append(token)
        if self.choices:
            self.finish = "stop" if self._has_chosen(token) else None
        elif token in self._vocabulary.ends or self._has_stopped():
            self.finish = "stop"
        elif len(self._written) >= self.limit:
            self.finish = "length"

    def fail(self, reason: str) -> None:
        """End without a text."""
        self.finish, self.error = "error", reason

    def completion(self) -> Completion:
        """Return what was written; a character cut in two by the limit is left out."""
        if self.finish is None or self.error:
            return failed(self.prompt, self.error or "the completion was abandoned")
        text, finish = self._chosen(), self.finish
        if not self.choices:
            whole = self._text()
            text = cut_at_stop(whole, self.sampling.stop)
            finish = "stop" if len(text) < len(whole) else finish
        return Completion(
            key=self.prompt.key,
            text=text.rstrip(_HALF) if finish == "length" else text,
            finish=finish,
            prompt_tokens=len(self.tokens),
            completion_tokens=len(self._written),
        )

    def _fitting(self, tokens: Tokens) -> dict[tuple[int, ...], str]:
        """Return the choices that the limit has room for, by their tokens."""
        choices = {tuple(tokens.going_on(text)): text for text in self.sampling.choices}
        fitting = {ids: text for ids, text in choices.items() if 0 < len(ids) <= self.limit}
        if choices and not fitting:
            message = f"none of the choices fits in {self.limit} tokens"
            raise InputError(message, hint="raise max_tokens")
        return fitting

    def _has_chosen(self, token: int) -> bool:
        """Say whether a choice is complete: no other goes on from it, or an end was drawn."""
        ends = self._vocabulary.ends
        if tuple(self._written) not in self.choices:
            return token in ends
        return not ends or not set(self.allowed()) - ends

    def _chosen(self) -> str:
        written = tuple(self._written)
        return self.choices.get(written) or self.choices.get(written[:-1], "")

    def _has_stopped(self) -> bool:
        """Look for a stop string in the last tokens: as many as it has bytes, and a character."""
        stop = self.sampling.stop
        if not stop:
            return False
        seen = [token for token in self._written[-4 * self._reach :] if self._is_seen(token)]
        tail = self._vocabulary.text(seen[-self._reach :])
        if cut_at_stop(tail, stop) == tail:
            return False
        whole = self._text()
        return cut_at_stop(whole, stop) != whole

    def _text(self) -> str:
        return self._vocabulary.text([token for token in self._written if self._is_seen(token)])

    def _is_seen(self, token: int) -> bool:
        return token not in self._vocabulary.unseen
