"""`selfinstruct export`: every text as it is in the pool, in the fields that trainers read."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from command import grown, run
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.export.base import Row, Source
from selfinstruct.export.flan import Template, fill, flan, load_templates
from selfinstruct.storage import read_rows
from selfinstruct.task import Instance, Origin, Task, new_task

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
    assert result.err == f"wrote {target} ({len(rows)} rows)\n"
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


def test_flan_rows_are_filled_templates(folder: Path, tmp_path: Path) -> None:
    """A Flan row is a shipped template filled with the texts as they are; the target is bare."""
    rows = exported(folder, tmp_path / "flan.jsonl", "flan")
    families = load_templates()
    for row, (task, instance, name) in zip(rows, tasks_of(folder, "pool.jsonl"), strict=True):
        family = families.with_input if instance.input else families.without_input
        template = next(one for one in family if one.id == row["template_id"])
        parts = re.split(r"(\{instruction\}|\{input\})", template.inputs)
        texts = {"{instruction}": task.instruction, "{input}": instance.input}
        assert row["inputs"] == "".join(texts.get(part, part) for part in parts)
        assert row["targets"] == instance.output
        assert row["row_id"] == name
        assert row["task_name"] == task.id
        assert (row["task_source"], row["template_type"]) == ("SelfInstruct", "zs_noopt")
        assert set(row["source"]) == SOURCE
    assert len({row["template_id"] for row in rows}) > 10


def test_texts_with_braces_and_every_script_survive(folder: Path, tmp_path: Path) -> None:
    """Braces, Chinese, emoji, newlines and bidirectional marks come through unchanged."""
    alpaca = exported(folder, tmp_path / "alpaca.jsonl", "alpaca")
    flan_rows = exported(folder, tmp_path / "flan.jsonl", "flan")
    outputs = {row["output"] for row in alpaca}
    assert outputs == {row["targets"] for row in flan_rows}
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
    for name in ("flan", "alpaca"):
        assert run("export", folder, "--format", name).code == 0
        default = folder / "export" / f"{name}.jsonl"
        exported(folder, tmp_path / "again.jsonl", name)
        assert default.read_bytes() == (tmp_path / "again.jsonl").read_bytes()


def families() -> dict[str, tuple[Template, ...]]:
    """Return the shipped templates by family."""
    return msgspec.structs.asdict(load_templates())


@pytest.mark.parametrize("family", ["with_input", "without_input"])
def test_families_have_enough_different_templates(family: str) -> None:
    """Each family has at least ten wordings, with ids and texts of their own, and whole holes."""
    templates = families()[family]
    assert len(templates) >= 10
    assert len({one.id for one in templates}) == len({one.inputs for one in templates})
    assert len({one.id for one in templates}) == len(templates)
    for one in templates:
        assert one.inputs.count("{instruction}") == 1
        assert one.inputs.count("{input}") == (family == "with_input")
        assert not re.search(r"[{}]", re.sub(r"\{(instruction|input)\}", "", one.inputs))


def test_no_template_id_is_in_both_families() -> None:
    """A template id names one wording."""
    with_input, without = families()["with_input"], families()["without_input"]
    assert not {one.id for one in with_input} & {one.id for one in without}


LABEL = re.compile(r"(?i)\b(input|text|material|context|passage)\b[^\n]*:\s*(?=\n|$)")


@pytest.mark.parametrize("given_input", ["", " ", "\n"])
def test_no_label_dangles_where_there_is_no_input(given_input: str) -> None:
    """A row without input never speaks of one."""
    for number in range(300):
        line = flan(row(f"Name river {number}.", given_input, "The Po.", number))
        assert line.template_id in {one.id for one in families()["without_input"]}
        assert not LABEL.search(line.inputs), line.inputs
        assert given_input in ("", " ", "\n")


def row(instruction: str, given_input: str, output: str, number: int = 0) -> Row:
    """Return a row of one instance."""
    instance = Instance(input=given_input, output=output)
    task = new_task(
        instruction, origin=Origin(kind="generated"), language="en", instances=(instance,)
    )
    source = Source(task.id, "generated", 1, (), "", "", "", "", "", "en", "", "", 0.0, 0.0)
    return Row(f"{task.id}-{number}", task, instance, source)


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(texts, texts, texts)
def test_template_depends_on_the_row_id_alone(one: str, two: str, three: str) -> None:
    """A row keeps its template whatever else is in the set, and whatever its texts say."""
    first = row(one, "x", two)
    other = msgspec.structs.replace(first, instance=Instance(input="y", output=three))
    assert flan(first).template_id == flan(other).template_id
    renamed = msgspec.structs.replace(row(three, "z", two), id=first.id)
    assert flan(first).template_id == flan(renamed).template_id


@given(st.text(), st.text())
def test_texts_are_never_read_as_templates(instruction: str, given_input: str) -> None:
    """Holes in the texts stay text, in every template."""
    for family in families().values():
        for template in family:
            for a, b in ((instruction, given_input), ("{input}{instruction}", "{instruction}{}")):
                parts = re.split(r"(\{instruction\}|\{input\})", template.inputs)
                values = {"{instruction}": a, "{input}": b}
                assert fill(template.inputs, a, b) == "".join(values.get(p, p) for p in parts)
