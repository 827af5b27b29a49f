"""Shapes: which columns hold instruction, input and output, and what a row says in all."""

from typing import Any

import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import InputError
from selfinstruct.tables.shapes import SHAPES, Triple, chosen, recognise

TURNS = [("system", "Be brief."), ("user", "Name a river."), ("assistant", "Ob.")]

CASES: list[tuple[str, dict[str, Any], list[Triple], str]] = [
    (
        "alpaca",
        {"instruction": "Sort.", "input": "b a", "output": "a b", "id": 7},
        [Triple("Sort.", "b a", "a b")],
        "Sort.\nb a\na b",
    ),
    (
        "alpaca",
        {"output": "Hi.", "instruction": "Greet.", "input": None},
        [Triple("Greet.", "", "Hi.")],
        "Greet.\nHi.",
    ),
    (
        "pool",
        {
            "instruction": "Add.",
            "instances": [{"input": "1 1", "output": "2"}, {"input": "", "output": "3"}],
        },
        [Triple("Add.", "1 1", "2"), Triple("Add.", "", "3")],
        "Add.\n1 1\n2\n3",
    ),
    (
        "dolly",
        {"instruction": "Who?", "context": "Ann.", "response": "Ann", "category": "qa"},
        [Triple("Who?", "Ann.", "Ann")],
        "Who?\nAnn.\nAnn",
    ),
    (
        "messages",
        {"messages": [{"role": role, "content": text} for role, text in TURNS]},
        [Triple("Name a river.", "", "Ob.")],
        "Name a river.\nOb.",
    ),
    (
        "messages",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "A?"}]}]},
        [],
        "A?",
    ),
    (
        "messages",
        {"messages": '[{"role": "user", "content": "A?"}, {"role": "assistant", "content": "B"}]'},
        [Triple("A?", "", "B")],
        "A?\nB",
    ),
    (
        "sharegpt",
        {
            "conversations": [
                {"from": "human", "value": "A?"},
                {"from": "gpt", "value": "B."},
                {"from": "human", "value": "C?"},
                {"from": "gpt", "value": "D."},
                {"from": "gpt", "value": "E."},
            ]
        },
        [Triple("A?", "", "B."), Triple("C?", "", "D.\nE.")],
        "A?\nB.\nC?\nD.\nE.",
    ),
    (
        "prompt-completion",
        {"prompt": "1+1=", "completion": 2},
        [Triple("1+1=", "", "2")],
        "1+1=\n2",
    ),
    (
        "prompt-completion",
        {
            "prompt": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}],
            "completion": [{"role": "assistant", "content": "A"}],
        },
        [Triple("Q", "", "A")],
        "Q\nA",
    ),
    ("flan", {"inputs": "Q", "targets": "A"}, [Triple("Q", "", "A")], "Q\nA"),
    ("question-answer", {"question": "Q", "answer": "A"}, [Triple("Q", "", "A")], "Q\nA"),
    (
        "preference",
        {"prompt": "Q", "chosen": "good", "rejected": "bad"},
        [Triple("Q", "", "good")],
        "Q\ngood\nbad",
    ),
    ("preference", {"chosen": "good", "rejected": "bad"}, [Triple("good", "", "")], "good\nbad"),
    ("instruction", {"instruction": "Sort."}, [Triple("Sort.", "", "")], "Sort."),
    ("text", {"text": "All of it.", "meta": {}}, [Triple("All of it.", "", "")], "All of it."),
]


@pytest.mark.parametrize(("name", "columns", "triples", "text"), CASES)
def test_shapes_are_recognised_and_read(
    name: str, columns: dict[str, Any], triples: list[Triple], text: str
) -> None:
    """Each known shape gives its examples, its instruction, and all that a row says."""
    shape = recognise(columns)
    assert shape.name == name
    assert shape.triples(columns) == triples
    assert shape.row_text(columns) == text
    assert shape.instruction_text(columns) == text.split("\n", maxsplit=1)[0]


def test_every_shape_has_a_case() -> None:
    """No shape goes untested, but those that differ from another in a name alone."""
    tested = {name for name, *_ in CASES}
    assert {shape.name for shape in SHAPES} - tested == {"prompt-response", "question-response"}


def test_unknown_columns_are_listed() -> None:
    """The error lists what was found, and how to name columns."""
    with pytest.raises(InputError, match=r"a\.csv:2: .* there are: 'id', 'body'") as error:
        recognise({"id": 1, "body": "x"}, "a.csv:2")
    assert "--columns" in error.value.hint
    assert "instruction + output" in error.value.hint
    with pytest.raises(InputError, match="there are: none"):
        recognise({})


def test_named_columns_are_joined() -> None:
    """Columns that somebody chose are compared in the order named, as text or as JSON."""
    columns = {"a": "x", "b": None, "c": [1, "é"], "d": 1.5}
    shape = chosen(["d", "b", "c", "a"], columns)
    assert shape.row_text(columns) == '1.5\n[1,"é"]\nx'
    assert shape.instruction_text(columns) == shape.row_text(columns)


def test_a_misspelt_column_suggests_the_closest() -> None:
    """A column that is not there is an error that names the one that was meant."""
    with pytest.raises(InputError, match="no column 'promt'; did you mean 'prompt'") as error:
        chosen(["promt"], {"prompt": "x", "id": 1})
    assert "'prompt', 'id'" in error.value.hint


anything: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.integers(), st.floats(), strategies.any_text, st.just("[")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(("role", "content", "from", "value", "text", "input", "output")),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


@given(st.sampled_from(SHAPES), st.data())
def test_any_values_are_read(shape: Any, data: st.DataObject) -> None:  # noqa: ANN401
    """Whatever the columns hold, a shape reads text from them, without an exception."""
    names = [*shape.columns, shape.input, *shape.more]
    columns = {name: data.draw(anything) for name in names if name}
    assert isinstance(shape.row_text(columns), str)
    assert isinstance(shape.instruction_text(columns), str)
    assert all(isinstance(text, str) for triple in shape.triples(columns) for text in triple)
    assert shape.row_text({}) == shape.instruction_text({}) == ""
