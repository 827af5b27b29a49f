"""The openai engine: prompts to requests, and what a server does not answer to errors.

Decides: which endpoint a prompt goes to, what is checked when a server is opened, and what
becomes of a prompt that it does not answer. Does not know: tasks.

No log-likelihoods: the protocol tells them of what a model writes. Of a given text, /completions
of some servers does (`echo`; vLLM's `prompt_logprobs`), but not where prompt and answer part, nor
what a chat template makes of the prompt, nor with which token a text begins.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, Self

import msgspec

from selfinstruct.engines.background import Background
from selfinstruct.engines.base import NO_SCORES, Completion, EngineInfo, Prompt, Sampling, failed
from selfinstruct.engines.openai import replies, servers
from selfinstruct.engines.openai.remote import Remote, split_spec
from selfinstruct.engines.openai.retries import (
    Circuit,
    RefusedError,
    TransientError,
    persist,
)
from selfinstruct.engines.options import Given, read_options
from selfinstruct.errors import EngineError, EngineLostError
from selfinstruct.patience import Patience

PROBE = Prompt("probe", "Hello", sampling=Sampling(max_tokens=1))
"""The least that can be asked."""


class OpenAIOptions(msgspec.Struct, frozen=True):
    """What `--engine-arg` may set.

    `concurrency`: requests under way at a time. `timeout`: seconds for one request. `retries`:
    requests more for a prompt whose first failed; `backoff`: seconds before the first of them,
    doubling from there. `endpoint`: "completions" for a model without a chat template, "chat"
    for a server without /completions; "both" sends each prompt to its own; "auto" is "both", but
    "chat" for Ollama, which puts any text into the chat template. `context`: tokens, where the
    server does not say. `server`: its dialect, where its list of models does not tell.
    """

    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 32
    timeout: Annotated[float, msgspec.Meta(gt=0, le=86400)] = 600.0
    retries: Annotated[int, msgspec.Meta(ge=0, le=100)] = 6
    backoff: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.5
    endpoint: Literal["auto", "both", "chat", "completions"] = "auto"
    context: Annotated[int, msgspec.Meta(ge=0)] = 0
    server: Literal["auto", "vllm", "llamacpp", "ollama", "openai"] = "auto"


def open_model(model: str, given: Given) -> "OpenAIEngine":
    """Open MODEL@URL; without a URL, the one in OPENAI_BASE_URL, or OpenAI's own."""
    options = read_options("openai", given.arguments, OpenAIOptions)
    name, url = split_spec(model)
    remote = Remote(url, options.timeout)
    loop = Background("openai")
    try:
        listed = loop.run(_listed(remote, name, Patience(options.retries, options.backoff)))
        told = servers.dialect_of(name, listed)
        dialect = told if options.server == "auto" else options.server
        entry = servers.find(name, listed, dialect, url)
        info = EngineInfo(
            model=name,
            chat=options.endpoint != "completions",
            context=options.context or servers.context_of(entry),
            constrains=dialect in ("vllm", "llamacpp"),
            arguments=given.arguments,
        )
    except BaseException:
        _close(remote, loop)
        raise
    if options.endpoint == "auto" and dialect == "ollama":
        options = msgspec.structs.replace(options, endpoint="chat")
    return OpenAIEngine(info, remote, loop, options, dialect)


async def _listed(remote: Remote, model: str, patience: Patience) -> list[servers.Listed]:
    """Return the models of a server, empty where it lists none; raise EngineError without one."""

    async def once(attempt: int) -> list[servers.Listed]:  # noqa: ARG001
        try:
            body = await remote.models()
        except TransientError as fault:
            if fault.status:  # it is there, but still loading, or busy
                raise
            hint = f"start one, such as: vllm serve {model} (or llama-server), or mend the URL"
            message = f"no server at {remote.url}: {fault}"
            raise EngineLostError(message, hint=hint) from None
        try:
            return [] if body is None else servers.read_list(body)
        except (ValueError, RecursionError):
            message = f"the server at {remote.url} does not speak OpenAI's API"
            raise EngineError(message, hint="most servers have it at a URL with /v1") from None

    try:
        return await persist(once, patience, "models")
    except TransientError as fault:
        hint = "wait until it is ready, then give the same command again"
        message = f"the server at {remote.url} is not ready: {fault}"
        raise EngineLostError(message, hint=hint) from None


class OpenAIEngine:
    """Completes prompts on a server."""

    def __init__(
        self,
        info: EngineInfo,
        remote: Remote,
        loop: Background,
        options: OpenAIOptions,
        dialect: servers.Dialect,
    ) -> None:
        self.info = info
        self.dialect = dialect
        self._remote = remote
        self._loop = loop
        self._options = options
        self._patience = Patience(options.retries, options.backoff)

    def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
        """Complete prompts, `concurrency` at a time, yielding each as it finishes."""
        circuit = Circuit()

        async def ask(prompt: Prompt) -> Completion:
            return await self._ask(prompt, circuit)

        return self._loop.answer(prompts, ask, self._options.concurrency)

    async def _ask(self, prompt: Prompt, circuit: Circuit) -> Completion:
        """Complete one prompt, however many requests it takes."""
        if prompt.answer is not None:
            return failed(prompt, NO_SCORES, attempts=0)
        if prompt.messages and not self.info.chat:
            return failed(prompt, "messages need a chat template", attempts=0)
        at_faults: list[int] = []

        async def once(attempt: int) -> Completion:
            try:
                return await circuit.count(self._request(prompt, attempt))
            except TransientError:
                at_faults.append(circuit.begun)
                raise

        try:
            return await persist(once, self._patience, prompt.key)
        except TransientError as fault:
            since = at_faults[-2:][0]  # since the last wait began
            requests = len(at_faults) + await self._check(circuit, since)
            reason = f"no completion after {requests} requests: {fault}"
            return failed(prompt, reason, attempts=requests)

    async def _request(self, prompt: Prompt, attempt: int) -> Completion:
        """Make one request; what the server refuses is the prompt's error."""
        chat = bool(prompt.messages) or self._options.endpoint == "chat"
        body = servers.request(prompt, self.info.model, self.dialect, chat=chat)
        try:
            reply = await self._remote.complete(body, chat=chat)
        except RefusedError as refusal:
            return failed(prompt, f"the server refuses it: {refusal}", attempts=attempt)
        return replies.read_reply(prompt, reply, attempts=attempt)

    async def _check(self, circuit: Circuit, since: int) -> int:
        """Return the requests it took to see that others are answered; raise where none is."""
        try:
            return await circuit.check(since, lambda: self._request(PROBE, 1))
        except TransientError as fault:
            message = f"the server at {self._remote.url} does not answer: {fault}"
            hint = (
                "every completion so far is kept; "
                "when the server is back, give the same command again"
            )
            raise EngineLostError(message, hint=hint) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the connections, the loop and its thread."""
        _close(self._remote, self._loop)


def _close(remote: Remote, loop: Background) -> None:
    """End what opening began."""
    with loop:
        loop.run(remote.close())
