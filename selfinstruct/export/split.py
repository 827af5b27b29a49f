"""Train, validation and test: which rows go where.

Decides: the split of a row, by its family alone, so that neither wordings nor templates of a task
are in two splits, and that a task stays in its split when the set grows. Does not know: files.
"""

from collections.abc import Mapping
from types import MappingProxyType

from selfinstruct.errors import InputError
from selfinstruct.export.chance import fraction, numbers

TRAIN = "train"
SPLITS = ("validation", "test")
HINT = "give shares: --split validation=0.05,test=0.05 (the rest is train)"
WHOLE: Mapping[str, float] = MappingProxyType({})
"""No shares: all rows are for training."""


def parse_split(text: str) -> dict[str, float]:
    """Read "validation=0.05,test=0.05"; raise InputError where that is not what it says."""
    shares: dict[str, float] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, equals, share = part.partition("=")
        if name == TRAIN:
            raise InputError(f"--split {text}: train is what the others leave", hint=HINT)
        if name not in SPLITS or name in shares or not equals:
            raise InputError(f"--split {text}: expected validation=… and test=…", hint=HINT)
        try:
            shares[name] = float(share)
        except ValueError:
            raise InputError(f"--split {text}: {share!r} is no number", hint=HINT) from None
        if not 0 < shares[name] < 1:
            message = f"--split {text}: a share is above 0 and below 1, got {share}"
            raise InputError(message, hint=HINT)
    if sum(shares.values()) >= 1:
        raise InputError(f"--split {text}: nothing is left for train", hint=HINT)
    return shares


def split_of(family: str, shares: Mapping[str, float]) -> str:
    """Return the split of a family. Each has about its share of the families, not of the rows."""
    if not shares:
        return TRAIN
    place = fraction(numbers(f"split/{family}")[0])
    for name in SPLITS:
        place -= shares.get(name, 0.0)
        if place < 0:
            return name
    return TRAIN
