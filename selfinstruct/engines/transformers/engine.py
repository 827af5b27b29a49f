"""The transformers engine: prompts in padded batches.

Decides: which prompts run together, and what happens to those that a batch cannot take. Does not
know: tasks; how a model is loaded (`checkpoints`), how a token is drawn (`sampling`), how a text
ends (`rows`), or how likely an answer is (`scoring`).

The engine to take where llama.cpp and vLLM do not know a model, and to compare with. A batch
runs until its last prompt has ended, and shares nothing with the next. Each prompt has a seed of
its own; in other company the last bits of a sum can differ, most of all in bfloat16, and with
them a word.
"""

import gc
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from selfinstruct.engines import model_files
from selfinstruct.engines.base import Completion, EngineInfo, Prompt, failed
from selfinstruct.engines.options import Given, read_options
from selfinstruct.engines.transformers.checkpoints import (
    TransformersOptions,
    check_adapter,
    context_of,
    ends_of,
    first_line,
    load,
)
from selfinstruct.engines.transformers.rows import Row, Tokens
from selfinstruct.engines.transformers.sampling import Draw
from selfinstruct.engines.transformers.scoring import GivenAnswer, score
from selfinstruct.errors import EngineLostError, InputError

WINDOW = 4
"""Batches of prompts that are looked at to put those of one length together."""


def open_model(model: str, given: Given) -> "TransformersEngine":
    """Open a model that lies in a folder or on the Hub."""
    options = read_options("transformers", given.arguments, TransformersOptions)
    if model_files.is_folder(model):
        model = str(Path(model).expanduser())
    if options.lora:
        check_adapter(options.lora)
    loaded, tokenizer = load(model, options, given)
    identity = model_files.identify(model, options.revision)
    if options.lora:
        identity = model_files.with_adapter(identity, options.lora)
    info = EngineInfo(
        model=identity.name,
        revision=identity.revision,
        licence=identity.licence,
        chat=bool(tokenizer.chat_template),
        context=context_of(loaded, options.context),
        constrains=False,
        arguments=given.arguments,
        scores=True,
    )
    return TransformersEngine(loaded, tokenizer, info, options.batch_size)


class TransformersEngine:
    """Completes prompts in batches with a loaded model and its tokenizer."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401 (has no types where torch is not installed)
        tokenizer: Any,  # noqa: ANN401
        info: EngineInfo,
        batch_size: int,
    ) -> None:
        self.info = info
        self._model = model
        self._tokens = Tokens(tokenizer, ends_of(model, tokenizer))
        self._pad = next(iter(sorted(self._tokens.ends)), 0)
        self._batch_size = batch_size
        # How tokens are drawn and when a text ends is decided here, not by the checkpoint.
        model.generation_config = type(model.generation_config)(pad_token_id=self._pad)

    def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
        """Complete prompts batch by batch, those that are alike together."""
        waiting = iter(prompts)
        window: list[Row | GivenAnswer] = []
        while True:
            while (
                len(window) < WINDOW * self._batch_size
                and (prompt := next(waiting, None)) is not None
            ):
                row = self._row(prompt)
                if isinstance(row, Completion):
                    yield row
                else:
                    window.append(row)
            if not window:
                return
            batch = company(window, self._batch_size, self.info.context)
            window = [row for row in window if row not in batch]
            yield from self._answer(batch)

    def _row(self, prompt: Prompt) -> Row | GivenAnswer | Completion:
        """Put a prompt in tokens; one that cannot be is a completion of its own."""
        kind = Row if prompt.answer is None else GivenAnswer
        try:
            return kind(prompt, self._tokens, self.info.context)
        except InputError as error:
            return failed(prompt, str(error))
        except Exception as error:  # noqa: BLE001 (a template or tokenizer may raise anything)
            return failed(prompt, first_line(error))

    def _answer(self, rows: Sequence[Row | GivenAnswer]) -> Iterator[Completion]:
        """Run a batch; one that fails is run in halves, and a prompt that fails alone has failed.

        A batch that is too large for the memory ends so, too.
        """
        fault = self._run(rows)
        if not fault or len(rows) == 1:
            for row in rows:
                yield failed(row.prompt, fault) if fault else row.completion()
            return
        middle = len(rows) // 2
        for half in (rows[:middle], rows[middle:]):
            yield from self._answer(half)

    def _run(self, rows: Sequence[Row | GivenAnswer]) -> str:
        """Complete rows together; return what went wrong, if anything did.

        Raises EngineError for a device that has failed: it answers nothing more.
        """
        import torch  # noqa: PLC0415 (an extra, loaded when an engine is opened)

        for row in rows:
            row.reset()
        try:
            with torch.inference_mode():
                self._compute(rows, torch)
        except torch.AcceleratorError as error:
            hint = "start again; the journal keeps what has been answered"
            raise EngineLostError(
                f"the device has failed: {first_line(error)}", hint=hint
            ) from error
        except Exception as error:  # noqa: BLE001 (a slot must never be lost: any fault is a completion)
            reason = first_line(error)
        else:
            return ""
        _free(torch)
        return reason

    def _compute(self, rows: Sequence[Row | GivenAnswer], torch: Any) -> None:  # noqa: ANN401
        """Have answers scored, or else prompts completed: a batch holds one kind."""
        answers = [row for row in rows if isinstance(row, GivenAnswer)]
        if answers:
            score(self._model, answers, self._pad, torch)
        else:
            self._generate([row for row in rows if isinstance(row, Row)], torch)

    def _generate(self, rows: Sequence[Row], torch: Any) -> None:  # noqa: ANN401
        """Have transformers decode rows, padded on the left, until all have ended."""
        width = max(len(row.tokens) for row in rows)
        pads = [width - len(row.tokens) for row in rows]
        tokens = [[self._pad] * pad + row.tokens for pad, row in zip(pads, rows, strict=True)]
        mask = [[0] * pad + [1] * (width - pad) for pad in pads]
        draw = Draw(rows, self._pad)
        self._model.generate(
            input_ids=torch.tensor(tokens, device=self._model.device),
            attention_mask=torch.tensor(mask, device=self._model.device),
            max_new_tokens=max(row.limit for row in rows),
            do_sample=False,
            logits_processor=[draw],
            stopping_criteria=[draw.done],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Give the model's memory back."""
        import torch  # noqa: PLC0415 (an extra)

        self._model = None
        _free(torch)


def company(
    window: Sequence[Row | GivenAnswer], size: int, context: int
) -> list[Row | GivenAnswer]:
    """Take the row that waits longest, and those nearest to it in length, for one batch.

    Answers of a few tokens do not wait for long ones, nor given ones (their limit is 0) for any,
    and none is carried past the context by one that goes on longer: a model may have no positions
    there.
    """
    first = window[0]
    alike = [row for row in window if row.limit.bit_length() == first.limit.bit_length()]
    alike.sort(key=lambda row: abs(len(row.tokens) - len(first.tokens)))
    batch: list[Row | GivenAnswer] = []
    width = limit = 0
    for row in alike:
        wider, longer = max(width, len(row.tokens)), max(limit, row.limit)
        if len(batch) < size and (not batch or not context or wider + longer <= context):
            batch.append(row)
            width, limit = wider, longer
    return batch


def _free(torch: Any) -> None:  # noqa: ANN401
    """Give back the memory of a GPU that nothing refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
