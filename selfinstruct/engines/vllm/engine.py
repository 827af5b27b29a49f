"""The engine vllm: prompts go into vLLM as it takes them, completions come out as they end.

Decides: how many prompts are with vLLM at a time, how sampling is put in its terms, and what its
faults are called. Batching, the cache of shared prompt heads, and the use of several GPUs
(`tensor_parallel_size`, `data_parallel_size`) are vLLM's own. Does not know: tasks.

vLLM computes in processes of its own; `processes` has them started without running the
user's script again, so that no `if __name__ == "__main__"` is needed around an engine.
"""

import asyncio
import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing.process import BaseProcess
from typing import Any, Self

from selfinstruct.engines.background import Background
from selfinstruct.engines.base import (
    Completion,
    EngineInfo,
    Finish,
    Prompt,
    Sampling,
    failed,
)
from selfinstruct.engines.model_files import identify, is_folder, with_adapter
from selfinstruct.engines.options import Given
from selfinstruct.engines.vllm import scoring
from selfinstruct.engines.vllm.arguments import Adapter, engine_arguments, read_own
from selfinstruct.engines.vllm.processes import GRACE, Log, followers, is_pointer, kill, plain
from selfinstruct.engines.vllm.rendering import has_chat_template, rendered
from selfinstruct.errors import EngineError, EngineLostError, SelfInstructError

AHEAD = 1.5
"""Prompts with vLLM for each that it can decode at a time: some wait whenever one has ended."""

_HELP = (
    "VLLM_LOGGING_LEVEL=INFO shows all that vLLM says; if memory is short, try --engine-arg "
    "max_model_len=4096 or gpu_memory_utilization=0.8"
)
_KEPT = "every completion so far is kept: the same command goes on from there"


def open_model(model: str, given: Given) -> "VllmEngine":
    """Open a model's folder or its id on the Hub; `given` may have any engine argument of vLLM.

    Raises InputError for what was given, EngineError where vLLM is missing or cannot start.
    """
    is_folder(model)
    found, adapter = read_own(given)
    if not given.quiet:
        sys.stderr.write(f"Starting vLLM with {model} (VLLM_LOGGING_LEVEL=INFO shows more)\n")
    log = Log()
    for name in ("VLLM_NO_USAGE_STATS", "DO_NOT_TRACK"):
        os.environ.setdefault(name, "1")
    try:
        with log.collecting():
            return _opened(model, given, log, found, adapter)
    except BaseException as error:
        reason = _reason(error, log)
        log.close()
        if isinstance(error, SelfInstructError) or not isinstance(error, Exception | SystemExit):
            raise
        raise EngineError(f"vLLM cannot open {model}: {reason}", hint=_HELP) from error


def _opened(
    model: str, given: Given, log: Log, found: dict[str, str], adapter: Adapter | None
) -> "VllmEngine":
    """Start vLLM."""
    try:
        from vllm.usage.usage_lib import UsageContext  # noqa: PLC0415 (an extra)
        from vllm.v1.engine.async_llm import AsyncLLM  # noqa: PLC0415 (an extra, ten seconds)
    except ImportError as error:
        message = f"the engine vllm needs the package vllm ({error})"
        hint = "install it with: pip install 'selfinstruct[vllm]' (docs/engines.md: on a CPU)"
        raise EngineError(message, hint=hint) from error
    log.hush()
    arguments = engine_arguments(model, given, found, adapter)
    with followers() as processes:
        # Its defaults for batches: those of offline use, not of a server whose users wait.
        llm = AsyncLLM.from_engine_args(arguments, usage_context=UsageContext.LLM_CLASS)
    log.hush()
    engine = VllmEngine(llm, log, processes)
    try:
        if adapter:
            engine.adapt(adapter)
        engine.info = _info(model, given, engine, adapter)
    except BaseException:
        engine.__exit__()
        raise
    return engine


class VllmEngine:
    """Completes prompts with vLLM."""

    info: EngineInfo

    def __init__(self, llm: Any, log: Log, processes: list[BaseProcess]) -> None:  # noqa: ANN401 (vLLM has no types here)
        self.llm = llm
        self._processes = processes
        self._log = log
        self._numbers = itertools.count()
        self._lora: Any = None
        self._background = Background("vllm")
        self._open = True
        self._dead = ""

    def adapt(self, adapter: Adapter) -> None:
        """Load a LoRA adapter, for every prompt."""
        from vllm.lora.request import LoRARequest  # noqa: PLC0415 (an extra)

        self._lora = LoRARequest(adapter.folder.name, 1, str(adapter.folder))
        self._background.run(self.llm.add_lora(self._lora))

    def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
        """Complete prompts, so many at a time that vLLM always has some waiting."""
        config = self.llm.vllm_config
        at_a_time = config.scheduler_config.max_num_seqs * config.parallel_config.data_parallel_size
        return self._background.answer(prompts, self._ask, int(at_a_time * AHEAD) + 1)

    async def _ask(self, prompt: Prompt) -> Completion:
        """Ask one prompt; what is wrong with it alone is raised as vLLM's own errors."""
        tokens: scoring.AskedTokens | None = None
        try:
            if prompt.answer is None:
                final = await self._final(
                    await rendered(self.llm, prompt), _parameters(prompt.sampling)
                )
            else:
                tokens = await scoring.asked_tokens(self.llm, prompt, prompt.answer)
                final = await self._final(tokens.input(), scoring.parameters())
        except Exception as error:
            if not self.llm.errored:
                raise
            raise EngineLostError(self._cause_of_death(error), hint=_KEPT) from error
        if final.outputs[0].finish_reason == "abort":  # not by us: its processes are being ended
            raise EngineLostError("vLLM is being stopped from outside", hint=_KEPT)
        self._log.mark()
        return scoring.completion(prompt, tokens, final) if tokens else _completion(prompt, final)

    async def _final(self, asked: Any, parameters: Any) -> Any:  # noqa: ANN401 (vLLM's)
        """Return vLLM's last output for a prompt."""
        number = str(next(self._numbers))
        outputs = self.llm.generate(asked, parameters, number, lora_request=self._lora)
        return [output async for output in outputs][-1]

    def _cause_of_death(self, error: Exception) -> str:
        """Return why vLLM has died, looked up once."""
        self._dead = self._dead or f"vLLM has died: {self._log.fault() or error}"
        return self._dead

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """End vLLM's processes and our loop."""
        if not self._open:
            return
        self._open = False
        try:
            self._background.run(_end(self.llm))
        finally:  # also when a second signal interrupts it
            kill(self._processes)
            self._background.__exit__()
            self._log.close()


async def _end(llm: Any) -> None:  # noqa: ANN401 (vLLM's)
    """Shut vLLM down in the loop that its sockets belong to."""
    resources = getattr(llm.engine_core, "resources", None)
    llm.shutdown(timeout=GRACE)
    llm.shutdown = _nothing  # it has a finaliser, which fails when Python itself is ending
    await _close_context(resources)


async def _close_context(resources: Any) -> None:  # noqa: ANN401 (vLLM's)
    """Close what vLLM's messages went through: left open, it complains when it is collected.

    Only when its sockets are closed, which vLLM may do a moment later: before, it would wait for
    them in the very loop that closes them.
    """
    for _ in range(20):
        fields = vars(resources or object).items()
        sockets = [socket for name, socket in fields if name.endswith("_socket") and socket]
        if all(socket.closed for socket in sockets):
            break
        await asyncio.sleep(0.05)
    else:
        return
    with suppress(AttributeError):
        resources.ctx.term()


def _nothing() -> None:
    pass


def _info(model: str, given: Given, engine: VllmEngine, adapter: Adapter | None) -> EngineInfo:
    """Say which model it is that vLLM has loaded."""
    config = engine.llm.model_config
    identity = identify(model, config.revision or "")
    if adapter:
        identity = with_adapter(identity, str(adapter.folder))
    return EngineInfo(
        model=identity.name,
        revision=identity.revision,
        licence=identity.licence,
        chat=has_chat_template(engine.llm.renderer),
        context=config.max_model_len,
        arguments=given.arguments,
        scores=True,
    )


def _parameters(sampling: Sampling) -> Any:  # noqa: ANN401 (vLLM's)
    """Put sampling in vLLM's terms."""
    from vllm.sampling_params import (  # noqa: PLC0415 (an extra)
        RequestOutputKind,
        SamplingParams,
        StructuredOutputsParams,
    )

    constraint = None
    most = sampling.max_tokens
    if sampling.choices:
        constraint = StructuredOutputsParams(choice=list(sampling.choices))
        # The choices bound the answer; a token is a byte at least, and one more ends it.
        most = max(most, 1 + max(len(choice.encode()) for choice in sampling.choices))
    elif sampling.schema:
        constraint = StructuredOutputsParams(json=sampling.schema)
    return SamplingParams(
        max_tokens=most,
        temperature=0.0 if sampling.greedy else sampling.temperature,
        top_p=1.0 if sampling.greedy else sampling.top_p,
        top_k=0,
        presence_penalty=sampling.presence_penalty,
        frequency_penalty=sampling.frequency_penalty,
        repetition_penalty=sampling.repeat_penalty,
        stop=list(sampling.stop),
        seed=sampling.seed,
        structured_outputs=constraint,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _completion(prompt: Prompt, final: Any) -> Completion:  # noqa: ANN401 (vLLM's)
    """Take what is ours from vLLM's output."""
    output = final.outputs[0]
    if output.finish_reason not in ("stop", "length"):
        return failed(prompt, f"vLLM gave no completion ({output.finish_reason})")
    finish: Finish = output.finish_reason
    return Completion(
        key=prompt.key,
        text=output.text,
        finish=finish,
        prompt_tokens=len(final.prompt_token_ids or ()),
        completion_tokens=len(output.token_ids),
        cached_tokens=final.num_cached_tokens or 0,
    )


def _reason(error: BaseException, log: Log) -> str:
    """Return our process's error, or what vLLM's own processes say where it only points to them."""
    said = plain(str(error)) or type(error).__name__
    return (log.fault() if is_pointer(said) else "") or said
