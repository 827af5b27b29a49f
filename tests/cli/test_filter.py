"""`selfinstruct filter`: a recipe on a run or on files, what it keeps, and what changed."""

import json
import re
from pathlib import Path

import pytest
from command import copied, files, grow_words, grown, refused, run

from selfinstruct.run import read_markers

GOOD = {"instruction": "Name a river that flows through Peru.", "input": "", "output": "The Tigre."}
LOOP = {**GOOD, "instruction": "Describe the sea.", "output": "and on and on we go " * 30}
SORRY = {
    **GOOD,
    "instruction": "Write a haiku about a kettle.",
    "output": "I'm sorry, but as an AI language model I cannot write poems.",
}
AGAIN = {**GOOD, "instruction": "Name a river that flows through Peru!"}
STRICTER = 'extends = "default"\n[[rule]]\nkind = "word_count"\nfield = "instruction"\nmax = 9\n'


def written(path: Path, *rows: dict[str, str]) -> Path:
    """Write rows as JSONL; return the path."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file with one good row, three bad ones, and the first once more."""
    return written(tmp_path / "rows.jsonl", GOOD, LOOP, SORRY, GOOD, AGAIN)


# --- Files ------------------------------------------------------------------------------------


def test_rows_are_kept_as_they_are(path: Path, tmp_path: Path) -> None:
    """Rows that pass are copied byte for byte; every other is in --rejected, with its reason."""
    kept, gone = tmp_path / "kept.jsonl", tmp_path / "gone.jsonl"
    done = run("filter", path, "--out", kept, "--rejected", gone)
    assert done.code == 0, done
    assert kept.read_text(encoding="utf-8") == json.dumps(GOOD) + "\n"
    rows = [json.loads(line) for line in gone.read_text(encoding="utf-8").splitlines()]
    assert [row["row"] for row in rows] == [2, 3, 4, 5]
    assert [row["columns"] for row in rows] == [LOOP, SORRY, GOOD, AGAIN]
    assert rows[1]["rule"] in {"refusal", "self_talk"}
    assert rows[2]["nearest"] == {"file": str(path), "row": 1, "score": 1.0}
    assert "default: 1 of 5 rows kept, 4 refused" in done.out


def test_nothing_is_written_without_names(path: Path) -> None:
    """Without --out and --rejected the rows are counted, and that is all."""
    before = files(path.parent)
    assert run("filter", path).code == 0
    assert files(path.parent) == before


def test_novelty_can_be_left_out(path: Path) -> None:
    """With --no-novelty rows that are alike stay."""
    assert "3 of 5 rows kept" in run("filter", path, "--no-novelty").out


def test_samples_name_file_and_row(path: Path) -> None:
    """--samples shows refusals of each reason, with the line that they stand on."""
    shown = run("filter", path, "--samples", "1").out
    assert f"{path}:2: " in shown
    assert shown.count(f"{path}:") == len(re.findall(r"^ +\d+  \w+$", shown, re.MULTILINE))


def test_a_conversation_is_judged_by_each_exchange(tmp_path: Path) -> None:
    """A row with a bad answer anywhere goes whole."""
    talk = [
        {"role": "user", "content": GOOD["instruction"]},
        {"role": "assistant", "content": GOOD["output"]},
        {"role": "user", "content": LOOP["instruction"]},
        {"role": "assistant", "content": LOOP["output"]},
    ]
    path = tmp_path / "talks.jsonl"
    path.write_text(
        json.dumps({"messages": talk[:2]}) + "\n" + json.dumps({"messages": talk}) + "\n",
        encoding="utf-8",
    )
    assert "1 of 2 rows kept" in run("filter", path, "--no-novelty").out


def test_files_are_never_overwritten_by_what_is_read(path: Path) -> None:
    """--out may not be the file itself."""
    before = path.read_bytes()
    refused(run("filter", path, "--out", path), "would be lost")
    assert path.read_bytes() == before


def test_a_bad_row_is_named_by_file_and_line(path: Path, tmp_path: Path) -> None:
    """What is no row is an error with its place, and no file is begun."""
    path.write_bytes(path.read_bytes() + b"{not json\n")
    refused(run("filter", path, "--out", tmp_path / "kept.jsonl"), f"{path}:6")
    assert not (tmp_path / "kept.jsonl").exists()


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--recipe", "defualt"], "default"),
        (["--engine", "scripted:x.jsonl"], "--engine is for a run folder"),
        (["--format", "xml"], "xml"),
    ],
)
def test_wrong_words_are_refused(more: list[str], part: str, path: Path) -> None:
    """Unknown names suggest the closest, and options of runs are none of files."""
    refused(run("filter", path, *more), part)


# --- Runs -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a script and a finished run; tests do not change it."""
    base = tmp_path_factory.mktemp("base")
    grown(base, "--no-augment")
    return base


def test_its_own_recipe_changes_nothing(folder: Path, tmp_path: Path) -> None:
    """A run judged anew by its own recipe has the same bytes, and no task another fate."""
    done = run("filter", folder / "run", "--recipe", "default", "--out", tmp_path / "new")
    assert done.code == 0, done
    assert "no task has another fate" in done.out
    before, after = files(folder / "run"), files(tmp_path / "new")
    assert after.pop("changes.jsonl") == b""
    for name in ("pool.jsonl", "rejected.jsonl", "seeds.jsonl"):
        assert after[name] == before[name]


def test_another_recipe_says_what_changed(folder: Path, tmp_path: Path) -> None:
    """changes.jsonl has every task with another fate, and the new run goes on as any does."""
    recipe = tmp_path / "stricter.toml"
    recipe.write_text(STRICTER, encoding="utf-8")
    new = tmp_path / "new"
    done = run("filter", folder / "run", "--recipe", recipe, "--out", new, "--samples", "1")
    assert done.code == 0, done
    lines = (new / "changes.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    lost = [one for one in found if one["before"] == "kept" and one["after"] == "word_count"]
    assert lost
    assert f"{len(lost):8}  kept -> word_count" in done.out
    kept = sum(marker.accepted for marker in read_markers(new))
    assert re.search(rf"^stricter: {kept} of \d+ tasks kept$", done.out, re.MULTILINE), done.out
    assert run("show", new).code == 0
    assert run("export", new, "--format", "alpaca", "--no-augmented").code == 0


def test_a_run_is_only_looked_at_without_out(folder: Path) -> None:
    """Without --out the changes are told, and no file is written or changed."""
    before = files(folder)
    assert run("filter", folder / "run", "--recipe", "strict").code == 0
    assert files(folder) == before


def test_its_model_answers_what_passes_now(tmp_path: Path, folder: Path) -> None:
    """With --engine tasks that were refused before they were answered are answered now."""
    base = copied(folder, tmp_path / "copy")
    script = f"scripted:{base / 'script.jsonl'}"
    bare = base / "bare.toml"
    bare.write_text(
        'extends = "default"\nwithout = ["not_a_task", "word_count", "unfinished"]\n', "utf-8"
    )
    silent = run("filter", base / "run", "--recipe", bare, "--out", base / "silent")
    asked = run(
        "filter", base / "run", "--recipe", bare, "--out", base / "asked", "--engine", script
    )
    assert (silent.code, asked.code) == (0, 0)
    assert "-> unanswered" in silent.out
    assert "-> unanswered" not in asked.out


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--no-novelty"], "are for files"),
        (["--recipe", "zh"], "the run is in 'en'"),
        (["--out", "."], "is not empty"),
    ],
)
def test_wrong_words_for_a_run_are_refused(more: list[str], part: str, folder: Path) -> None:
    """Options of files are none of runs, and a recipe is for the run's language."""
    refused(run("filter", folder / "run", *more, cwd=folder), part)


def test_the_run_itself_is_no_place_to_write(folder: Path) -> None:
    """--out must be a new folder."""
    refused(run("filter", folder / "run", "--out", folder / "run"), "is the run itself")


def test_another_model_may_not_answer(folder: Path, tmp_path: Path) -> None:
    """What a run's model wrote is not mixed with what another writes."""
    words = grow_words(folder)
    engine = words[words.index("--engine") + 1]
    told = (folder / "run" / "run.toml").read_text(encoding="utf-8")
    copy = copied(folder, tmp_path) / "run"
    (copy / "run.toml").write_text(
        told.replace('model = "scripted"', 'model = "other"'), encoding="utf-8"
    )
    refused(run("filter", copy, "--engine", engine), "was grown by other, not scripted")
