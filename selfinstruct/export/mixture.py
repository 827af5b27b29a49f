"""The mixture: how often each type of template is drawn, and how much of each category is taken.

Decides: what mixture.toml may say. Does not know: rows, or what a template looks like.
"""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import msgspec

from selfinstruct.errors import InputError, unknown_name
from selfinstruct.export.base import Row, is_blank
from selfinstruct.export.chance import fraction, numbers
from selfinstruct.resources import mixture_file, read_text

TYPES = ("zs_noopt", "zs_opt", "fs_noopt", "fs_opt", "cot")
"""What a row can be drawn as: zero- or few-shot, options shown or not, or with a rationale."""

INVERSION = "inversion"

HINT = "see docs/export.md for what a mixture may say"

_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much there is to be of something; a `cap` of 0 is none.

    `rate` is a weight among the types that a row can have. Of inversion and of categories, it is
    the share of rows, 0 to 1.
    """

    rate: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    cap: _Count = 0


_NONE = Rate(rate=0.0)


class ShotSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How few-shot rows are made.

    `max_exemplars` is the most there are, from 1 to which a number is drawn; `max_tokens` bounds
    inputs and target together, a token taken for 3 bytes of UTF-8; `inline` is the share of
    few-shot rows that have one exemplar inside the definition.
    """

    max_exemplars: Annotated[int, msgspec.Meta(ge=1, le=100)]
    max_tokens: Annotated[int, msgspec.Meta(ge=1)]
    inline: _Share


class Mixture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What mixture.toml says."""

    templates_per_row: Annotated[int, msgspec.Meta(ge=1, le=100)]
    types: dict[str, Rate]
    few_shot: ShotSettings
    categories: dict[str, Rate] = {}

    def of(self, kind: str) -> Rate:
        """Return the rate and cap of a type."""
        return self.types.get(kind) or _NONE


def load_mixture(path: Path | None = None) -> Mixture:
    """Read a mixture; what a caller's leaves out is as in the program's own.

    Raises InputError naming file and field.
    """
    given = _parsed(mixture_file())
    if path:
        for name, value in _parsed(path).items():
            both = isinstance(value, dict) and isinstance(given.get(name), dict)
            given[name] = {**given[name], **value} if both else value
    try:
        mixture = msgspec.convert(given, Mixture)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {error}", hint=HINT) from error
    for kind, rate in mixture.types.items():
        if kind not in (*TYPES, INVERSION):
            raise unknown_name(f"type in {path}:", kind, (*TYPES, INVERSION))
        _at_most_one(rate, kind == INVERSION, f"{path}: types.{kind}")
    for name, rate in mixture.categories.items():
        _at_most_one(rate, True, f"{path}: categories.{name}")  # noqa: FBT003
    if not any(mixture.of(kind).rate for kind in TYPES):
        raise InputError(f"{path}: no type has a rate above 0", hint=HINT)
    return mixture


def _at_most_one(rate: Rate, is_share: bool, where: str) -> None:  # noqa: FBT001
    if is_share and rate.rate > 1:
        raise InputError(f"{where}: rate is a share of rows, at most 1, got {rate.rate}", hint=HINT)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(path, hint="give a TOML file: --mixture FILE.toml"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}", hint=HINT) from error


class Selection:
    """Which rows are taken: those with an output, by the rates and caps of their categories."""

    def __init__(self, mixture: Mixture) -> None:
        self._rates = mixture.categories
        self._taken: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()

    def takes(self, row: Row) -> bool:
        """Say whether a row is taken; by its id, and by how many of its category there are."""
        if is_blank(row.instance.output) or is_blank(row.task.instruction):
            self.left_out["nothing asked or answered"] += 1
            return False
        if not self._rates or (rate := self._rates.get(row.source.category)) is None:
            return True
        place, category = fraction(numbers(f"category/{row.id}")[0]), row.source.category
        if place >= rate.rate or (rate.cap and self._taken[category] >= rate.cap):
            self.left_out["by category"] += 1
            return False
        self._taken[category] += 1
        return True
