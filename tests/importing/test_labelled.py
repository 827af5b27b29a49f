"""Labelled texts to tasks: which columns, which labels, and which texts stand where."""

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import InputError
from selfinstruct.importing.labelled import (
    LABELS,
    MAX_LABELS,
    MAX_TEXT,
    TEXTS,
    Draw,
    find_column,
    make_tasks,
    name_labels,
    read_labelled,
)
from selfinstruct.importing.wording import load_wordings
from selfinstruct.seeds import SeedLine
from selfinstruct.tables import TableRow

WORDINGS = load_wordings("en").without_task


def labelled(*pairs: tuple[Any, Any]) -> list[TableRow]:
    """Return rows of texts with labels."""
    return [
        TableRow(file=Path("a.csv"), number=n, columns={"text": text, "label": label})
        for n, (text, label) in enumerate(pairs, 2)
    ]


def tasks(
    texts: dict[str, list[str]], count: int = 10, instances: int = 8, seed: int = 0
) -> list[SeedLine]:
    """Make tasks of texts in English."""
    draw = Draw(instances, seed, "a")
    return make_tasks(texts, WORDINGS[:count], draw, language="en", task="")


def many(label: str, count: int) -> list[str]:
    """Return texts of a label."""
    return [f"{label} text {number}" for number in range(count)]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["id", "text", "label"], ("text", "label")),
        (["Review", "Sentiment"], ("Review", "Sentiment")),
        (["内容", "标签"], ("内容", "标签")),
    ],
)
def test_columns_are_known_by_name(columns: list[str], found: tuple[str, str]) -> None:
    """A column of a known name is found, whatever the case of its letters."""
    row = dict.fromkeys(columns)
    assert (find_column("", "text", TEXTS, row), find_column("", "label", LABELS, row)) == found


@pytest.mark.parametrize(
    ("given", "columns", "says"),
    [
        ("", ["body", "label"], "none is called 'text'"),
        ("", ["text", "content"], "several could be: 'text', 'content'"),
        ("boby", ["body"], "no column 'boby'; did you mean 'body'"),
    ],
)
def test_columns_that_cannot_be_told_are_refused(given: str, columns: list[str], says: str) -> None:
    """None, several, and a misspelt one are errors that name the columns there are."""
    with pytest.raises(InputError) as error:
        find_column(given, "text", TEXTS, dict.fromkeys(columns))
    assert says in str(error.value)
    assert columns[0] in error.value.hint


def test_rows_that_teach_nothing_are_counted() -> None:
    """Empty, over-long and broken cells, repeated texts and texts with two labels are left out."""
    found = read_labelled(
        labelled(
            ("a", 1.0), ("a", "1"), ("b", 0), ("", 1), ("c", None), ("d", [1]), ("e", "x"),
            ("e", "y"), ("f" * (MAX_TEXT + 1), 1), ("\ud800", 1),
        ),
        "text",
        "label",
    )  # fmt: skip
    assert found.texts == {"1": ["a"], "0": ["b"]}
    assert sum(found.left_out.values()) == 8
    assert found.left_out["the same 'text' has two labels"] == 1


def test_numbers_need_names() -> None:
    """Labels that are numbers are refused, with the option that names them, or are kept."""
    with pytest.raises(InputError, match="labels are numbers: 0, 1, 10") as error:
        name_labels(["10", "0", "1"], {}, keep_numbers=False)
    assert "--labels 0=NAME,1=NAME,10=NAME" in error.value.hint
    assert list(name_labels(["10", "0", "1"], {}, keep_numbers=True)) == ["0", "1", "10"]
    named = name_labels(["1", "0"], {"1": "good", "0": "bad"}, keep_numbers=False)
    assert list(named.items()) == [("1", "good"), ("0", "bad")]


@pytest.mark.parametrize(
    ("labels", "given", "says"),
    [
        (["spam", "ham"], {"spm": "x"}, "unknown label in --labels 'spm'; did you mean 'spam'"),
        (["spam"], {}, "every row has the label 'spam'"),
        ([], {}, "no row has a text and a label"),
        (["spam", "ham"], {"spam": "x", "ham": "x"}, "nothing to tell apart"),
        ([f"l{n}" for n in range(MAX_LABELS + 1)], {}, "there are 31 labels"),
    ],
)
def test_labels_that_make_no_task_are_refused(
    labels: list[str], given: dict[str, str], says: str
) -> None:
    """A misspelt label, one label, none and too many are errors."""
    with pytest.raises(InputError) as error:
        name_labels(labels, given, keep_numbers=False)
    assert says in str(error.value)


sizes = st.lists(st.integers(1, 60), min_size=2, max_size=6)


@given(sizes, st.integers(1, 12), st.integers(1, 10), st.integers(0, 3), st.randoms())
def test_tasks_are_balanced_and_share_no_text_while_there_are_others(
    counts: list[int], instances: int, count: int, seed: int, random: Random
) -> None:
    """Labels differ by one at most, and the order of the rows is nothing to the seeds."""
    texts = {f"l{n}": many(f"l{n}", size) for n, size in enumerate(counts)}
    made = tasks(texts, count, instances, seed)
    needed: Counter[str] = Counter()
    used: Counter[str] = Counter()
    for number, one in enumerate(made):
        shares = Draw(instances, seed, "a").shares(list(texts), number)
        assert sum(shares.values()) == instances
        assert max(shares.values()) - min(shares.values()) <= 1
        shown = Counter(instance.output for instance in one.instances)
        assert (
            shown
            == Counter({n: min(share, len(texts[n])) for n, share in shares.items()}) - Counter()
        )
        assert len({instance.input for instance in one.instances}) == len(one.instances)
        assert all(instance.input in texts[instance.output] for instance in one.instances)
        used.update(instance.input for instance in one.instances)
        needed.update(shown)
    for name, those in texts.items():
        if needed[name] <= len(those):
            assert max((used[text] for text in those), default=0) <= 1
    for those in texts.values():
        random.shuffle(those)
    assert tasks(texts, count, instances, seed) == made


def test_another_seed_draws_other_texts() -> None:
    """The draw depends on the seed, the tasks on nothing else."""
    texts = {"a": many("a", 50), "b": many("b", 50)}
    assert tasks(texts) == tasks(texts)
    assert tasks(texts)[0].instances != tasks(texts, seed=1)[0].instances


def test_labels_are_not_in_blocks() -> None:
    """Instances of one label do not stand together, task after task."""
    made = tasks({"a": many("a", 50), "b": many("b", 50)})
    orders = {"".join(one.output for one in task.instances) for task in made}
    assert len(orders) > 5


def test_a_seed_too_long_for_its_line_is_refused() -> None:
    """Where so many texts do not fit on a line, the error says what to ask for."""
    texts = {name: [f"{name}{n}" + "x" * 8000 for n in range(100)] for name in "ab"}
    with pytest.raises(InputError, match="would be longer") as error:
        tasks(texts, 1, 200)
    assert "--instances" in error.value.hint
