"""What a prompt shows: draws that are balanced over kinds of task."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.pool import Pool, Shown, kind_of
from selfinstruct.task import Instance, Origin, Task, new_task

categories = st.sampled_from(("", "", "law", "music", "sleep"))
tasks = st.lists(st.tuples(st.sampled_from(("Write", "write", "List")), categories), max_size=30)


def made(rows: list[tuple[str, str]], name: str) -> list[Task]:
    """Return tasks with different instructions."""
    return [
        new_task(
            f"{word} {name} number {place}",
            origin=Origin(kind=name),
            language="en",
            category=category,
        )
        for place, (word, category) in enumerate(rows)
    ]


@given(tasks.filter(bool), tasks, st.integers(1, 12), st.integers(0, 4), st.integers(0, 99))
def test_a_balanced_prompt_shows_as_many_kinds_as_it_can(
    seeds: list[tuple[str, str]],
    grown: list[tuple[str, str]],
    count: int,
    young: int,
    seed: int,
) -> None:
    """A balanced draw has the size of any other, no task twice, and all kinds it has room for."""
    pool = Pool(made(seeds, "seed"), made(grown, "grown"))
    drawn = pool.sample_kinds(Random(seed), Shown(count=count, grown=young, max_words=9))
    plain = pool.sample(Random(seed), Shown(count=count, grown=young, max_words=9))
    assert len(drawn) == len(plain)
    assert len({task.id for task in drawn}) == len(drawn)
    for whole, kind in ((pool.seeds, "seed"), (pool.grown, "grown")):
        some = [task for task in drawn if task.origin.kind == kind]
        assert len(some) == sum(task.origin.kind == kind for task in plain)
        kinds = {kind_of(task) for task in whole}
        assert len({kind_of(task) for task in some}) == min(len(some), len(kinds))


@given(tasks.filter(bool), tasks, st.integers(0, 30), st.integers(0, 99))
def test_a_pool_that_grew_is_a_pool_that_was_read(
    seeds: list[tuple[str, str]], grown: list[tuple[str, str]], cut: int, seed: int
) -> None:
    """Tasks that were added one by one are counted and drawn like those that were there."""
    young = made(grown, "grown")
    read = Pool(made(seeds, "seed"), young)
    grew = Pool(made(seeds, "seed"), young[:cut])
    grew.sample_kinds(Random(0), Shown(count=1, grown=1, max_words=9))
    for task in young[cut:]:
        grew.add(task)
    assert grew.counts == read.counts == Counter(task.category for task in young)
    draws = [
        p.sample_kinds(Random(seed), Shown(count=6, grown=3, max_words=9)) for p in (read, grew)
    ]
    assert draws[0] == draws[1]


def test_a_kind_with_many_tasks_is_not_shown_more_often() -> None:
    """Of 990 tasks that begin with "Write" and ten others, each of eleven kinds has its share."""
    rows = [("Write", "")] * 990 + [(f"Verb{number}", "") for number in range(10)]
    pool = Pool(made([("Say", "")], "seed"), made(rows, "grown"))
    shown: Counter[str] = Counter()
    for slot in range(2200):
        drawn = pool.sample_kinds(Random(slot), Shown(count=2, grown=1, max_words=9))
        shown.update(kind_of(task) for task in drawn if task.origin.kind == "grown")
    assert len(shown) == 11
    assert all(150 < times < 250 for times in shown.values())


def test_long_tasks_are_left_out_of_balanced_prompts() -> None:
    """`max_words` holds in balanced draws as in others, for seeds, old and new tasks."""
    long = [("Write " + "very " * 20, "law")]
    pool = Pool(made([("Say", ""), *long], "seed"), made([("List", ""), *long], "grown"))
    pool.sample_kinds(Random(0), Shown(count=9, grown=9, max_words=9))
    pool.add(made(long * 3, "grown")[2])
    drawn = pool.sample_kinds(Random(0), Shown(count=9, grown=9, max_words=9))
    assert {kind_of(task) for task in drawn} == {"say", "list"}


def with_input(text: str, given: str, kind: str = "seed") -> Task:
    """Return a task with an input, or with none where it is empty."""
    return new_task(
        text, origin=Origin(kind=kind), language="en", instances=(Instance(given, "Yes."),)
    )


@pytest.mark.parametrize("balanced", [False, True])
@given(
    plain=st.integers(0, 12),
    others=st.integers(0, 12),
    count=st.integers(1, 9),
    young=st.integers(0, 3),
)
def test_a_prompt_shows_tasks_without_input_where_there_are_enough(
    *, balanced: bool, plain: int, others: int, count: int, young: int
) -> None:
    """Without `inputs` no shown task has one, but where too few seeds have none."""
    kinds = [
        ("", plain, "seed"),
        ("A text.", others, "seed"),
        ("", 1, "new"),
        ("A text.", 5, "new"),
        ("", 1, "newer"),
    ]
    seeds, grown = (
        [
            with_input(f"Verb{number} a {kind} {given}", given, kind)
            for given, many, kind in kinds
            for number in range(many)
            if kind.startswith(wanted)
        ]
        for wanted in ("seed", "new")
    )
    pool = Pool(seeds, grown[:4])
    shown = Shown(count=count, grown=young, max_words=9, inputs=False)
    draw = pool.sample_kinds if balanced else pool.sample
    draw(Random(0), shown)
    for task in grown[4:]:
        pool.add(task)
    drawn = draw(Random(1), shown)
    of_seeds = [task for task in drawn if task.origin.kind == "seed"]
    assert not any(task.instances[0].input for task in drawn if task.origin.kind != "seed")
    assert len(of_seeds) == min(count - min(young, 2, count), len(seeds))
    if plain >= count:
        assert not any(task.instances[0].input for task in of_seeds)
