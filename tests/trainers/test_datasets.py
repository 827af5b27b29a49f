"""The library datasets, under most trainers: every row of every export, with its types."""

from pathlib import Path
from typing import Any

import pytest
from command import run

from trainers.exports import ALL, DATES, HOSTILE, export, in_order, mended, write_file, written

pytestmark = [
    pytest.mark.datasets,
    pytest.mark.filterwarnings("default"),  # what the library deprecates is not ours to mend
]

SOURCES = ["from_run", "from_hostile"]
TEXT, WHOLE, MEASURE = "string", "int64", "float64"
TYPES: dict[str, dict[str, object]] = {
    "flan": {
        "inputs": TEXT,
        "targets": TEXT,
        "task_source": TEXT,
        "task_name": TEXT,
        "template_type": TEXT,
        "template_id": TEXT,
        "template_idx": WHOLE,
        "row_id": TEXT,
        "num_exemplars": WHOLE,
        "options": TEXT,
    },
    "alpaca": {"instruction": TEXT, "input": TEXT, "output": TEXT, "id": TEXT},
    "messages": {"messages": [{"role": TEXT, "content": TEXT}], "id": TEXT},
    "prompt_completion": {"prompt": TEXT, "completion": TEXT, "row_id": TEXT},
    "preference": {"prompt": TEXT, "chosen": TEXT, "rejected": TEXT, "id": TEXT},
    "raw": {
        "id": TEXT,
        "instruction": TEXT,
        "instances": [{"input": TEXT, "output": TEXT}],
        "is_classification": "bool",
        "language": TEXT,
        "category": TEXT,
        "origin": TEXT,
    },
}
"""The columns that a format has at least, and how each is to be read."""


def loaded(folder: Path, name: str, **more: Any) -> Any:  # noqa: ANN401 (has no types)
    """Return a format of an export as the library reads it, by the README of its folder."""
    datasets = pytest.importorskip("datasets", reason="needs make test-trl")
    return datasets.load_dataset(str(folder), name, **more)


def plain(kind: Any) -> Any:  # noqa: ANN401
    """Return the type of a column in plain words: a name, a list of one, or a dict."""
    if isinstance(kind, dict):
        return {name: plain(inner) for name, inner in kind.items()}
    return [plain(kind.feature)] if hasattr(kind, "feature") else kind.dtype


def outputs(name: str, row: dict[str, Any]) -> list[str]:
    """Return the outputs that a row of a format holds."""
    if name == "raw":
        return [instance["output"] for instance in row["instances"]]
    if name == "messages":
        return [row["messages"][-1]["content"]]
    column = {"flan": "targets", "alpaca": "output", "prompt_completion": "completion"}[name]
    return [row[column]]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", ALL)
def test_every_value_is_read_as_it_is(
    name: str, source: str, request: pytest.FixtureRequest
) -> None:
    """The rows are those of the file, value by value; streamed too."""
    folder = request.getfixturevalue(source)
    expected = written(folder, name)
    assert len(expected) > 15
    assert list(loaded(folder, name, split="train")) == expected
    assert list(loaded(folder, name, split="train", streaming=True)) == expected


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", ALL)
def test_every_column_has_its_type(name: str, source: str, request: pytest.FixtureRequest) -> None:
    """Texts are strings, counts are integers, and what a row comes from is a flat record."""
    features = loaded(request.getfixturevalue(source), name, split="train").features
    found = {column: plain(kind) for column, kind in features.items()}
    assert {column: found.get(column) for column in TYPES[name]} == TYPES[name]
    rest = {column: kind for column, kind in found.items() if column not in TYPES[name]}
    scalars = [
        kind
        for value in rest.values()
        for kind in (value.values() if isinstance(value, dict) else [value])
    ]
    assert set(map(str, scalars)) <= {TEXT, WHOLE, MEASURE, "bool"}, rest


@pytest.mark.parametrize("name", ALL)
def test_what_went_in_comes_out(name: str, from_hostile: Path) -> None:
    """Each output of the source is read as it was, but for what is no character in UTF-8.

    In wordings of Flan some rows ask for the input instead; those stand between the others.
    """
    rows = loaded(from_hostile, name, split="train")
    found = [text.removeprefix(" ") for row in rows for text in outputs(name, row)]
    expected = [mended(output) for _, _, output in HOSTILE]
    assert in_order(expected, found)
    assert name in ("flan", "prompt_completion") or found == expected


@pytest.mark.parametrize("name", ALL)
def test_every_split_is_read(name: str, run_folder: Path, from_run: Path, tmp_path: Path) -> None:
    """Splits and files of a split are found by their names; together they hold every task once."""
    more = ("--split", "validation=0.2,test=0.2", "--shard-size", "10kB")
    folder = export(run_folder, tmp_path / "export", name, more=more)
    assert len(list((folder / name).glob("train-*.jsonl"))) > 1
    splits = loaded(folder, name)
    assert list(splits) == ["train", "validation", "test"]
    for split, rows in splits.items():
        assert list(rows) == written(folder, name, split)
        assert len(rows) > 1
    key = {"flan": "row_id", "prompt_completion": "row_id"}.get(name, "id")
    whole = sorted(row[key] for row in written(from_run, name))
    assert sorted(row[key] for rows in splits.values() for row in rows) == whole


@pytest.mark.parametrize("name", ALL)
def test_parquet_is_read_alike(name: str, from_hostile: Path, in_parquet: Path) -> None:
    """A Parquet export has the same columns and values; strings and lists may be of large kinds."""
    lines, typed = (loaded(one, name, split="train") for one in (from_hostile, in_parquet))
    assert list(typed) == list(lines)
    kinds = str(typed.features).replace("large_string", TEXT).replace("LargeList", "List")
    assert kinds == str(lines.features)


def test_dates_are_text_in_parquet(tmp_path: Path) -> None:
    """Where all outputs look like dates, the library reads JSON as times, and Parquet as text."""
    source = write_file(tmp_path / "dates.jsonl", DATES)
    result = run("export", source, "--format", "alpaca", "--out", tmp_path / "lines")
    assert result.code == 0, result
    assert "train.jsonl: output: " in result.err
    assert "--form parquet" in result.err
    assert plain(loaded(tmp_path / "lines", "alpaca", split="train").features["output"]) != TEXT
    folder = export(source, tmp_path / "typed", "alpaca", more=("--form", "parquet"))
    found = loaded(folder, "alpaca", split="train")["output"]
    assert list(found) == [output for _, _, output in DATES]


def test_an_export_in_the_place_of_another_is_read(tmp_path: Path) -> None:
    """The library keeps what it has read; rows that were exported anew are read anew."""
    for size in (3, 4):
        for texts in (HOSTILE[:size], HOSTILE[1 : size + 1]):
            source = write_file(tmp_path / "rows.jsonl", texts)
            folder = export(source, tmp_path / "export", "alpaca")
            found = loaded(folder, "alpaca", split="train")["output"]
            assert list(found) == [output for _, _, output in texts]


def test_pairs_are_read_as_they_are(with_pairs: Path) -> None:
    """Preferences are three texts a row, as in the file."""
    rows = loaded(with_pairs, "preference", split="train")
    assert list(rows) == written(with_pairs, "preference")
    found = {column: plain(kind) for column, kind in rows.features.items()}
    assert {column: found.get(column) for column in TYPES["preference"]} == TYPES["preference"]
