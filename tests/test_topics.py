"""Topics: the form of the file, and whose turn it is."""

from collections import Counter
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import InputError
from selfinstruct.topics import MAX_LENGTH, Topic, bound, deal, full, load_topics

NAMES = ("cooking", "astronomy", "C#", "\u592a\u9633", "first aid", "law")


@st.composite
def topics(draw: st.DrawFn) -> tuple[Topic, ...]:
    """Draw one to six topics, some with a quota."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    return tuple(Topic(name, draw(st.integers(0, 30))) for name in names)


counts = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 30))


def write(folder: Path, text: str) -> Path:
    """Write a topic file."""
    path = folder / "topics.txt"
    path.write_bytes(text.encode())
    return path


def test_a_topic_file_has_names_quotas_and_comments(tmp_path: Path) -> None:
    """A line is a topic, with its quota after a tab; comments and empty lines are passed over."""
    text = "\ufeff# mine\r\ncooking\t20\r\n\r\n  the  Roman Empire \n#law\nC#\t\nE.coli\t 007 \n"
    assert load_topics(write(tmp_path, text)) == (
        Topic("cooking", 20),
        Topic("the Roman Empire"),
        Topic("C#"),
        Topic("E.coli", 7),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("law\ncooking\tmany\n", "2: the quota is 'many'"),
        ("cooking\t0\n", "1: the quota is '0'"),
        ("cooking\t-3\n", "1: the quota is '-3'"),
        ("cooking\t2\t3\n", "1: the quota is '2\\t3'"),
        ("cooking\t\u0663\n", "1: the quota is"),
        ("cooking\t" + "9" * 5000, "1: the quota is"),
        ("#\n\t20\n", "2: there is no topic before the tab"),
        ("...\n", "1: '...' is not a topic"),
        ("a\x07b\n", "1: a topic with the control character"),
        ("x" * (MAX_LENGTH + 1), f"1: a topic of {MAX_LENGTH + 1} characters"),
        ("Cooking\nlaw\n cooking\t3\n", "3: the topic 'cooking' stands in line 1 already"),
        ("stra\u00dfe\nSTRASSE", "2: the topic 'STRASSE' stands in line 1 already"),
        ("# nothing\n\n", "holds no topic"),
    ],
)
def test_faults_of_a_topic_file_name_file_and_line(text: str, said: str, tmp_path: Path) -> None:
    """What is no topic, no quota, or there twice is refused with its place."""
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load_topics(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
    assert caught.value.hint


@given(topics(), counts, st.integers(0, 60), st.integers(1, 8), st.integers(0, 99))
def test_no_quota_can_be_exceeded(
    given: tuple[Topic, ...], had: dict[str, int], slots: int, new: int, seed: int
) -> None:
    """All that the slots of a round ask for fits in, and a slot is left out only if none does."""
    dealt = list(deal(given, had, Random(seed), slots=slots, new=new))
    asked: Counter[str] = Counter()
    for turn in dealt:
        assert 1 <= turn.new <= new
        asked[turn.topic] += turn.new
    room = {t.name: t.quota - had.get(t.name, 0) for t in given if t.quota}
    assert all(asked[name] <= max(0, left) for name, left in room.items())
    if len(room) < len(given):
        assert len(dealt) == slots
    else:
        assert len(dealt) == min(slots, sum(-(-max(0, left) // new) for left in room.values()))
    assert full(given, had) == (len(room) == len(given) and max(room.values()) <= 0)


@given(topics(), counts, st.integers(1, 60), st.integers(0, 99))
def test_the_topic_with_the_fewest_tasks_comes_first(
    given: tuple[Topic, ...], had: dict[str, int], slots: int, seed: int
) -> None:
    """At every turn no other topic that has room is further behind its quota."""
    widest = max(topic.quota for topic in given) or 1
    have = {topic: had.get(topic.name, 0) for topic in given}
    by_name = {topic.name: topic for topic in given}
    for turn in deal(given, had, Random(seed), slots=slots, new=1):
        open_ones = [t for t in given if not t.quota or have[t] < t.quota]
        ratios = {t: Fraction(have[t], t.quota or widest) for t in open_ones}
        assert ratios[by_name[turn.topic]] == min(ratios.values())
        have[by_name[turn.topic]] += 1


def test_chance_decides_among_equals() -> None:
    """Topics that are as far take their first turns in an order that the generator gives."""
    equal = [Topic(name) for name in NAMES]
    firsts = {next(deal(equal, {}, Random(seed), slots=1, new=1)).topic for seed in range(60)}
    again = [list(deal(equal, {}, Random(7), slots=9, new=2)) for _ in range(2)]
    assert firsts == set(NAMES)
    assert again[0] == again[1]


def test_quotas_bound_a_run_only_together() -> None:
    """The quotas of all topics add up; one topic without a quota leaves the run unbounded."""
    assert bound([Topic("a", 3), Topic("b", 4)]) == 7
    assert bound([Topic("a", 3), Topic("b")]) == 0
    assert not full([], {})
