"""`selfinstruct export`: every text as it is in the pool, in the fields that trainers read."""

import gzip
import importlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from command import grown, refused, run

from selfinstruct.storage import read_rows
from selfinstruct.tables.base import PACKED
from selfinstruct.task import Instance, Task

SOURCE = {
    *("task", "kind", "round", "parents", "prompt", "seed"),
    *("model", "revision", "licence", "language"),
    "method",
    "category",
    "difficulty",
    "score",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run that was not exported."""
    folder = tmp_path_factory.mktemp("base")
    return grown(folder, "--rounds", "4", "--prompts-per-round", "32", "--no-export")


def exported(folder: Path, target: Path, name: str, *more: str) -> list[dict[str, Any]]:
    """Export a run and return the rows, as a reader of JSONL sees them."""
    result = run("export", folder, "--format", name, "--out", target, *more)
    assert result.code == 0, result
    with target.open(encoding="utf-8", newline="\n") as lines:
        rows = [json.loads(line) for line in lines]
    assert result.err.startswith(f"wrote {target} ({len(rows)} rows)\n")
    return rows


def tasks_of(folder: Path, *names: str) -> list[tuple[Task, Instance, str]]:
    """Return every instance of some files of a run, with its task and the id of its row."""
    return [
        (task, instance, f"{task.id}-{number}")
        for name in names
        for task in read_rows(folder / name, Task)
        for number, instance in enumerate(task.instances)
    ]


@pytest.mark.parametrize("more", [[], ["--with-seeds"]])
def test_alpaca_rows_are_the_pool(more: list[str], folder: Path, tmp_path: Path) -> None:
    """An alpaca row holds instruction, input and output of an instance, byte for byte, in order."""
    rows = exported(folder, tmp_path / "alpaca.jsonl", "alpaca", *more)
    names = ["seeds.jsonl", "pool.jsonl"] if more else ["pool.jsonl"]
    expected = tasks_of(folder, *names)
    assert len(rows) == len(expected) > 30
    for row, (task, instance, name) in zip(rows, expected, strict=True):
        assert list(row) == ["instruction", "input", "output", "id", "source"]
        assert row["instruction"] == task.instruction
        assert (row["input"], row["output"]) == (instance.input, instance.output)
        assert row["id"] == name
        assert set(row["source"]) == SOURCE
        assert row["source"]["task"] == task.id
        assert row["source"]["kind"] == task.origin.kind


def test_flan_rows_hold_the_texts_of_their_task(folder: Path, tmp_path: Path) -> None:
    """Every instance has one Flan row, in order, with its texts; inverted rows come beside it."""
    rows = exported(folder, tmp_path / "flan.jsonl", "flan")
    forward = [row for row in rows if row["task_source"] != "SelfInstruct-II"]
    for row, (task, instance, name) in zip(forward, tasks_of(folder, "pool.jsonl"), strict=True):
        assert task.instruction in row["inputs"]
        assert instance.input.strip() in row["inputs"]
        assert row["targets"] == instance.output or row["options"]
        assert (row["row_id"], row["task_name"]) == (name, task.id)
        assert set(row["source"]) == SOURCE
    assert len({row["template_id"] for row in rows}) > 10
    assert len(rows) > len(forward)
    assert len({(row["row_id"], row["template_id"]) for row in rows}) == len(rows)


def test_texts_with_braces_and_every_script_survive(folder: Path, tmp_path: Path) -> None:
    """Braces, Chinese, emoji, newlines and bidirectional marks come through unchanged."""
    alpaca = exported(folder, tmp_path / "alpaca.jsonl", "alpaca")
    flan_rows = exported(folder, tmp_path / "flan.jsonl", "flan")
    outputs = {row["output"] for row in alpaca}
    assert outputs.issuperset(
        row["targets"]
        for row in flan_rows
        if row["task_source"] == "SelfInstruct" and not row["options"]
    )
    for part in ("{'twice': number * 2}", "\u4f60\u597d, \U0001f680", "neighbour,\n\n", "\u202e"):
        assert any(part in text for text in outputs), part
    assert any("{keep the braces}" in row["inputs"] for row in flan_rows)


def test_seeds_come_first_and_say_so(folder: Path, tmp_path: Path) -> None:
    """With seeds, their rows precede the grown ones and name the line of the seed file."""
    rows = exported(folder, tmp_path / "flan.jsonl", "flan", "--with-seeds")
    kinds = [row["source"]["kind"] for row in rows]
    assert kinds == sorted(kinds, key=["seed", "generated"].index)
    assert rows[0]["source"]["seed"].startswith("en.jsonl#")
    assert rows[0]["source"]["licence"] == "Apache-2.0"
    without = exported(folder, tmp_path / "flan.jsonl", "flan")
    assert rows[-len(without) :] == without


def test_two_exports_are_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """An export depends on the run alone; by default it lies in the run folder."""
    for name in ("flan", "alpaca", "messages", "prompt_completion", "raw"):
        assert run("export", folder, "--format", name).code == 0
        default = folder / "export" / name / "train.jsonl"
        exported(folder, tmp_path / "again.jsonl", name)
        assert default.read_bytes() == (tmp_path / "again.jsonl").read_bytes()


def folder_rows(folder: Path, pattern: str) -> list[dict[str, Any]]:
    """Return the rows of all files of a pattern, in order."""
    return [
        json.loads(line)
        for path in sorted(folder.glob(pattern))
        for line in path.read_text(encoding="utf-8").split("\n")[:-1]
    ]


ALL = "flan,alpaca,messages,prompt_completion,raw"


@pytest.fixture(scope="module")
def whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with every format of a run, split."""
    out = tmp_path_factory.mktemp("export") / "all"
    words = ("--split", "validation=0.2,test=0.2", "--with-seeds")
    result = run("export", folder, "--format", ALL, "--out", out, *words)
    assert result.code == 0, result
    return out


def test_a_folder_has_a_folder_for_each_format(whole: Path) -> None:
    """Every format has its splits, and beside them is what describes them."""
    names = {path.name for path in whole.iterdir()}
    assert names == {*ALL.split(","), "README.md", "dataset_info.json", "manifest.json"}
    for name in ALL.split(","):
        found = sorted(path.name for path in (whole / name).iterdir())
        assert found == ["test.jsonl", "train.jsonl", "validation.jsonl"]


def test_no_split_shares_a_task_in_any_format(whole: Path) -> None:
    """A task is in one split, with its wordings and templates: the same one in all formats."""
    places: dict[str, set[str]] = {}
    for name in ALL.split(","):
        for split in ("train", "validation", "test"):
            for row in folder_rows(whole / name, f"{split}.jsonl"):
                task = row["id"] if name == "raw" else row["source"]["task"]
                places.setdefault(task, set()).add(split)
    assert all(len(found) == 1 for found in places.values())
    assert {split for found in places.values() for split in found} == {
        "train",
        "validation",
        "test",
    }


def test_shards_have_the_size_that_was_asked_for(folder: Path, tmp_path: Path) -> None:
    """Files are cut at a size, named with their number, and hold the rows of one file in order."""
    words = ("--format", "alpaca", "--out", tmp_path / "out", "--shard-size", "5kB")
    assert run("export", folder, *words).code == 0
    paths = sorted((tmp_path / "out" / "alpaca").iterdir())
    assert len(paths) > 2
    assert paths[0].name == f"train-00000-of-{len(paths):05d}.jsonl"
    assert all(path.stat().st_size <= 5000 for path in paths)
    rows = exported(folder, tmp_path / "one.jsonl", "alpaca")
    assert folder_rows(tmp_path / "out" / "alpaca", "*.jsonl") == rows


def test_an_export_replaces_the_files_of_an_earlier_one(folder: Path, tmp_path: Path) -> None:
    """No file of an earlier export stays beside those of a later one."""
    words = ("--format", "alpaca", "--out", tmp_path / "out")
    assert run("export", folder, *words, "--shard-size", "5kB").code == 0
    assert run("export", folder, *words).code == 0
    assert [path.name for path in (tmp_path / "out" / "alpaca").iterdir()] == ["train.jsonl"]
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_an_export_that_was_killed_is_made_good(folder: Path, tmp_path: Path) -> None:
    """What a kill left between two renamings is put back, also where the next export fails."""
    words = ("export", folder, "--format", "alpaca", "--out", tmp_path / "out")
    assert run(*words).code == 0
    whole = (tmp_path / "out" / "alpaca" / "train.jsonl").read_bytes()
    (tmp_path / "out" / "alpaca").rename(tmp_path / "out" / ".alpaca.old")
    (tmp_path / "out" / ".alpaca.new").mkdir()
    (tmp_path / "out" / ".alpaca.new" / "train-00000.jsonl").write_bytes(b"half")
    refused(run(*words, env={"PYTHONPATH": str(failing(tmp_path))}), "cannot write")
    assert (tmp_path / "out" / "alpaca" / "train.jsonl").read_bytes() == whole
    assert run(*words).code == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"alpaca", "README.md", "dataset_info.json", "manifest.json"}


def failing(folder: Path) -> Path:
    """Return a folder that makes a process run out of disk when files are written whole."""
    place = folder / "failing"
    place.mkdir()
    text = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    text += "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
    (place / "sitecustomize.py").write_text(text, encoding="utf-8")
    return place


def test_a_folder_with_other_files_is_left_alone(folder: Path, tmp_path: Path) -> None:
    """A folder that holds what no export wrote is not replaced."""
    (tmp_path / "alpaca").mkdir()
    (tmp_path / "alpaca" / "notes.txt").write_text("mine", encoding="utf-8")
    result = run("export", folder, "--format", "alpaca", "--out", tmp_path)
    refused(result, "notes.txt", "move it away")
    assert (tmp_path / "alpaca" / "notes.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ALL.split(","))
@pytest.mark.parametrize("form", ["jsonl.gz", "jsonl.zst", "parquet"])
def test_every_form_holds_the_same_rows(name: str, form: str, folder: Path, tmp_path: Path) -> None:
    """Packed files and Parquet have the rows of JSONL, value by value, and the same bytes again."""
    expected = exported(folder, tmp_path / "plain.jsonl", name)
    for out in ("one", "two"):
        words = ("--format", name, "--out", tmp_path / out, "--form", form)
        assert run("export", folder, *words).code == 0
    data = (tmp_path / "one" / name / f"train.{form}").read_bytes()
    assert data == (tmp_path / "two" / name / f"train.{form}").read_bytes()
    if form == "parquet":
        assert pl.read_parquet(tmp_path / "one" / name / "train.parquet").to_dicts() == expected
        return
    unpack = gzip if form == "jsonl.gz" else importlib.import_module(PACKED[".zst"])
    text = unpack.decompress(data)
    assert text == (tmp_path / "plain.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--format", "flan,alpaca", "--out", "x.jsonl"], ["2 formats and one file", "a folder"]),
        (["--format", "flan", "--out", "x.jsonl", "--split", "test=0.1"], ["--split and one file"]),
        (["--format", "flan", "--split", "tset=0.1"], ["expected validation"]),
        (["--format", "flan", "--split", "test=much"], ["no number"]),
        (["--format", "flan", "--split", "test=1.5"], ["above 0 and below 1"]),
        (["--format", "flan", "--split", "test=0.5,validation=0.5"], ["nothing is left"]),
        (["--format", "flan", "--split", "train=0.5"], ["train is what the others leave"]),
        (["--format", "flan", "--form", "jsonl.g"], ["did you mean 'jsonl.gz'"]),
        (["--format", "flan", "--shard-size", "ten"], ["no size", "10MB"]),
        (["--format", "flan", "--mixture", "no.toml"], ["cannot read no.toml"]),
        (["--format", "flan", "--templates", "no"], ["no such folder"]),
        (["--format", "messages", "--system-prompts", "no.txt"], ["cannot read no.txt", "varied"]),
        (["--format", "preference"], ["no preferences yet", "selfinstruct prefer"]),
        (["--format", ","], ["no export format is named"]),
        (["--format", "flan", "--licence", "MIT"], ["are for files"]),
    ],
)
def test_what_does_not_fit_is_refused(
    words: list[str], parts: list[str], folder: Path, tmp_path: Path
) -> None:
    """Options that make no sense, or not together, are refused by name; nothing is written."""
    before = sorted(path for path in folder.rglob("*"))
    refused(run("export", folder, *words, cwd=tmp_path), *parts)
    assert sorted(path for path in folder.rglob("*")) == before
    assert not list(tmp_path.iterdir())


FOUND = """\
{"instruction":"Say hello.","input":"","output":"Hello!"}
{"instruction":"Sort these words.","input":"pear, fig","output":"fig, pear"}
{"instruction":"Say nothing.","input":"","output":""}
{"instruction":"Say hello.","input":"","output":"Hi {there}."}
"""


def test_rows_of_any_dataset_are_exported(tmp_path: Path) -> None:
    """A file of rows is exported as a run is; rows without an answer are left out, and counted."""
    (tmp_path / "data.jsonl").write_text(FOUND, encoding="utf-8")
    words = ("export", tmp_path / "data.jsonl", "--format", "flan,messages", "--licence", "MIT")
    result = run(*words, "--out", tmp_path / "out")
    assert result.code == 0, result
    assert "left out, nothing asked or answered: 1" in result.err
    rows = folder_rows(tmp_path / "out" / "messages", "train.jsonl")
    assert [row["messages"] for row in rows] == [
        [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
        for asked, said in [
            ("Say hello.", "Hello!"),
            ("Sort these words.\n\npear, fig", "fig, pear"),
            ("Say hello.", "Hi {there}."),
        ]
    ]
    assert {row["source"]["licence"] for row in rows} == {"MIT"}
    assert rows[1]["source"]["seed"] == "data.jsonl#2"
    assert len({row["id"] for row in rows}) == 3
    assert rows[0]["source"]["task"] == rows[2]["source"]["task"]


def test_columns_can_be_named(tmp_path: Path) -> None:
    """Columns of any name are taken for what they are said to hold; unknown ones are refused."""
    (tmp_path / "data.csv").write_text(
        "q,a,kind,lang\n2+2?,4,sums,\n几点了?,三点。,time,zh\n", "utf-8"
    )
    words = ("export", tmp_path / "data.csv", "--format", "alpaca", "--out", tmp_path / "out.jsonl")
    result = run(*words, "--columns", "instruction=q,output=a,category=kind,language=lang")
    assert result.code == 0, result
    rows = folder_rows(tmp_path, "out.jsonl")
    assert [(row["instruction"], row["output"]) for row in rows] == [
        ("2+2?", "4"),
        ("几点了?", "三点。"),
    ]
    assert [row["source"]["category"] for row in rows] == ["sums", "time"]
    assert [row["source"]["language"] for row in rows] == ["en", "zh"]
    refused(run(*words, "--columns", "instruction=q,output=aa"), "did you mean 'a'")


def test_rows_keep_ids_and_templates_when_a_file_is_sorted(tmp_path: Path) -> None:
    """What a row is given follows from its texts, wherever in a file it stands."""
    lines = [
        json.dumps({"instruction": f"Name river {n}.", "input": "", "output": f"It is {n}."})
        for n in range(60)
    ]
    rows = []
    for name, order in (("a", lines), ("b", lines[::-1])):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(order), encoding="utf-8")
        words = ("export", tmp_path / f"{name}.jsonl", "--format", "flan", "--out", tmp_path / name)
        assert run(*words, "--split", "test=0.3").code == 0
        found = [
            {**{k: v for k, v in row.items() if k != "source"}, "split": split}
            for split in ("train", "test")
            for row in folder_rows(tmp_path / name / "flan", f"{split}.jsonl")
        ]
        rows.append(sorted(found, key=lambda row: (row["row_id"], row["template_id"])))
    assert rows[0] == rows[1]


def test_a_column_of_dates_is_named(tmp_path: Path) -> None:
    """Where a text column of a file holds dates alone, the command says who would misread it."""
    lines = [f'{{"instruction":"When?","input":"{n}","output":"2024-01-0{n}"}}' for n in (1, 2, 3)]
    (tmp_path / "data.jsonl").write_text("\n".join(lines), encoding="utf-8")
    words = ("export", tmp_path / "data.jsonl", "--format", "alpaca", "--quiet", "--out")
    result = run(*words, tmp_path / "out")
    assert "train.jsonl: output: nothing but dates" in result.err
    assert "--form parquet" in result.err
    assert run(*words, tmp_path / "out.parquet").err == ""
