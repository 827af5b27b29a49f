"""`selfinstruct decontaminate`: what overlaps an evaluation set leaves the pool, with evidence."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import polars as pl
import pytest
from command import Result, copied, environment, files, grow_words, grown, refused, run, words
from filelock import FileLock

from selfinstruct.run import finished_rows, read_markers
from selfinstruct.run.markers import PENDING
from selfinstruct.run.remove import BUILDING
from selfinstruct.sift import Rejected
from selfinstruct.storage import read_rows
from selfinstruct.task import Task

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a script, a finished run and an evaluation set made from two tasks."""
    folder = tmp_path_factory.mktemp("base")
    first, *_, last = finished_rows(grown(folder), "pool", Task)
    output = max((each.instances[0].output for each in (first, last)), key=len)
    mostly = last.instruction.split()
    mostly[4::7] = ["perhaps"] * len(mostly[4::7])  # much alike, but never eight words in a row
    rows = [
        {"question": "What is the capital of a country that is no more?", "answer": "None."},
        {"question": "Go on with this.", "answer": f"Once more: {output}"},
        {"question": " ".join(mostly), "answer": "Yes."},
    ]
    (folder / "eval.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def copy(base: Path, tmp_path: Path) -> Path:
    """Return a copy of all that, to be changed."""
    return copied(base, tmp_path)


def move(folder: Path, *more: str | Path) -> list[str | Path]:
    """Return the words that move tasks; the evaluation set is short of 13 words in places."""
    given: list[str | Path] = ["--against", folder / "eval.jsonl", "--ngrams", "8"]
    return ["decontaminate", folder / "run", *given, *more]


def test_overlapping_tasks_are_moved_with_evidence(copy: Path) -> None:
    """What overlaps goes from the pool to the refusals; the summary says how many, and why."""
    before = list(finished_rows(copy / "run", "pool", Task))
    result = run(*move(copy))
    assert result.code == 0, result
    assert result.out == ""
    after = list(finished_rows(copy / "run", "pool", Task))
    rows = [r for r in finished_rows(copy / "run", "rejected", Rejected) if r.rule != "novelty"]
    moved = [row for row in rows if row.rule == "contaminated"]
    assert sorted(t.id for t in (*after, *(row.task for row in moved))) == sorted(
        t.id for t in before
    )
    by_rouge = sum(row.nearest is not None for row in moved)
    assert 0 < by_rouge < len(moved)
    assert result.err.startswith(
        "eval.jsonl: 3 rows, comparing question, answer of question-answer"
    )
    said = f"{len(before)} tasks checked, {len(moved)} moved to rejected.jsonl"
    assert f"{said} ({len(moved) - by_rouge} by n-grams, {by_rouge} by ROUGE-L)" in result.err
    for row in moved[:5]:
        assert f"{row.task.id}  {row.detail}\n" in result.err
        assert re.search(r"eval\.jsonl:[23]\b", row.detail)
        assert row.stage == "decontaminate"
    for name in ("flan", "alpaca"):
        assert f"selfinstruct export {copy / 'run'} --format {name}\n" in result.err
    assert run("export", copy / "run", "--format", "flan").code == 0
    exported = (copy / "run" / "export" / "flan" / "train.jsonl").read_text(encoding="utf-8")
    assert not any(row.task.id in exported for row in moved)
    assert all(task.id in exported for task in after)


def test_moved_tasks_are_shown(copy: Path) -> None:
    """`show` counts them, lists them by reason, and shows one by its id."""
    assert run(*move(copy, "--quiet")) == (0, "", "")
    count = sum(one.rejected.get("contaminated", 0) for one in read_markers(copy / "run"))
    shown = run("show", copy / "run", "--rejected", "contaminated").out
    assert re.search(rf"^ +{count}  contaminated$", shown, re.MULTILINE)
    assert "decontaminate: contaminated: ROUGE-L " in shown
    assert "nearest:     eval.jsonl:3 (" in shown
    assert f"contaminated {count}" in run("show", copy / "run").out


def test_second_time_changes_nothing(copy: Path) -> None:
    """The same command again finds nothing, and every file keeps its bytes."""
    run(*move(copy))
    before = files(copy)
    result = run(*move(copy))
    assert result.code == 0
    assert " 0 moved to rejected.jsonl" in result.err
    assert "export" not in result.err
    assert files(copy) == before


def test_dry_run_lists_and_changes_nothing(copy: Path) -> None:
    """A dry run prints a line for each task that a real one moves; no byte changes."""
    before = files(copy)
    result = run(*move(copy, "--dry-run"))
    assert files(copy) == before
    assert f"{len(result.out.splitlines())} would be moved (" in result.err
    assert run(*move(copy, "--dry-run", "--quiet")) == (0, result.out, "")
    run(*move(copy))
    rows = finished_rows(copy / "run", "rejected", Rejected)
    moved = [f"{row.task.id}  {row.detail}" for row in rows if row.rule == "contaminated"]
    assert sorted(result.out.splitlines()) == sorted(moved)


def test_either_comparison_can_be_switched_off(copy: Path) -> None:
    """--ngrams 0 leaves ROUGE-L, --max-similarity 1 leaves n-grams; both leave nothing."""
    everything = run(*move(copy, "--dry-run", "--quiet")).out
    rouge = run(*move(copy, "--dry-run", "--quiet", "--ngrams", "0")).out
    words_only = run(*move(copy, "--dry-run", "--quiet", "--max-similarity", "1")).out
    assert "words in a row" not in rouge
    assert "ROUGE-L" not in words_only
    assert set(words_only.splitlines()) < set(everything.splitlines())
    assert set(rouge.splitlines()) < set(everything.splitlines())
    off = ["--ngrams", "0", "--max-similarity", "1"]
    refused(run(*move(copy, *off)), "compares nothing", "--ngrams")


def test_evaluation_sets_of_any_form(copy: Path) -> None:
    """JSONL, CSV and Parquet give the same; several may follow --against, or one each."""
    table = pl.read_ndjson(copy / "eval.jsonl")
    table.write_csv(copy / "b.csv")
    table.write_parquet(copy / "c.parquet")
    dry = ["--dry-run", "--quiet", "--ngrams", "8"]
    found = run(*move(copy, *dry)).out
    found_in_csv = run("decontaminate", copy / "run", "--against", copy / "b.csv", *dry).out
    found_in_parquet = run("decontaminate", copy / "run", "--against", copy / "c.parquet", *dry).out
    assert found_in_parquet == found.replace("eval.jsonl:", "c.parquet:")
    lines = {"2": "3", "3": "4"}  # after the header
    as_csv = re.sub(r"eval\.jsonl:(\d)", lambda hit: f"b.csv:{lines[hit[1]]}", found)
    assert found_in_csv == as_csv
    more: list[str | Path] = [copy / "b.csv", "--against", copy / "c.parquet"]
    result = run(*move(copy, "--dry-run", *more))
    assert result.out == found
    assert [line.split(":")[0] for line in result.err.splitlines()[:3]] == [
        "eval.jsonl",
        "c.parquet",
        "b.csv",
    ]


def test_columns_choose_what_is_compared(copy: Path) -> None:
    """With --columns only these columns count, by words and by ROUGE-L."""
    (copy / "eval.jsonl").write_text(
        (copy / "eval.jsonl").read_text().replace("question", "a").replace("answer", "b")
    )
    refused(run(*move(copy)), "eval.jsonl:1: cannot tell which columns", "--columns a,b")
    only = run(*move(copy, "--columns", "a", "--dry-run"))
    assert "eval.jsonl: 3 rows, comparing a\n" in only.err
    assert "eval.jsonl:2" not in only.out
    assert "eval.jsonl:3" in only.out
    assert "eval.jsonl:2" in run(*move(copy, "--columns", "b", "--dry-run")).out
    refused(run(*move(copy, "--columns", "c")), "there is no column 'c'")
    refused(run(*move(copy, "--columns", " ,")), "--columns names no column")


def test_seeds_that_overlap_are_said(copy: Path) -> None:
    """Seeds are frozen: those that overlap stay, with a warning."""
    seed = next(read_rows(copy / "run" / "seeds.jsonl", Task))
    (copy / "eval.jsonl").write_text(json.dumps({"text": seed.instruction}) + "\n")
    before = files(copy)
    result = run(*move(copy))
    assert result.code == 0
    assert "warning: 1 seed task overlaps too" in result.err
    assert files(copy) == before


def test_what_cannot_be_used_is_refused(copy: Path) -> None:
    """No run, no file, a name without a form, a file given twice: one line, and nothing changes."""
    before = files(copy)
    nowhere = copy / "nowhere"
    refused(run("decontaminate", copy / "run"), "missing option '--against'")
    refused(run("decontaminate", nowhere, "--against", "x.jsonl"), "is not a run folder")
    assert not nowhere.exists()
    refused(run(*move(copy, "--against", nowhere)), "the name does not say what the file holds")
    refused(run(*move(copy, "--against", copy / "no.csv")), "cannot read", "no.csv")
    refused(run(*move(copy, copy / "eval.jsonl")), "eval.jsonl is given twice")
    refused(run(*move(copy, "--max-similarity", "2")), "--max-similarity is 2.0")
    refused(run(*move(copy, "--ngrams", "-1")), "-1 is not in the range")
    assert files(copy) == before


def test_run_in_use_is_refused(copy: Path) -> None:
    """While another process grows the run nothing is moved; a dry run only reads."""
    with FileLock(copy / "run" / ".lock"):
        refused(run(*move(copy)), "is in use by another process")
        assert run(*move(copy, "--dry-run")).code == 0


def test_run_grows_on_from_the_smaller_pool(copy: Path) -> None:
    """`grow` plays on after a move, never shows what was moved, and leaves earlier rounds be."""
    run(*move(copy))
    before = files(copy / "run")
    moved = {
        row.task.id
        for row in finished_rows(copy / "run", "rejected", Rejected)
        if row.rule == "contaminated"
    }
    result = run(*grow_words(copy, "--rounds", "4"))
    assert result.code == 0, result
    after = files(copy / "run")
    for name in ("pool.jsonl", "rejected.jsonl"):
        assert after[name].startswith(before[name])
    assert all(after[f"rounds/000{n}.json"] == before[f"rounds/000{n}.json"] for n in (1, 2))
    late = [t for t in finished_rows(copy / "run", "pool", Task) if t.origin.round > 2]
    assert late
    assert not any(moved & set(task.origin.parents) for task in late)


def test_readers_say_how_to_finish_a_move(copy: Path) -> None:
    """In the middle of a move `show` and `export` refuse; the same command finishes it."""
    (copy / "run" / PENDING).mkdir()
    again = "give the same `selfinstruct decontaminate` command again"
    refused(run("show", copy / "run"), "tasks are being moved out of", again)
    refused(run("export", copy / "run", "--format", "flan"), again)
    assert run(*move(copy)).code == 0
    assert run("show", copy / "run").code == 0


def test_killed_command_ends_with_the_same_bytes(
    copy: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Killed at random events and given again, then grown on: all as if nobody had killed it."""
    clean = tmp_path_factory.mktemp("clean")
    subprocess.run(["cp", "-r", f"{copy}/.", clean], check=True)
    arguments = [str(word) for word in move(copy)]
    same = [str(word) for word in move(clean)]

    def killed(at: int, given: list[str]) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(TESTS / "killed.py"), str(at), *given]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment()
        )

    events = int(killed(0, same).stderr.split()[-1])
    random = Random(7)
    kills = 0
    for _ in range(12):
        # The move is the last thing that happens: most kills should fall into it.
        result = killed(random.randint(events * 3 // 4, events), arguments)
        kills += result.returncode == -signal.SIGKILL
    assert kills
    assert run(*move(copy)).code == 0
    for folder in (copy, clean):
        assert run(*grow_words(folder, "--rounds", "3")).code == 0
    assert files(copy / "run") == files(clean / "run")


def test_full_disk_changes_nothing(copy: Path) -> None:
    """A file system that takes no more bytes is an error; the run stays, and no draft is left."""
    before = files(copy)
    command = ["bash", "-c", 'ulimit -f 2; exec "$@"', "bash", *words(*move(copy))]
    done = subprocess.run(
        command, capture_output=True, check=False, env=environment({"PYTHONDONTWRITEBYTECODE": "1"})
    )
    refused(Result(done.returncode, "", done.stderr.decode()), "cannot write", "File too large")
    assert files(copy) == before
    assert not (copy / "run" / BUILDING).exists()
