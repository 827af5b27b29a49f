"""Wordings of classification tasks: enough, different, and filled as they stand."""

from itertools import combinations
from string import Formatter

import pytest

from selfinstruct.errors import InputError
from selfinstruct.importing.wording import Wording, filled, load_wordings
from selfinstruct.novelty import RougeL

FAMILIES = [
    (language, family)
    for language in ("en", "zh")
    for family in (load_wordings(language).with_task, load_wordings(language).without_task)
]

TASKS = {"en": "the sentiment of the review", "zh": "评论的情感"}
NAMES = {"en": ["negative", "neutral", "positive"], "zh": ["差评", "中评", "好评"]}


@pytest.mark.parametrize(("language", "family"), FAMILIES)
def test_wordings_are_many_and_name_the_labels(language: str, family: tuple[Wording, ...]) -> None:
    """A family has eight wordings or more, ids of its own, and in each the labels once."""
    assert len(family) >= 8
    assert len({one.id for one in family}) == len(family)
    for one in family:
        holes = [name for _, name, _, _ in Formatter().parse(one.instruction) if name]
        assert sum(name in ("labels", "list") for name in holes) == 1, one
        assert set(holes) <= {"labels", "list", "task"}, one
        assert one.id.startswith(language)


@pytest.mark.parametrize(("language", "family"), FAMILIES)
def test_wordings_are_new_to_one_another(language: str, family: tuple[Wording, ...]) -> None:
    """No two, filled with three labels, are as alike as the novelty filter refuses."""
    for one, other in combinations(family, 2):
        judge = RougeL(0.7)
        first, second = (
            filled(w, language, NAMES[language], TASKS[language]) for w in (one, other)
        )
        judge.add("first", first)
        assert judge.nearest(second) is None, (first, second)


def test_every_wording_with_a_task_says_it() -> None:
    """Where the sense of the labels is known, each wording holds it; the others have no hole."""
    for language in ("en", "zh"):
        there = load_wordings(language)
        assert all("{task}" in one.instruction for one in there.with_task)
        assert not any("{task}" in one.instruction for one in there.without_task)


@pytest.mark.parametrize(
    ("language", "labels", "says"),
    [
        ("en", ["a", "b"], "a or b"),
        ("en", ["a", "b", "horror"], "a, b or horror"),
        ("en", ["this or that", "b"], '"this or that" or "b"'),
        ("en", ["a, b", "c"], '"a, b" or "c"'),
        ("zh", ["好", "坏"], "好、坏"),
        ("zh", ["好、很好", "坏"], "“好、很好”、“坏”"),
    ],
)
def test_labels_stand_in_a_sentence(language: str, labels: list[str], says: str) -> None:
    """Labels are joined as a sentence joins them; what could be two of them is in quotes."""
    assert filled(Wording("x", "<{labels}>"), language, labels, "") == f"<{says}>"


def test_braces_in_texts_are_text() -> None:
    """A label or a task with braces fills no hole."""
    found = filled(Wording("x", "{task}: {list}"), "en", ["{task}", "b"], "{list}")
    assert found == "{list}: - {task}\n- b"


def test_another_language_is_refused() -> None:
    """The error lists the languages that there are wordings in."""
    with pytest.raises(InputError, match="unknown language 'fr'") as error:
        load_wordings("fr")
    assert "en, zh" in error.value.hint
