"""Rows to seeds: what is known by name, what is faulty, what belongs together."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import InputError
from selfinstruct.importing.gather import Defaults, RowFault, Seeds, gather
from selfinstruct.importing.layout import Layout, find_layout, parse_columns
from selfinstruct.seeds import MAX_LINE, Fault, scan
from selfinstruct.tables import TableRow
from selfinstruct.task import Task, task_id

FILE = Path("data.jsonl")


def rows(*columns: Mapping[str, Any]) -> list[TableRow]:
    """Return rows of one file."""
    return [TableRow(file=FILE, number=n, columns=dict(one)) for n, one in enumerate(columns, 1)]


def gathered(
    *columns: Mapping[str, Any],
    named: Mapping[str, str] | None = None,
    defaults: Defaults | None = None,
    limit: int | None = None,
) -> tuple[list[dict[str, Any]], list[RowFault], Seeds]:
    """Return the seeds of rows as JSON, their faults, and what was counted."""
    seeds = Seeds(defaults or Defaults(), limit)
    found = list(gather(rows(*columns), named or {}, seeds, lambda *_: None))
    lines = [json.loads(line) for line in seeds.lines()]
    return lines, [one for one in found if one], seeds


TURNS = [("system", "Be brief."), ("user", "Name a river."), ("assistant", "Ob."), ("user", "And?")]

SHAPES: list[tuple[dict[str, Any], str]] = [
    ({"instruction": "Q", "input": "I", "output": "A"}, "alpaca (instruction, input, output)"),
    ({"output": "A", "instruction": "Q"}, "alpaca (instruction, output)"),
    (
        {"instruction": "Q", "context": "I", "response": "A"},
        "dolly (instruction, context, response)",
    ),
    ({"prompt": "Q", "completion": "A"}, "prompt-completion (prompt, completion)"),
    ({"question": "Q", "answer": "A"}, "question-answer (question, answer)"),
    ({"inputs": "Q", "targets": "A"}, "flan (inputs, targets)"),
    ({"prompt": "Q", "chosen": "A", "rejected": "B"}, "preference (prompt, chosen)"),
    (
        {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]},
        "messages (messages)",
    ),
    (
        {"conversations": '[{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]'},
        "sharegpt (conversations)",
    ),
    (
        {"instruction": "Q", "instances": [{"input": "I", "output": "A"}], "category": "c"},
        "pool (instruction, instances, category)",
    ),
    ({"instruction": "Q", "instances": '[{"output": "A"}]'}, "pool (instruction, instances)"),
]


@pytest.mark.parametrize(("columns", "says"), SHAPES, ids=range(len(SHAPES)))
def test_shapes_are_known_by_name(columns: dict[str, Any], says: str) -> None:
    """Each shape gives the same instruction and answer, and is told in a line."""
    (seed,), faults, _ = gathered(columns)
    assert (seed["instruction"], seed["instances"][0]["output"], faults) == ("Q", "A", [])
    assert seed["instances"][0]["input"] == ("I" if "I" in str(columns) else "")
    assert find_layout(rows(columns), {}).described() == says


def test_columns_can_be_named() -> None:
    """--columns says what holds what, and wins over what is known by name."""
    columns = {"Frage": "Q", "Antwort": 5, "instruction": "x", "output": "y", "Thema": "c"}
    named = parse_columns("instruction=Frage, output=Antwort,category=Thema")
    (seed,), _, _ = gathered(columns, named=named)
    assert (seed["instruction"], seed["instances"]) == ("Q", [{"input": "", "output": "5"}])
    assert seed["category"] == "c"
    says = "columns (instruction=Frage, output=Antwort, category=Thema)"
    assert find_layout(rows(columns), named).described() == says


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            "instuction=a,output=b",
            "unknown key in --columns 'instuction'; did you mean 'instruction'",
        ),
        ("instruction=a", "names no output"),
        ("output=a,input=b", "names no instruction"),
        ("instruction=a,instruction=b", "'instruction' is given twice"),
        ("instruction", "'instruction' names no column"),
        (",", "names no column"),
    ],
)
def test_wrong_columns_are_refused(given: str, says: str) -> None:
    """A misspelt key, half a pair and a key without a column are errors."""
    with pytest.raises(InputError) as error:
        parse_columns(given)
    assert says in str(error.value)


def test_a_column_that_is_not_there_is_named() -> None:
    """The error suggests the closest column of the file."""
    with pytest.raises(InputError, match="no column 'anser'; did you mean 'answer'"):
        gathered(
            {"question": "q", "answer": "a"}, named={"instruction": "question", "output": "anser"}
        )


@pytest.mark.parametrize(
    ("columns", "hint"),
    [({"instruction": "Q"}, "--columns"), ({"text": "Q", "label": 1}, "seeds from-dataset")],
)
def test_columns_without_answers_are_refused(columns: dict[str, Any], hint: str) -> None:
    """Where nothing says what a good answer is, the error says what would."""
    with pytest.raises(InputError, match="cannot tell which columns") as error:
        gathered(columns)
    assert hint in error.value.hint


def test_a_faulty_first_row_does_not_hide_the_shape() -> None:
    """The first row that has a known shape tells that of the file."""
    seeds, faults, _ = gathered({"instruction": "x"}, {"instruction": "Q", "output": "A"})
    assert [seed["instruction"] for seed in seeds] == ["Q"]
    assert [(fault.row, fault.message) for fault in faults] == [(1, "'output' is missing")]


def test_rows_of_one_instruction_are_one_seed() -> None:
    """Instances gather in order; one that is there is dropped and counted."""
    seeds, _, counted = gathered(
        {"instruction": "Add.", "input": "1 1", "output": "2"},
        {"instruction": "Sort.", "input": "b a", "output": "a b"},
        {"instruction": " Add. ", "input": "1 2", "output": "3"},
        {"instruction": "Add.", "input": "1 1", "output": "2"},
    )
    assert [seed["instruction"] for seed in seeds] == ["Add.", "Sort."]
    assert [one["output"] for one in seeds[0]["instances"]] == ["2", "3"]
    assert (counted.counts["duplicates"], counted.instances) == (1, 3)


def test_a_conversation_gives_its_first_exchange() -> None:
    """Turns in a row by one side are one; what follows and the system's turns are counted."""
    talk = [{"role": role, "content": text} for role, text in [*TURNS, ("assistant", "Don.")]]
    talk.insert(2, {"role": "user", "content": "Any."})
    (seed,), _, seeds = gathered({"messages": talk})
    assert seed["instruction"] == "Name a river.\nAny."
    assert seed["instances"] == [{"input": "", "output": "Ob."}]
    assert (seeds.counts["later"], seeds.counts["system"]) == (1, 1)


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (True, True),
        (1, True),
        ("Yes", True),
        (1.0, True),
        (False, False),
        ("0", False),
        (None, False),
        ("maybe", False),
    ],
)
def test_classification_is_what_the_column_says(value: object, *, truth: bool) -> None:
    """Whatever is like a truth is one; anything else is no, and counted."""
    (seed,), _, seeds = gathered({"instruction": "Q", "output": "A", "is_classification": value})
    assert seed["is_classification"] is truth
    assert seeds.counts["unclear"] == (value == "maybe")


def test_rows_win_over_defaults() -> None:
    """Language and category of a row are kept; others have what was said of all."""
    seeds, _, _ = gathered(
        {"instruction": "Q", "output": "A", "language": "zh", "category": None},
        {"instruction": "R", "output": "A", "language": "", "category": "c"},
        defaults=Defaults(classification=True, category="all", language="en"),
    )
    assert [(one["language"], one["category"]) for one in seeds] == [("zh", "all"), ("en", "c")]
    assert all(one["is_classification"] for one in seeds)


def test_an_id_is_used_once_and_rows_without_are_called_after_their_place() -> None:
    """A second seed of an id loses it, which is counted; a name says where a row stood."""
    seeds, _, counted = gathered(
        {"instruction": "Q", "output": "A", "id": 7},
        {"instruction": "R", "output": "A", "id": 7},
        {"instruction": "S", "output": "A", "name": "mine"},
    )
    assert [one.get("id") for one in seeds] == ["7", None, None]
    assert [one.get("name") for one in seeds] == [None, "data.jsonl:2", "mine"]
    assert counted.counts["ids"] == 1


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"instruction": "", "output": "A"}, "'instruction' is empty"),
    ({"instruction": " \t", "output": "A"}, "'instruction' is empty"),
    ({"instruction": None, "output": "A"}, "'instruction' is missing"),
    ({"instruction": 5, "output": "A"}, "'instruction' is a number; expected text"),
    ({"instruction": ["Q"], "output": "A"}, "'instruction' is a list; expected text"),
    ({"instruction": "Q", "output": {"a": 1}}, "'output' is an object; expected text"),
    ({"instruction": "Q", "output": float("nan")}, "'output' is a number"),
    ({"instruction": "Q", "output": "half \ud83d"}, "half a character"),
    ({"instruction": "Q", "input": "a\0", "output": "A"}, "'input' holds a NUL"),
    ({"instruction": "Q", "output": "x" * MAX_LINE}, "over-long"),
    ({"messages": []}, "'messages' is empty"),
    ({"messages": "hello"}, "after the user speaks nobody; expected assistant"),
    (
        {"messages": [{"role": "assistant", "content": "A"}]},
        "first speaks assistant; expected user",
    ),
    ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "holds more than text"),
    (
        {"messages": [{"role": "user", "content": "Q"}, {"role": "tool", "content": "A"}]},
        "speaks tool",
    ),
    (
        {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": None}]},
        "the answer' is empty",
    ),
    ({"instruction": "Q", "instances": []}, "'instances' is an empty list"),
    ({"instruction": "Q", "instances": "x"}, "'instances' is a text"),
    ({"instruction": "Q", "instances": ["x"]}, "instances[0] is a text"),
    ({"instruction": "Q", "instances": [{"input": "I"}]}, "instances[0].output' is missing"),
]


@pytest.mark.parametrize(("columns", "says"), FAULTS, ids=range(len(FAULTS)))
def test_faulty_rows_are_told_with_their_columns(columns: dict[str, Any], says: str) -> None:
    """What is no seed is a fault that names the row, and takes no other row with it."""
    good: dict[str, Any] = dict.fromkeys(columns, "Q") | {
        "output": "A",
        "instances": [{"output": "A"}],
    }
    if "messages" in columns:
        good = {
            "messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
        }
    elif "instances" not in columns:
        del good["instances"]
    seeds, faults, _ = gathered(columns, good)
    assert len(seeds) == 1
    (fault,) = faults
    assert (fault.file, fault.row) == (str(FILE), 1)
    assert says in fault.message
    assert repr(fault.columns) == repr(columns)  # NaN is not itself


def test_a_seed_never_outgrows_its_line() -> None:
    """Instances that no longer fit on the line of their seed are left out and counted."""
    many = [{"instruction": "Q", "input": str(n), "output": "x" * 400_000} for n in range(4)]
    (seed,), faults, counted = gathered(*many)
    assert (len(seed["instances"]), counted.counts["too many"], faults) == (2, 2, [])


def test_a_limit_is_of_seeds() -> None:
    """Reading stops at the row that would be one seed more."""
    columns = [{"instruction": q, "output": a} for q, a in ("a1", "b1", "a2", "c1", "a3")]
    seeds, _, counted = gathered(*columns, limit=2)
    assert [len(seed["instances"]) for seed in seeds] == [2, 1]
    assert counted.is_full


cells = st.one_of(strategies.texts, st.none(), st.integers(), st.booleans(), st.lists(st.text()))
tables = st.lists(
    st.fixed_dictionaries(
        {"instruction": cells, "output": cells}, optional={"input": cells, "id": cells}
    ),
    min_size=1,
    max_size=12,
)


@given(tables)
def test_what_is_written_passes_the_check(
    tmp_path_factory: pytest.TempPathFactory, columns: Sequence[dict[str, Any]]
) -> None:
    """Rows are good or faulty; the seeds of the good ones have no fault, and all their texts."""
    seeds = Seeds(Defaults())
    found = list(gather(rows(*columns), {}, seeds, lambda *_: None))
    good = [one for one, fault in zip(columns, found, strict=True) if fault is None]
    path = tmp_path_factory.getbasetemp() / "seeds.jsonl"
    path.write_bytes(b"".join(seeds.lines()))
    tasks = [one for one in scan(path, language="en") if isinstance(one, Task)]
    faults = [one for one in scan(path, language="en") if isinstance(one, Fault)]
    assert [fault.line for fault in faults] == ([] if good else [0])
    wanted = dict.fromkeys(task_id(one["instruction"]) for one in good)
    assert [task.id for task in tasks] == list(wanted)
    texts = {instance.output for task in tasks for instance in task.instances}
    assert {one["output"] for one in good if isinstance(one["output"], str)} <= texts


def test_a_layout_is_told_once_for_each_file() -> None:
    """What the columns were taken for is told with the file."""
    told: list[tuple[Path, Layout]] = []
    found = gather(
        rows(*[{"prompt": "Q", "completion": "A"}] * 3),
        {},
        Seeds(Defaults()),
        lambda *one: told.append(one),
    )
    assert list(found) == [None] * 3
    assert [(file, layout.shape.name) for file, layout in told] == [(FILE, "prompt-completion")]
