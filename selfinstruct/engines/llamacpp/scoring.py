"""How likely a given answer is: llama.cpp is made to write it, and tells each token's probability.

Decides: how that is asked for, and in which steps. Does not know: which slot is free, or tasks.

llama.cpp's server has no request for the probabilities of a given text. But a bias can make one
token the only one that may come next, and the probability told of it is from before the bias (and
any sampling) had a say. So each token is a request of its own, which finds all before it in the
slot's cache, and an answer costs as much as writing it would. Nothing is told of a token that
ends inside a character: it is looked up among the alternatives of another. (A grammar can name
many tokens in one request, but not those, and checking it takes longer.)
"""

import json
import threading
from collections.abc import Sequence
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from selfinstruct.engines.base import (
    TEMPLATE_ARGUMENTS,
    Completion,
    Prompt,
    failed,
    going_on,
    scored,
)

FORCE = 1e9
"""The bias of a token that must come."""

ALTERNATIVES = (2048, 1 << 24)
"""How many of the likeliest tokens are listed to find one among them: some, or else all."""

LEAST = -103.28
"""The logarithm of the smallest float32: what llama.cpp calls 0 counts as no less likely."""

PATIENCE = 60.0
"""Seconds for a text to be put in tokens, while other threads compute."""


class Scorer:
    """Asks a llama.cpp server in this process; it also listens on a port of this machine.

    Its Python interface completes prompts and nothing else; tokens come from that port. `context`
    is how many tokens a slot has room for.
    """

    def __init__(self, server: Any, context: int, stopping: threading.Event) -> None:  # noqa: ANN401
        self._server = server
        self._context = context
        self._stopping = stopping
        self._address = urlsplit(server.listening_address).netloc

    def score(self, prompt: Prompt, answer: str, slot: int) -> Completion:
        """Return how likely the answer is after the prompt.

        Raises ValueError, LookupError or OSError where llama.cpp does not say it.
        """
        asked = self._asked(prompt)
        tokens = going_on(self._encode, answer)
        size = len(asked) + len(tokens)
        if size > self._context:
            reason = f"the prompt and its answer have {size} tokens, the context is {self._context}"
            return failed(prompt, reason)
        self._read(asked, slot)
        logarithms: list[float] = []
        for place, token in enumerate(tokens):
            if self._stopping.is_set():
                return failed(prompt, "the completion was abandoned")
            logarithms.append(self._logarithm(asked + tokens[:place], token, slot))
        return scored(prompt, logarithms, prompt_tokens=len(asked))

    def _read(self, asked: Sequence[int], slot: int) -> None:
        """Have the prompt read, in parts between which it can be abandoned."""
        request = _request(asked, slot) | {
            "max_tokens": 0,
            "stream": True,
            "return_progress": True,
        }
        chunks: list[dict[str, Any]] = []

        def take(chunk: dict[str, Any]) -> bool:
            chunks.append(chunk)
            return self._stopping.is_set()

        self._server.handle_completions(request, take)
        for chunk in chunks:
            if "error" in chunk:
                raise ValueError(_said(chunk))

    def _logarithm(self, before: Sequence[int], token: int, slot: int) -> float:
        """Return the logarithm of a token's probability."""
        for told in self._write(before, token, 1, slot):
            if told["id"] == token:
                return max(float(told["logprob"]), LEAST)
        letter = self._encode("a")[0]
        for most in ALTERNATIVES:
            for told in self._write(before, letter, most, slot):
                for other in told["top_logprobs"]:
                    if other["id"] == token:
                        return max(float(other["logprob"]), LEAST)
        raise LookupError(f"llama.cpp told no probability of the token {token}")

    def _write(
        self, before: Sequence[int], token: int, most: int, slot: int
    ) -> list[dict[str, Any]]:
        """Have a token written; return what is told of it, with `most` alternatives.

        Raises ValueError with llama.cpp's own words where it refuses.
        """
        request = _request(before, slot) | {
            "max_tokens": 1,
            "logit_bias": [[token, FORCE]],
            "n_probs": most,
        }
        replies: list[dict[str, Any]] = []
        self._server.handle_completions(request, replies.append)
        if "error" in replies[-1]:
            raise ValueError(_said(replies[-1]))
        return (replies[-1]["choices"][0]["logprobs"] or {}).get("content") or []

    def _asked(self, prompt: Prompt) -> list[int]:
        """Return the tokens of a prompt: an empty text is one that ends a text before it."""
        text = prompt.text
        if prompt.messages:
            turns = [{"role": turn.role, "content": turn.content} for turn in prompt.messages]
            request = {"messages": turns, "chat_template_kwargs": TEMPLATE_ARGUMENTS}
            text = self._post("/apply-template", request)["prompt"]
        found = self._tokens(text, begins=True)
        return found or self._tokens(self._call("GET", "/props")["eos_token"], begins=True)

    def _encode(self, text: str) -> list[int]:
        return self._tokens(text, begins=False)

    def _tokens(self, text: str, *, begins: bool) -> list[int]:
        """Return the tokens of a text, with what a text begins with if this one does."""
        request = {"content": text, "add_special": begins, "parse_special": True}
        tokens: list[int] = self._post("/tokenize", request)["tokens"]
        return tokens

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", path, json.dumps(body))

    def _call(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        """Ask the server's port; raise OSError or ValueError where it does not answer."""
        connection = HTTPConnection(self._address, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            found: dict[str, Any] = json.loads(response.read())
            if response.status != 200:
                raise ValueError(_said(found))
            return found
        finally:
            connection.close()


def _request(tokens: Sequence[int], slot: int) -> dict[str, Any]:
    return {
        "prompt": list(tokens),
        "id_slot": slot,
        "temperature": 0.0,
        "cache_prompt": True,
        "stream": False,
    }


def _said(reply: dict[str, Any]) -> str:
    """Return what llama.cpp says of an error."""
    error = reply.get("error")
    return str(error.get("message", error) if isinstance(error, dict) else error)
