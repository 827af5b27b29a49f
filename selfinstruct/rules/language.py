"""The rule about the language of a text.

Decides: when a text is long enough for a verdict, and how sure one must be. Does not know:
languages (py3langid's model of 97 does).
"""

from functools import lru_cache
from typing import Annotated, Any

import msgspec

from selfinstruct.rules.base import Count, FieldRule, Share, is_prose
from selfinstruct.text import tokens

Code = Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}$")]


_NONE = ("la", "zxx")
"""Verdicts on lists of names, and "no linguistic content"."""


class Language(FieldRule, frozen=True, tag="language", kw_only=True):
    """Refuse a text that is surely in another language than `language` (an ISO 639-1 code).

    Surely: another language has at least `min_probability`. Texts of fewer than `min_tokens`
    tokens are kept, and so are code and tables, which are in no language, and what looks like
    Latin: lists of names do. `also` lists further languages that pass.
    """

    language: Code
    also: tuple[Code, ...] = ()
    min_tokens: Count = 12
    min_probability: Share = 0.9

    def fault_in(self, text: str) -> str:
        """Ask the model, of texts that are long enough."""
        if len(tokens(text)) < self.min_tokens:
            return ""
        if not is_prose(text):
            return ""
        found, probability = _identify(text)
        if found in (self.language, *self.also, *_NONE) or probability < self.min_probability:
            return ""
        return f"looks like {found!r} ({probability:.2f}), not {self.language!r}"


def _identify(text: str) -> tuple[str, float]:
    """Return the likeliest language and its probability."""
    language, probability = _identifier().classify(text)
    return str(language), float(probability)


@lru_cache(maxsize=1)
def _identifier() -> Any:  # noqa: ANN401 (a class without types)
    """Read the model, once: it takes 0.7 seconds."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
