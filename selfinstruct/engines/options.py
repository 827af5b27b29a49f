"""Engine arguments: `--engine-arg key=value`, read into what an engine takes.

Decides: how a pair is written, and that an unknown name is refused. Does not know: what any
argument does.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from selfinstruct.errors import InputError, unknown_name

Shape = TypeVar("Shape", bound=msgspec.Struct)


class Given(msgspec.Struct, frozen=True):
    """How a user wants an engine opened.

    `arguments` are "key=value" pairs. `trust_remote_code` lets code that comes with a model run;
    `quiet` keeps downloads silent.
    """

    arguments: tuple[str, ...] = ()
    trust_remote_code: bool = False
    quiet: bool = False


class NoOptions(msgspec.Struct, frozen=True):
    """The options of an engine that has none."""


def pairs(arguments: Sequence[str]) -> dict[str, str]:
    """Split "key=value" words; dashes in a key count as underscores.

    Raises InputError for a word without "=" and for a key given twice.
    """
    found: dict[str, str] = {}
    for word in arguments:
        key, separator, value = word.partition("=")
        key = key.strip().replace("-", "_")
        if not separator or not key:
            hint = "for example: --engine-arg context=4096"
            raise InputError(f"not an engine argument: {word!r}, expected KEY=VALUE", hint=hint)
        if key in found:
            raise InputError(f"the engine argument {key!r} is given twice", hint="give it once")
        found[key] = value
    return found


def read_options(kind: str, arguments: Sequence[str], shape: type[Shape]) -> Shape:
    """Read arguments into the options of an engine; raise InputError for what does not fit."""
    given = pairs(arguments)
    known = shape.__struct_fields__
    for key in given:
        if key not in known:
            none = "" if known else f"the engine {kind} takes no arguments"
            raise unknown_name(f"argument of the engine {kind}", key, known, hint=none)
    for key, value in given.items():
        try:
            msgspec.convert({key: value}, shape, strict=False)
        except msgspec.ValidationError as error:
            reason = str(error).partition(" - at ")[0]
            hint = f"see docs/engines.md for the arguments of {kind}"
            message = f"the engine argument {key}={value} does not fit: {reason}"
            raise InputError(message, hint=hint) from error
    return msgspec.convert(given, shape, strict=False)
