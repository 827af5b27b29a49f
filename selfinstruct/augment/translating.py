"""A translation model as an engine, so that its work is journalled as all else is.

Decides: how many texts are translated in one go. Does not know: which languages are asked for.
"""

from collections.abc import Iterable, Iterator
from typing import Self

from selfinstruct.engines.base import Completion, EngineInfo, Prompt
from selfinstruct.engines.translators import Translator

BATCH = 64
"""Prompts that are collected before they are translated; each direction of them goes together."""


class Translating:
    """Completes prompts of three parts, source language, target language and text, a line each."""

    def __init__(self, translator: Translator) -> None:
        self._translator = translator

    @property
    def info(self) -> EngineInfo:
        """Say which model translates."""
        info = self._translator.info
        return EngineInfo(model=info.model, revision=info.revision, licence=info.licence)

    def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
        """Translate every prompt; what has no translation is an error."""
        batch: list[Prompt] = []
        for prompt in prompts:
            if prompt is not None:
                batch.append(prompt)
            if batch and (prompt is None or len(batch) == BATCH):
                yield from self._translated(batch)
                batch = []
        yield from self._translated(batch)

    def _translated(self, batch: list[Prompt]) -> Iterator[Completion]:
        """Translate prompts, those of one direction together."""
        directions: dict[tuple[str, str], list[tuple[Prompt, str]]] = {}
        for prompt in batch:
            source, target, text = prompt.text.split("\n", 2)
            directions.setdefault((source, target), []).append((prompt, text))
        for (source, target), pairs in directions.items():
            texts = self._translator.translate([text for _, text in pairs], source, target)
            for (prompt, _), text in zip(pairs, texts, strict=True):
                if text:
                    yield Completion(prompt.key, text, "stop")
                else:
                    error = f"{prompt.key}: no translation from {source} into {target}"
                    yield Completion(prompt.key, "", "error", error=error)

    def __enter__(self) -> Self:
        self._translator.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._translator.__exit__(*exception)
