"""`selfinstruct prefer`, and the export of what it makes."""

import json
from pathlib import Path

import pytest
from command import copied, files, grown, refused, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a script and a finished run."""
    base = tmp_path_factory.mktemp("base")
    grown(base, "--no-augment", "--no-export")
    return base


@pytest.fixture
def engine(tmp_path: Path) -> str:
    """Return a scripted engine that answers half of the questions well."""
    lines = [
        {"key": "prefer-*/respond/*-0", "text": "I'm sorry, but as an AI I cannot do that."},
        {"key": "prefer-*/respond/*-1", "text": "Here is one more way to do it, in plain words."},
        {
            "key": "prefer-*/judge/*",
            "text": '{"valid_task":true,"input_fits":true,"output_correct":true,"score":4}',
        },
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return f"scripted:{path}"


def test_pairs_are_made_and_exported(folder: Path, engine: str, tmp_path: Path) -> None:
    """Each pair is a row with prompt, chosen and rejected, and what tells them apart."""
    copy = copied(folder, tmp_path / "copy") / "run"
    words = ("prefer", copy, "--engine", engine, "--responses", "2")
    result = run(*words)
    assert result.code == 0, result
    assert result.out.startswith("preferences: ")
    pairs = (copy / "preferences.jsonl").read_bytes().splitlines()
    assert f"preferences: {len(pairs)} pairs of " in result.out
    before = files(copy)
    assert run(*words).code == 0
    assert files(copy) == before
    done = run("export", copy, "--format", "preference", "--out", tmp_path / "out")
    assert done.code == 0, done
    path = tmp_path / "out" / "preference" / "train.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(rows) == len(pairs) > 5
    pool = (copy / "pool.jsonl").read_bytes().splitlines()
    tasks = {row["id"]: row for row in map(json.loads, pool)}
    for row in rows:
        task = tasks[row["source"]["task"]]
        assert row["prompt"].startswith(task["instruction"])
        assert row["prompt"].endswith("\n") or row["chosen"].startswith(" ")
        assert row["chosen"] != row["rejected"] == "I'm sorry, but as an AI I cannot do that."
        assert row["rejected_by"] == "refusal"
        assert row["chosen_score"] == 4
    info = json.loads((tmp_path / "out" / "dataset_info.json").read_bytes())
    assert info["selfinstruct_preference"]["ranking"] is True
    readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "DPOTrainer" in readme


def test_pairs_are_of_a_run(tmp_path: Path) -> None:
    """What is no run folder is named; rows of a file have no ranked responses."""
    refused(run("prefer", tmp_path / "no"), "is not a run folder", "selfinstruct grow")
    (tmp_path / "a.jsonl").write_text('{"instruction":"A","output":"B"}\n', encoding="utf-8")
    words = ("export", tmp_path / "a.jsonl", "--format", "preference", "--out", tmp_path / "x")
    refused(run(*words), "preference is for a run folder", "selfinstruct prefer")
