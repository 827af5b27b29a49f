"""opus-mt and other Marian models: one for each direction.

Decides: which model belongs to a direction, and when it is loaded: on first use. Does not know:
how a translation is searched for.
"""

import re
from collections.abc import Sequence
from typing import Self

from selfinstruct.engines.options import Given
from selfinstruct.engines.translators.base import TranslatorInfo, TranslatorOptions, by_line
from selfinstruct.engines.translators.languages import marian_code, marian_prefix
from selfinstruct.engines.translators.seq2seq import Seq2Seq, check_folder, check_pair, load
from selfinstruct.errors import InputError

HOLES = ("{source}", "{target}")


def open_model(model: str, options: TranslatorOptions, given: Given) -> "MarianTranslator":
    """Open models by a name with two holes, "Helsinki-NLP/opus-mt-{source}-{target}"."""
    holes = re.findall(r"\{\w*\}", model)
    if sorted(holes) != sorted(HOLES):
        message = f"the name {model!r} does not say which model belongs to which direction"
        hint = "write {source} and {target} in it: marian:Helsinki-NLP/opus-mt-{source}-{target}"
        raise InputError(message, hint=hint)
    return MarianTranslator(model, options, given)


class MarianTranslator:
    """Translates with a model for each direction."""

    def __init__(self, pattern: str, options: TranslatorOptions, given: Given) -> None:
        self._pattern = pattern
        self._options = options
        self._given = given
        self._models: dict[str, Seq2Seq] = {}

    @property
    def info(self) -> TranslatorInfo:
        """Name the models used so far, each behind its direction."""
        models = sorted(self._models.items())
        licences = {model.identity.licence for _, model in models if model.identity.licence}
        return TranslatorInfo(
            model=" ".join(f"{pair}:{model.identity.name}" for pair, model in models)
            or self._pattern,
            revision=" ".join(f"{pair}:{model.identity.revision}" for pair, model in models),
            licence=" AND ".join(sorted(licences)),
            arguments=self._given.arguments,
        )

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """Return the translation of each text."""
        source, target = marian_code(source), marian_code(target)
        check_pair(source, target)
        model = self._model(source, target)
        markers = getattr(model.tokenizer, "supported_language_codes", ())
        prefix = marian_prefix(target, markers)

        def encode(line: str) -> Sequence[int]:
            tokens: list[int] = model.tokenizer(prefix + line)["input_ids"]
            return tokens

        return by_line(texts, lambda lines: model.write(lines, encode))

    def _model(self, source: str, target: str) -> Seq2Seq:
        """Return the model of a direction, loading it on first use."""
        pair = f"{source}-{target}"
        if pair not in self._models:
            name = self._pattern.replace("{source}", source).replace("{target}", target)
            check_folder(name)
            self._models[pair] = load(name, self._options, self._given)
        return self._models[pair]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Give the models' memory back."""
        while self._models:
            self._models.popitem()[1].close()
