"""What every translator promises, and what a text is to it: lines.

Decides: the protocol, the options, and that a text is translated line by line, so that its form
stays. Does not know: any model library.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, Protocol, Self

import msgspec


class TranslatorOptions(msgspec.Struct, frozen=True):
    """What an argument "key=value" may set.

    `batch_size`: lines translated together. `num_beams`: 1 is greedy. `max_tokens`: of one
    translated line. `device`: "auto" takes a GPU where there is one. `dtype`: of the weights;
    "auto" is the checkpoint's on a GPU, float32 on a CPU. `revision`: branch, tag or commit on
    the Hub.
    """

    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 16
    num_beams: Annotated[int, msgspec.Meta(ge=1, le=16)] = 4
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 256
    device: Annotated[str, msgspec.Meta(pattern=r"^(auto|cpu|mps|(cuda|xpu)(:\d+)?)$")] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    revision: str = ""


class TranslatorInfo(msgspec.Struct, frozen=True):
    """Which model translates: what rows record. Of several models, each has its direction.

    A model's licence may bind what it wrote: NLLB's forbids commercial use.
    """

    model: str
    revision: str = ""
    licence: str = ""
    arguments: tuple[str, ...] = ()


class Translator(Protocol):
    """A model that translates; a context manager.

    Nothing is drawn: the same texts give the same translations in whatever order they are given.
    With other texts, or another `batch_size`, the last bits of a sum can differ, and now and then
    with them a word, most of all in bfloat16; with batch_size=1 only the text itself matters.
    """

    @property
    def info(self) -> TranslatorInfo:
        """Which model this is; where there is one for each direction, those used so far."""
        ...

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """Return the translation of each text, in their order.

        Languages are ISO 639-1 codes ("en", "zh"), or the model's own. A text of which a line is
        too long for the model, or whose translation does not end within max_tokens, gives "":
        half a translation is none. Raises InputError for a language that the model does not
        have, EngineError where the model fails.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def by_line(texts: Sequence[str], translate: Callable[[Sequence[str]], Sequence[str]]) -> list[str]:
    """Translate texts line by line; equal lines once, and always in the same order.

    These models read sentences, and take a line feed for a space. Blank lines, and what indents
    a line or ends it, stay as they are. `translate` returns "" for what it cannot translate.
    """
    lines = sorted({line.strip() for text in texts for line in text.split("\n")} - {""})
    known = dict(zip(lines, translate(lines), strict=True)) if lines else {}
    return [_joined(text.split("\n"), known) for text in texts]


def _joined(lines: Sequence[str], known: dict[str, str]) -> str:
    """Return the translated lines of one text; "" where one has no translation."""
    found: list[str] = []
    for line in lines:
        core = line.strip()
        if core and not known[core]:
            return ""
        before, _, after = line.partition(core) if core else (line, "", "")
        found.append(f"{before}{known[core]}{after}" if core else line)
    return "\n".join(found)
