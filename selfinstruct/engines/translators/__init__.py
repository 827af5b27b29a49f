"""Translation models behind one protocol, opened by a spec such as `nllb:FOLDER`.

A translator's module is imported when it is opened: its libraries are extras.
"""

from collections.abc import Callable
from importlib import import_module

from selfinstruct.engines.options import Given, read_options
from selfinstruct.engines.translators.base import (
    Translator,
    TranslatorInfo,
    TranslatorOptions,
)
from selfinstruct.errors import InputError, unknown_name

TRANSLATOR_EXAMPLES = {
    "marian": "marian:Helsinki-NLP/opus-mt-{source}-{target}",
    "nllb": "nllb:facebook/nllb-200-distilled-600M",
}
"""The kinds of translators, each with a spec."""

__all__ = [
    "TRANSLATOR_EXAMPLES",
    "Translator",
    "TranslatorInfo",
    "TranslatorOptions",
    "open_translator",
]


def open_translator(spec: str, given: Given = Given()) -> Translator:  # noqa: B008 (frozen)
    """Open the translator that a spec names: `kind:model`.

    Raises InputError for an unknown kind or argument or a model that is not there, EngineError
    where a library is missing or fails.
    """
    kind, separator, model = spec.partition(":")
    if kind not in TRANSLATOR_EXAMPLES:
        examples = ", ".join(TRANSLATOR_EXAMPLES.values())
        hint = f"a translator is KIND:MODEL, for example {examples}"
        raise unknown_name("translator", kind, TRANSLATOR_EXAMPLES, hint=hint)
    if not separator or not model:
        hint = f"for example {TRANSLATOR_EXAMPLES[kind]}"
        raise InputError(f"the translator {spec!r} names no model", hint=hint)
    options = read_options(f"translator {kind}", given.arguments, TranslatorOptions)
    opener: Callable[[str, TranslatorOptions, Given], Translator]
    opener = import_module(f"{__name__}.{kind}").open_model
    return opener(model, options, given)
