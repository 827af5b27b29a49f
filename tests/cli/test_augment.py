"""`selfinstruct augment`: tasks said in other words, after a run or as the end of one."""

import json
from pathlib import Path

import pytest
from command import copied, files, grown, refused, run

from selfinstruct.storage import read_rows
from selfinstruct.task import Task


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a script and a finished run without augmentation."""
    base = tmp_path_factory.mktemp("base")
    grown(base, "--no-augment")
    return base


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to be augmented."""
    return copied(folder, tmp_path / "copy")


def rewording(folder: Path) -> str:
    """Write a script that says each task of a run in other words; return it as an engine."""
    lines = []
    for task in read_rows(folder / "run" / "pool.jsonl", Task):
        what, _, how = task.instruction.rstrip(".!?").partition(", ")
        text = f" Could you please, {how}, {what[0].lower()}{what[1:]}?"
        lines.append({"key": f"augment-*/paraphrase/{task.id}-0", "text": text})
    path = folder / "rewording.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return f"scripted:{path}"


def test_every_wording_is_kept_or_refused_with_a_reason(copy: Path) -> None:
    """Each task is asked about once by the default recipe; what came of it is on the disk."""
    engine = f"scripted:{copy / 'script.jsonl'}"
    done = run("augment", copy / "run", "--engine", engine)
    assert done.code == 0, done
    tasks = (copy / "run" / "pool.jsonl").read_text(encoding="utf-8").splitlines()
    new = (copy / "run" / "augmented.jsonl").read_text(encoding="utf-8").splitlines()
    gone = (copy / "run" / "augmented-rejected.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(new) + len(gone) == len(tasks)
    assert f"augmented: {len(new)} of {len(tasks)} wordings kept" in done.out
    assert all(json.loads(line)["rule"] for line in gone)


def test_a_run_can_be_augmented_now_or_later(folder: Path, copy: Path, tmp_path: Path) -> None:
    """`grow` and `grow --no-augment` followed by `augment` come to the same bytes."""
    grown(tmp_path)
    assert run("augment", copy / "run", "--engine", f"scripted:{copy / 'script.jsonl'}").code == 0
    once, twice = files(tmp_path / "run"), files(copy / "run")
    assert (folder / "run" / "augmented.jsonl").exists() is False
    for name in ("augmented.jsonl", "augmented-rejected.jsonl", "pool.jsonl"):
        assert once[name] == twice[name]


def test_augmenting_again_changes_nothing(copy: Path) -> None:
    """What is there is not asked for again."""
    engine = f"scripted:{copy / 'script.jsonl'}"
    assert run("augment", copy / "run", "--engine", engine).code == 0
    before = files(copy)
    assert run("augment", copy / "run", "--engine", engine).code == 0
    assert files(copy) == before


def test_a_run_says_what_it_is_not(tmp_path: Path) -> None:
    """What is no run folder is named, with the command that begins one."""
    refused(run("augment", tmp_path / "nowhere"), "nowhere", "selfinstruct grow")


def test_a_recipe_must_say_how(copy: Path) -> None:
    """A recipe without [augment] is refused."""
    given = ["--recipe", "self-instruct", "--engine", f"scripted:{copy / 'script.jsonl'}"]
    refused(run("augment", copy / "run", *given), "has no [augment]", "--recipe default")


def test_wordings_go_into_exports_with_their_parent(copy: Path) -> None:
    """A row of a wording names its one parent and its method, and shares the parent's answers."""
    engine = rewording(copy)
    assert run("augment", copy / "run", "--engine", engine, "--quiet").code == 0
    wordings = list(read_rows(copy / "run" / "augmented.jsonl", Task))
    assert wordings
    parents = {task.id: task for task in read_rows(copy / "run" / "pool.jsonl", Task)}
    for task in wordings:
        (parent,) = task.origin.parents
        assert task.instances == parents[parent].instances
        assert task.origin.method.startswith("paraphrase:")
    done = run("export", copy / "run", "--format", "flan", "--out", copy / "flan.jsonl")
    assert done.code == 0, done
    rows = [json.loads(line) for line in (copy / "flan.jsonl").read_text("utf-8").splitlines()]
    rows = [row for row in rows if row["task_source"] != "SelfInstruct-II"]
    assert len(rows) == sum(len(task.instances) for task in (*parents.values(), *wordings))
