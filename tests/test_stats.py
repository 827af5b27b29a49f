"""What tasks are like, in numbers."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.stats import Spread, measure
from selfinstruct.task import Instance, Judgement, Origin, Task, new_task


def task(instruction: str, *pairs: tuple[str, str], language: str = "en") -> Task:
    """Return a grown task with these inputs and outputs."""
    instances = tuple(Instance(given, output) for given, output in pairs)
    origin = Origin(kind="generated")
    return new_task(instruction, origin=origin, language=language, instances=instances)


@given(st.lists(st.integers(0, 50), min_size=1), st.floats(0, 1))
def test_a_share_of_the_numbers_is_not_above_its_percentile(
    numbers: list[int], share: float
) -> None:
    """A percentile is one of the numbers, and the smallest with that many at or below it."""
    counts = {float(one): numbers.count(one) for one in numbers}
    found = Spread(tuple(sorted(counts.items())))
    value = found.at(share)
    assert value in numbers
    assert sum(one <= value for one in numbers) >= share * len(numbers) - 1e-6
    assert sum(one < value for one in numbers) <= share * len(numbers) + 1e-6
    assert found.count == len(numbers)
    assert found.mean == pytest.approx(sum(numbers) / len(numbers))
    assert found.at(1) == max(numbers)


def test_nothing_has_no_mean_and_no_percentile() -> None:
    """Of no numbers all is 0, and of no tasks too."""
    assert (Spread().mean, Spread().at(0.5), Spread().count) == (0, 0, 0)
    assert measure([]).tasks == 0


def test_lengths_are_in_words_or_characters() -> None:
    """Chinese is counted by characters; an input that is not there has no length."""
    found = measure(
        [
            task("Name two rivers.", ("", "The Po."), ("In Peru.", "The Ucayali.")),
            task("写一句诗", ("", "秋风起"), language="zh"),
        ]
    )
    assert found.lengths["instruction"].values == ((3, 1), (4, 1))
    assert found.lengths["output"].values == ((2, 2), (3, 1))
    assert found.lengths["input"].values == ((2, 1),)
    assert (found.tasks, found.rows) == (2, 3)
    assert found.languages == {"en": 1, "zh": 1}


def test_distinct_pairs_are_counted_once() -> None:
    """Of four pairs of neighbouring words three are different; first words are folded."""
    found = measure([task("Draw a cat"), task("draw a dog")])
    assert found.distinct == {"instruction": 3 / 4, "output": 0}
    assert found.first_words == {"draw": 2}


def test_what_was_recorded_is_summed_up() -> None:
    """Similarities and verdicts are of the tasks that have them."""
    origin = Origin(kind="generated", similar=(("a", 0.5), ("b", 0.2)), mean_similarity=0.1)
    said = Judgement(1.0, 0.5, 0.0, 4.0, 2, "judge")
    one = msgspec.structs.replace(
        task("Name a river.", ("", "Po")),
        origin=origin,
        judgements=(said,),
        difficulties=(0.75,),
    )
    found = measure([one, task("Name a lake.", ("", "Como"))])
    assert found.nearest.values == ((0.5, 1),)
    assert found.similarity.values == ((0.1, 1),)
    assert found.scores.mean == 4
    assert found.answers == {"valid_task": 1.0, "input_fits": 0.5, "output_correct": 0.0}
    assert found.judges == ("judge",)
    assert found.difficulties.values == ((0.75, 1),)
