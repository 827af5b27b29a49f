"""What counts as a duplicate, case by case: tests/cases/duplicates.jsonl.

A line is a pair of texts, whether a sensible person calls them duplicates, and under which of our
two definitions that must hold. "instruction": the ROUGE-L F-measure of their tokens is above 0.7.
"row": the Jaccard index of their sets of three tokens in a row is at least 0.8, and a text of
fewer tokens is like no other. Both are computed here once more, from their definitions and with
exact fractions, so that a label, a judge and the definition are three witnesses.
"""

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
import pytest

from selfinstruct.novelty import RougeL
from selfinstruct.text import tokens

Kind = Literal[
    "short",
    "one-token",
    "chinese",
    "chinese-short",
    "mixed-script",
    "case-and-punctuation",
    "width",
    "symbols",
    "numbers",
    "emoji",
    "accents",
    "japanese",
    "korean",
    "thai",
    "cyrillic",
    "hindi",
    "long",
    "boundary",
    "order",
]
Definition = Literal["instruction", "row"]
Filled = Annotated[str, msgspec.Meta(min_length=1)]
Shingles = set[tuple[str, ...]]


class Pair(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One line of duplicates.jsonl."""

    left: Filled
    right: Filled
    duplicate: bool
    definitions: Annotated[list[Definition], msgspec.Meta(min_length=1)] = msgspec.field(name="as")
    kind: Kind
    why: Filled

    @property
    def orders(self) -> list[tuple[str, str]]:
        """Return the two texts in both orders."""
        return [(self.left, self.right), (self.right, self.left)]


PAIRS = msgspec.json.decode(
    b"["
    + b",".join(
        (Path(__file__).parents[1] / "cases" / "duplicates.jsonl").read_bytes().splitlines()
    )
    + b"]",
    type=list[Pair],
)


def held_by(definition: Definition) -> pytest.MarkDecorator:
    """Parametrise a test over the pairs whose label holds under a definition."""
    held = [(line, pair) for line, pair in enumerate(PAIRS, 1) if definition in pair.definitions]
    return pytest.mark.parametrize(
        "pair", [pytest.param(pair, id=f"{pair.kind}-{line}") for line, pair in held]
    )


def common_length(left: list[str], right: list[str]) -> int:
    """Return the length of the longest common subsequence, row by row of its table."""
    above = [0] * (len(right) + 1)
    for token in left:
        row = [0]
        for place, other in enumerate(right):
            row.append(above[place] + 1 if token == other else max(above[place + 1], row[-1]))
        above = row
    return above[-1]


def rouge_l(left: str, right: str) -> Fraction:
    """Return the ROUGE-L F-measure as a fraction: twice the common length by both lengths."""
    one, other = tokens(left), tokens(right)
    return Fraction(2 * common_length(one, other), max(1, len(one) + len(other)))


def shingles(text: str) -> Shingles:
    """Return every three tokens in a row; one or two tokens are one shingle, none are none."""
    found = tokens(text)
    if len(found) < 3:
        return {tuple(found)} if found else set()
    return set(zip(found, found[1:], found[2:], strict=False))


def jaccard(left: str, right: str) -> Fraction:
    """Return the share of the shingles of either text that both have."""
    one, other = shingles(left), shingles(right)
    return Fraction(len(one & other), max(1, len(one | other)))


@held_by("instruction")
def test_a_label_of_instructions_is_what_rouge_l_says(pair: Pair) -> None:
    """Two instructions are duplicates if their exact ROUGE-L F-measure is above 7/10."""
    assert (rouge_l(pair.left, pair.right) > Fraction(7, 10)) is pair.duplicate, pair.why


@held_by("row")
def test_a_label_of_rows_is_what_the_jaccard_index_says(pair: Pair) -> None:
    """Two rows are duplicates if the exact Jaccard index of their shingles is at least 4/5."""
    assert (jaccard(pair.left, pair.right) >= Fraction(4, 5)) is pair.duplicate, pair.why


@held_by("instruction")
def test_rouge_l_finds_duplicate_instructions_and_no_others(pair: Pair) -> None:
    """Whichever of the two comes first, the judge of instructions says what the label says."""
    for earlier, later in pair.orders:
        judge = RougeL(0.7)
        judge.add("earlier", earlier)
        assert (judge.nearest(later) is not None) is pair.duplicate, pair.why


@held_by("row")
def test_minhash_finds_duplicate_rows_and_no_others(pair: Pair) -> None:
    """Whichever comes first, the judge of rows says what the label says, with the exact score."""
    from selfinstruct.novelty.minhash import MinHash

    for earlier, later in pair.orders:
        judge = MinHash(0.8)
        judge.add("earlier", earlier)
        match = judge.nearest(later)
        assert (match is not None) is pair.duplicate, pair.why
        if match:
            assert match.id == "earlier"
            assert match.score == pytest.approx(float(jaccard(earlier, later)), abs=1e-12)


def test_there_are_many_different_pairs() -> None:
    """No pair stands in the file twice, in either order, and there are at least sixty."""
    assert len(PAIRS) >= 60
    assert len({frozenset((pair.left, pair.right)) for pair in PAIRS}) == len(PAIRS)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_has_pairs(kind: Kind) -> None:
    """No kind of text is without at least three pairs."""
    assert sum(pair.kind == kind for pair in PAIRS) >= 3


@pytest.mark.parametrize("definition", get_args(Definition))
def test_both_answers_are_asked_for(definition: Definition) -> None:
    """Under either definition at least a third of the pairs are duplicates, and a third are not."""
    labels = [pair.duplicate for pair in PAIRS if definition in pair.definitions]
    assert len(labels) / 3 <= sum(labels) <= len(labels) * 2 / 3
