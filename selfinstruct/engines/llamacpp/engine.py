"""The engine llamacpp: a slot for each prompt that is decoded at a time.

Decides: how many prompts run at once, and how a prompt is put in llama.cpp's terms; `waiting`
decides where, and `scoring` how one with an answer is asked. Continuous batching is llama.cpp's
own. Does not know: tasks.

Each prompt has its own seed; the same prompt in the same company gives the same text. Which
prompts share a batch can change the last bits of a probability, so a text can differ between
two runs; the journal is what makes a run reproducible.
"""

import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Self

import msgspec

from selfinstruct.engines import small_model
from selfinstruct.engines.base import (
    TEMPLATE_ARGUMENTS,
    Completion,
    EngineInfo,
    Finish,
    Prompt,
    failed,
)
from selfinstruct.engines.llamacpp.scoring import Scorer
from selfinstruct.engines.llamacpp.waiting import Waiting
from selfinstruct.engines.llamacpp_fields import one_of, repeat_fields
from selfinstruct.engines.options import Given, read_options
from selfinstruct.errors import EngineError, InputError


class LlamaCppOptions(msgspec.Struct, frozen=True):
    """What `--engine-arg` may set.

    `slots`: prompts decoded together, and one more for short answers; on two cores 8 are 11 to
    17 % faster than 4, and 16 gain 4 to 7 % more for 370 MB more memory. `context`: tokens of
    prompt and completion in one slot; the longest seen is 1,652 and 350 (the paper's prompts).
    `threads`: 0 takes the cores that the process may use. `gpu_layers`: how many layers go to a
    GPU, where llama.cpp was built for one (-1: all that fit).
    """

    slots: Annotated[int, msgspec.Meta(ge=1, le=256)] = 8
    context: Annotated[int, msgspec.Meta(ge=64)] = 2048
    threads: Annotated[int, msgspec.Meta(ge=0)] = 0
    gpu_layers: Annotated[int, msgspec.Meta(ge=-1)] = -1


BATCH = 256
"""Tokens of prompts computed in one step: as fast as 2048, and a stop waits 3 s, not 20."""

AHEAD = 8
"""Prompts that wait for each slot, to choose among: as many as share their examples by default."""

_HEADER_BYTES = 64 << 20  # GGUF metadata stands first; tokenisers take up to some 20 MB of it


def open_model(model: str, given: Given) -> "LlamaCppEngine":
    """Open `smollm2-135m`, or the GGUF file at a path."""
    options = read_options("llamacpp", given.arguments, LlamaCppOptions)
    if model == small_model.NAME:
        path = small_model.fetch(quiet=given.quiet)
        info = EngineInfo(
            model=small_model.MODEL,
            revision=small_model.SHA256[:12],
            licence=small_model.LICENCE,
            chat=True,
        )
    else:
        path = Path(model).expanduser()
        _check_gguf(path, model)
        revision = small_model.checksum(path)[:12]
        info = EngineInfo(model=path.stem, revision=revision, chat=_has_chat_template(path))
    info = msgspec.structs.replace(
        info, context=options.context, arguments=given.arguments, scores=True
    )
    return LlamaCppEngine(path, info, options)


class LlamaCppEngine:
    """Completes prompts with a GGUF model."""

    def __init__(self, path: Path, info: EngineInfo, options: LlamaCppOptions) -> None:
        self.info = info
        self._heads = [""] * (options.slots + 1)
        self._stopping = threading.Event()
        self._server = _start(path, options)
        self._scorer = Scorer(self._server, options.context, self._stopping)

    def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
        """Complete prompts, as many at a time as there are slots, yielding each as it finishes."""
        slots = len(self._heads)
        done: queue.SimpleQueue[Completion] = queue.SimpleQueue()
        waiting = Waiting(self._heads)
        threads = [
            threading.Thread(
                target=self._work, args=(slot, waiting, done.put), name=f"llamacpp-{slot}"
            )
            for slot in range(slots)
        ]
        for thread in threads:
            thread.start()
        coming = iter(prompts)
        in_flight = 0
        try:
            while True:
                while in_flight < AHEAD * slots and (prompt := next(coming, None)) is not None:
                    in_flight += 1
                    waiting.put(prompt)
                if not in_flight:
                    return
                completion = done.get()
                in_flight -= 1
                yield completion
        finally:
            self._stopping.set()
            waiting.close()
            for thread in threads:
                thread.join()
            self._stopping.clear()

    def _work(self, slot: int, waiting: Waiting, report: Callable[[Completion], None]) -> None:
        """Run prompts in a slot, one after the other, until there are no more."""
        while (prompt := waiting.take(slot)) is not None:
            try:
                completion = self._ask(prompt, slot)
            except Exception as error:  # noqa: BLE001 (a slot must never be lost: any fault is a completion)
                completion = failed(prompt, f"{type(error).__name__}: {error}")
            report(completion)

    def _ask(self, prompt: Prompt, slot: int) -> Completion:
        """Stream one completion, so that it can be abandoned between two tokens."""
        if prompt.answer is not None:
            return self._scorer.score(prompt, prompt.answer, slot)
        chunks: list[dict[str, Any]] = []

        def take(chunk: dict[str, Any]) -> bool:
            chunks.append(chunk)
            return self._stopping.is_set()

        request = _request(prompt)
        request["id_slot"] = slot
        if prompt.messages:
            request["chat_template_kwargs"] = TEMPLATE_ARGUMENTS
            self._server.handle_chat_completions(request, take)
        else:
            self._server.handle_completions(request, take)
        return _completion(prompt, chunks)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Unload the model."""
        self._stopping.set()
        del self._scorer, self._server


def _request(prompt: Prompt) -> dict[str, Any]:
    """Put a prompt in llama.cpp's terms (OpenAI's fields plus its own)."""
    sampling = prompt.sampling
    request: dict[str, Any] = {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": 0,
        "min_p": 0.0,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        **repeat_fields(sampling),
        "seed": sampling.seed,
        "stop": list(sampling.stop),
        "cache_prompt": True,
        "stream": True,
        "return_progress": True,  # chunks while a prompt is read: a stop need not wait for it
        "stream_options": {"include_usage": True},
    }
    if sampling.choices:
        request["grammar"] = one_of(sampling.choices)
    if sampling.schema:
        request["json_schema"] = msgspec.json.decode(sampling.schema)
    if prompt.messages:
        request["messages"] = [
            {"role": message.role, "content": message.content} for message in prompt.messages
        ]
    else:
        request["prompt"] = prompt.text
    return request


def _completion(prompt: Prompt, chunks: Iterable[dict[str, Any]]) -> Completion:
    """Join the chunks of a stream."""
    text: list[str] = []
    finish = ""
    usage: dict[str, Any] = {}
    for chunk in chunks:
        if "error" in chunk:
            return failed(prompt, str(chunk["error"].get("message", chunk["error"])))
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices", ()):
            piece = choice["text"] if "text" in choice else choice["delta"].get("content")
            text.append(piece or "")
            finish = choice.get("finish_reason") or finish
    if not finish:
        return failed(prompt, "the completion was abandoned")
    outcome: Finish = "length" if finish == "length" else "stop"
    return Completion(
        key=prompt.key,
        text="".join(text),
        finish=outcome,
        prompt_tokens=usage.get("prompt_tokens", 0),
        completion_tokens=usage.get("completion_tokens", 0),
        cached_tokens=usage.get("prompt_tokens_details", {}).get("cached_tokens", 0),
    )


def _start(path: Path, options: LlamaCppOptions) -> Any:  # noqa: ANN401 (xllamacpp has no types)
    """Load a model; raise EngineError when llama.cpp cannot."""
    try:
        import xllamacpp  # noqa: PLC0415 (loads a shared library of 34 MB)
    except ImportError as error:
        message = "the engine llamacpp needs the package xllamacpp"
        hint = "install it with: pip install 'selfinstruct[llamacpp]'"
        raise EngineError(message, hint=hint) from error
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = options.slots + 1  # one for short answers
    params.n_ctx = params.n_parallel * options.context
    params.n_gpu_layers = options.gpu_layers
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads or cores()
    params.use_jinja = True
    params.cache_ram_mib = 0  # copies of idle slots: 150 MB more and no faster with short heads
    params.n_batch = BATCH
    params.warmup = False
    params.verbosity = -1
    try:
        return xllamacpp.Server(params)
    except Exception as error:
        message = f"llama.cpp cannot load {path}: {error}"
        raise EngineError(
            message, hint="is it a complete GGUF file of a language model?"
        ) from error


def cores() -> int:
    """Return how many cores this process may use: its affinity, cut to a container's quota.

    llama.cpp's threads spin: one more than there are cores costs a factor, not a share.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        usable = min(usable or 1, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        pass  # no cgroup limit: "max", or another system
    return usable or 1


def _check_gguf(path: Path, given: str) -> None:
    """Refuse what is no GGUF file, before a library prints pages about it."""
    if not path.is_file():
        hint = f"give {small_model.NAME} or the path of a .gguf file"
        raise InputError(f"no such model: {given!r}", hint=hint)
    with path.open("rb") as data:
        if data.read(4) != b"GGUF":
            hint = "llama.cpp reads GGUF files; convert the model first"
            raise InputError(f"{path} is not a GGUF file", hint=hint)


def _has_chat_template(path: Path) -> bool:
    """Look for the metadata key of a chat template: base models have none."""
    with path.open("rb") as data:
        return b"tokenizer.chat_template" in data.read(_HEADER_BYTES)
