"""`selfinstruct show`: counts, samples, refusals and origins, safe to print."""

import re
import unicodedata
from pathlib import Path

import pytest
from command import grown, run
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.run import read_markers
from selfinstruct.sift import Rejected
from selfinstruct.storage import append_rows, read_rows
from selfinstruct.task import Task
from selfinstruct.visible import visible


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run."""
    return grown(tmp_path_factory.mktemp("base"), "--rounds", "4", "--prompts-per-round", "32")


def test_counts_are_those_of_the_files(folder: Path) -> None:
    """The head says model, recipe, seeds, and how many tasks there are."""
    pool = list(read_rows(folder / "pool.jsonl", Task))
    shown = run("show", folder)
    assert shown.code == 0
    assert shown.err == ""
    assert re.search(r"^model: +scripted$", shown.out, re.MULTILINE)
    assert re.search(r"^recipe: +default$", shown.out, re.MULTILINE)
    assert re.search(r"^seeds: +en.jsonl$", shown.out, re.MULTILINE)
    classes = sum(bool(task.is_classification) for task in pool)
    proposed = sum(marker.proposed for marker in read_markers(folder))
    assert f"{len(pool)} grown ({classes} classification" in shown.out
    assert f"{proposed} proposed in 4 rounds" in shown.out


def test_samples_are_drawn_by_seed(folder: Path) -> None:
    """The same seed shows the same tasks; another shows others; --samples says how many."""
    first = run("show", folder, "--samples", "3").out
    assert first.count("\n--- ") == 3
    assert run("show", folder, "--samples", "3").out == first
    assert run("show", folder, "--samples", "3", "--seed", "1").out != first
    assert "\n--- " not in run("show", folder, "--samples", "0").out


def test_more_samples_than_tasks_show_all(folder: Path) -> None:
    """Asking for too many is no fault."""
    pool = list(read_rows(folder / "pool.jsonl", Task))
    assert run("show", folder, "--samples", "9999").out.count("\n--- ") == len(pool)


def test_rejects_are_counted_and_shown_by_reason(folder: Path) -> None:
    """--rejected lists how often each reason refused, and shows tasks of the one asked for."""
    rows = list(read_rows(folder / "rejected.jsonl", Rejected))
    shown = run("show", folder, "--rejected", "novelty", "--samples", "2").out
    novel = sum(row.rule == "novelty" for row in rows)
    assert re.search(rf"^ +{novel}  novelty$", shown, re.MULTILINE)
    assert shown.count("propose: novelty: ROUGE-L ") == shown.count("nearest: ") == 2
    everything = run("show", folder, "--rejected", "all", "--samples", "9999").out
    assert everything.count("\n--- ") == len(rows)


def test_one_task_is_shown_whole_with_its_origin(folder: Path) -> None:
    """--task finds a grown task, a seed, or a refused one by its id."""
    task = next(read_rows(folder / "pool.jsonl", Task))
    shown = run("show", folder, "--task", task.id).out
    assert task.instruction in shown
    assert task.origin.prompt in shown
    assert all(parent in shown for parent in task.origin.parents)
    seed = next(read_rows(folder / "seeds.jsonl", Task))
    shown = run("show", folder, "--task", seed.id).out
    assert seed.instances[0].output.splitlines()[-1] in shown
    assert "en.jsonl#" in shown
    known = {task.id for task in read_rows(folder / "pool.jsonl", Task)}
    rows = read_rows(folder / "rejected.jsonl", Rejected)
    refused = next(row for row in rows if row.task.id not in known)
    shown = run("show", folder, "--task", refused.task.id).out
    assert f"rejected:    {refused.stage}: {refused.rule}" in shown


def test_control_characters_are_escaped(folder: Path) -> None:
    """What a model wrote cannot move the cursor, clear the screen or turn the text around."""
    pool = (folder / "pool.jsonl").read_text(encoding="utf-8")
    refused = (folder / "rejected.jsonl").read_text(encoding="utf-8")
    assert "\\u001b" in refused
    assert "\u202e" in pool
    out = run("show", folder, "--samples", "9999").out
    out += run("show", folder, "--rejected", "all", "--samples", "9999").out
    assert "\\u001b[2J" in out
    assert "\\u202e" in out
    for char in set(out) - {"\n", "\t"}:
        assert unicodedata.category(char)[0] != "C", hex(ord(char))


@given(st.text())
def test_visible_text_holds_no_control_character(text: str) -> None:
    """Whatever a text holds, only newlines and tabs are left of its control characters."""
    shown = visible(text)
    assert all(char in "\n\t" or unicodedata.category(char)[0] != "C" for char in shown)
    if all(unicodedata.category(char)[0] != "C" for char in text):
        assert shown == text


def test_rows_of_an_unfinished_round_are_not_shown(folder: Path, tmp_path: Path) -> None:
    """A round exists when its marker does: rows that were written before it are not counted."""
    for name in ("run.toml", "pool.jsonl", "rejected.jsonl", "seeds.jsonl"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "rounds").mkdir()
    for path in sorted((folder / "rounds").iterdir())[:2]:
        (tmp_path / "rounds" / path.name).write_bytes(path.read_bytes())
    append_rows(tmp_path / "pool.jsonl", list(read_rows(folder / "pool.jsonl", Task)))
    accepted = [marker.accepted for marker in read_markers(folder)]
    assert f"{sum(accepted[:2])} grown" in run("show", tmp_path).out
    shown = run("export", tmp_path, "--format", "alpaca").err
    assert shown.endswith(f"({sum(accepted[:2])} rows)\n")


def test_run_without_tasks_is_shown(tmp_path: Path) -> None:
    """A run of no rounds has a table of no rounds."""
    shown = run("show", grown(tmp_path, "--rounds", "0"))
    assert shown.code == 0
    assert "0 grown" in shown.out
