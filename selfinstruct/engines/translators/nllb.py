"""NLLB: one model for two hundred languages.

Decides: how the model is told its languages. Does not know: how a translation is searched for.
"""

from collections.abc import Sequence
from typing import Self

from selfinstruct.engines.options import Given
from selfinstruct.engines.translators.base import TranslatorInfo, TranslatorOptions, by_line
from selfinstruct.engines.translators.languages import NLLB_CODE, nllb_code
from selfinstruct.engines.translators.seq2seq import Seq2Seq, check_folder, check_pair, load
from selfinstruct.errors import InputError


def open_model(model: str, options: TranslatorOptions, given: Given) -> "NllbTranslator":
    """Open a model by its folder or its id on the Hub."""
    check_folder(model)
    loaded = load(model, options, given)
    codes = {token for token in loaded.tokenizer.get_vocab() if NLLB_CODE.fullmatch(token)}
    if not codes:
        loaded.close()
        hint = "give a model of the NLLB family, or open this one as marian:…"
        raise InputError(f"{model} has no language codes such as eng_Latn", hint=hint)
    return NllbTranslator(loaded, frozenset(codes), given)


class NllbTranslator:
    """Translates between any two of a model's languages."""

    def __init__(self, model: Seq2Seq, codes: frozenset[str], given: Given) -> None:
        identity = model.identity
        self.info = TranslatorInfo(
            identity.name, identity.revision, identity.licence, given.arguments
        )
        self._model = model
        self._codes = codes

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """Return the translation of each text."""
        asked, wanted = nllb_code(source, self._codes), nllb_code(target, self._codes)
        check_pair(asked, wanted)
        tokenizer = self._model.tokenizer
        tokenizer.src_lang = asked
        first = tokenizer.convert_tokens_to_ids(wanted)

        def encode(line: str) -> Sequence[int]:
            tokens: list[int] = tokenizer(line)["input_ids"]
            return tokens

        return by_line(texts, lambda lines: self._model.write(lines, encode, first))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Give the model's memory back."""
        self._model.close()
