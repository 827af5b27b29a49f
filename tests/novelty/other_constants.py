"""A program: the fast tier with other constants decides what the definition says.

Its constants are compiled in, so it takes a process of its own to change them, and an empty
folder for numba's cache. Arguments: module.NAME=value, set before anything is compiled.
Writes how many texts matched.
"""

import sys
from importlib import import_module
from random import Random

from oracles import ALL_EDGES, EDGES, Definition, stream

from selfinstruct.novelty import rouge

STREAMS = 12


def main(changes: list[str]) -> None:
    """Apply the changes, then compare."""
    for change in changes:
        place, value = change.split("=")
        module, name = place.split(".")
        holders = import_module(f"selfinstruct.novelty.pairs.{module}"), rouge
        assert hasattr(holders[0], name)
        for holder in holders:  # rouge.py imported it before it was changed
            if hasattr(holder, name):
                setattr(holder, name, int(value))
    sys.stdout.write(str(streams() + far_apart()))


def streams() -> int:
    """Admit streams of texts; return how many matched."""
    random, matched = Random(1), 0
    for seed in range(STREAMS):
        threshold = random.choice((0.6, 2 / 3, 0.7, 0.75, 0.8, 6 / 7, 0.9))
        texts = stream(seed, 160, random.choice((EDGES, ALL_EDGES)))
        expected = Definition(threshold).admit(texts)
        judge = rouge.RougeL(threshold, tier="fast")
        found = [match for start in (0, 80) for match in judge.admit(texts[start : start + 80])]
        assert found == expected, (seed, threshold)
        matched += len(expected) - expected.count(None)
    return matched


def far_apart() -> int:
    """Ask for long texts whose common tokens are far apart; return how many matched."""
    from indexes import find_hidden  # which imports what is compiled

    random = Random(2)
    return sum(find_hidden(random, (0.6, 0.7, 0.8)[turn % 3], 60) for turn in range(30))


if __name__ == "__main__":
    main(sys.argv[1:])
