"""The folder of a release: whole, repeatable, and what its checksums say."""

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from command import files, grown

from publish.made import made, plain, refusal, settings, task
from selfinstruct.errors import InputError, RunError
from selfinstruct.publish.release import ReleaseSettings, build
from selfinstruct.run import Run

PLAIN = ReleaseSettings()


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of the scripted engine with some hundred tasks, and with wordings of them."""
    more = ("--rounds", "3", "--prompts-per-round", "30", "--no-export")
    return grown(tmp_path_factory.mktemp("release"), *more)


def rows_of(path: Path) -> list[dict[str, object]]:
    """Return the rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_same_run_gives_the_same_bytes(run_folder: Path, tmp_path: Path) -> None:
    """A second release elsewhere, and one over the first, have the bytes of the first."""
    shares = ReleaseSettings(repo="me/kitchen", tag="v1", shares={"test": 0.2})
    build(run_folder, tmp_path / "one", shares)
    first = files(tmp_path / "one")
    build(run_folder, tmp_path / "deep" / "two", shares)
    assert files(tmp_path / "deep" / "two") == first
    build(run_folder, tmp_path / "one", shares)
    assert files(tmp_path / "one") == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "one"]


def test_the_run_stays_as_it_was(run_folder: Path, tmp_path: Path) -> None:
    """Publishing writes nothing into a run."""
    before = files(run_folder)
    build(run_folder, tmp_path / "release", PLAIN)
    assert files(run_folder) == before


def test_checksums_are_those_of_all_files(run_folder: Path, tmp_path: Path) -> None:
    """`sha256sum -c` agrees, and no file but SHA256SUMS is missing in it."""
    release = build(run_folder, tmp_path / "release", PLAIN)
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=release.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    listed = [line.removesuffix(": OK") for line in done.stdout.splitlines()]
    assert listed == sorted(set(files(release.folder)) - {"SHA256SUMS"})
    assert listed == [one.path for one in release.files]
    sizes = {name: len(data) for name, data in files(release.folder).items()}
    assert all(one.size == sizes[one.path] for one in release.files)


def test_rows_are_those_of_the_export(run_folder: Path, tmp_path: Path) -> None:
    """What is counted is what is in the files; rejects are all that was refused."""
    release = build(run_folder, tmp_path / "release", ReleaseSettings(shares={"test": 0.3}))
    for name, splits in release.rows.items():
        for split, count in splits.items():
            assert len(rows_of(release.folder / "data" / name / f"{split}.jsonl")) == count
    refused = [
        row
        for name in ("rejected", "augmented-rejected")
        for row in rows_of(run_folder / f"{name}.jsonl")
    ]
    found = rows_of(release.folder / "data" / "rejects" / "train.jsonl")
    assert Counter(row["rule"] for row in found) == Counter(row["rule"] for row in refused)


def test_no_file_of_rows_is_large(run_folder: Path, tmp_path: Path) -> None:
    """Rows are cut into files of the size that was asked for."""
    release = build(run_folder, tmp_path / "release", ReleaseSettings(shard_size=5000))
    data = [one for one in release.files if one.path.startswith("data/")]
    longest = max(
        len(line) for one in data for line in (release.folder / one.path).read_bytes().split(b"\n")
    )
    assert len(data) > 10
    assert all(one.size <= max(5000, longest + 1) for one in data)


def test_a_small_run_has_no_splits(tmp_path: Path) -> None:
    """A twentieth of few tasks says nothing: all are for training, and the card says so."""
    release = build(made(tmp_path, plain(199)), tmp_path / "release", PLAIN)
    assert set(release.rows["flan"]) == {"train"}
    assert "199 tasks, fewer than 200" in release.notes[0]
    assert release.notes[0] in (release.folder / "README.md").read_text(encoding="utf-8")
    larger = build(made(tmp_path / "more", plain(200)), tmp_path / "larger", PLAIN)
    assert set(larger.rows["flan"]) == {"train", "validation", "test"}


def test_a_run_that_refused_nothing_has_no_rejects(tmp_path: Path) -> None:
    """A configuration without rows is left out everywhere, and that is said."""
    release = build(made(tmp_path, plain(3)), tmp_path / "release", PLAIN)
    assert "rejects" not in release.rows
    assert "no row for the configuration rejects: left out" in release.notes
    text = (release.folder / "README.md").read_text(encoding="utf-8")
    assert "config_name: rejects" not in text
    assert "Nothing was refused." in text
    assert not (release.folder / "data" / "rejects").exists()
    assert not (release.folder / "images" / "rejects.svg").exists()


def test_what_must_not_be_passed_on_is_withheld(tmp_path: Path) -> None:
    """Texts with personal data, or of evaluation sets, are not among the rejects; others are."""
    refused = [
        refusal(task("Mail jo@real.person."), "personal_data", "an address: jo@real.person"),
        refusal(task("From a test set."), "contaminated", "8 words in a row: from a test set"),
        refusal(task("Too like another."), "novelty", nearest=plain(1)[0].id),
    ]
    release = build(made(tmp_path, plain(3), refused), tmp_path / "release", PLAIN)
    path = release.folder / "data" / "rejects" / "train.jsonl"
    rows = rows_of(path)
    assert [row["withheld"] for row in rows] == [True, True, False]
    assert [row["rule"] for row in rows] == ["personal_data", "contaminated", "novelty"]
    assert rows[2]["nearest_instruction"] == plain(1)[0].instruction
    for one in release.files:
        data = (release.folder / one.path).read_text(encoding="utf-8")
        assert "real.person" not in data
        assert "test set" not in data or not one.path.startswith("data/"), one.path


def test_a_run_without_tasks_is_refused(tmp_path: Path) -> None:
    """Neither a run without rounds nor one that kept nothing makes a release."""
    with Run(tmp_path / "run", settings(tmp_path), version="0.1.0"):
        pass
    nothing = made(tmp_path / "kept", [], [refusal(task("No."), "novelty")])
    for run in (tmp_path / "run", nothing):
        with pytest.raises(InputError, match="no grown tasks"):
            build(run, tmp_path / "release", PLAIN)
    with pytest.raises(InputError, match="not a run folder"):
        build(tmp_path, tmp_path / "release", PLAIN)
    assert not (tmp_path / "release").exists()
    assert not list(tmp_path.glob(".release*"))


def test_a_mixture_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    """The default configuration has rows, or there is no release."""
    tasks = [msgspec.structs.replace(one, category="x") for one in plain(3)]
    mixture = tmp_path / "mixture.toml"
    mixture.write_text("[categories]\nx = { rate = 0.0 }\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"no row of .* is left"):
        build(made(tmp_path, tasks), tmp_path / "release", ReleaseSettings(mixture=mixture))


@pytest.mark.parametrize("place", ["notes.txt", "data/flan/mine.jsonl", "data/.keep"])
def test_files_of_others_are_not_replaced(place: str, tmp_path: Path) -> None:
    """A folder that holds anything but a release stays as it is, and the file is named."""
    run = made(tmp_path, plain(3))
    folder = build(run, tmp_path / "release", PLAIN).folder
    (folder / place).write_text("mine", encoding="utf-8")
    before = files(folder)
    with pytest.raises(InputError, match=place):
        build(run, folder, PLAIN)
    assert files(folder) == before
    with pytest.raises(InputError, match="holds what no release wrote"):
        build(run, run, PLAIN)
    with pytest.raises(InputError, match="is a file"):
        build(run, folder / place, PLAIN)


def test_a_damaged_run_leaves_the_old_release(tmp_path: Path) -> None:
    """What cannot be finished changes nothing."""
    run = made(tmp_path, plain(3))
    folder = build(run, tmp_path / "release", PLAIN).folder
    before = files(folder)
    (run / "rejected.jsonl").write_text("no row\n", encoding="utf-8")
    (run / "augmented.jsonl").write_text("no row\n", encoding="utf-8")
    with pytest.raises(RunError, match="not a row"):
        build(run, folder, PLAIN)
    assert files(folder) == before
    assert not list(tmp_path.glob(".release*"))


@pytest.mark.parametrize("repo", ["kitchen", "me/", "/x", "a/b/c", "me/k itchen", 'me/"x', "../x"])
def test_a_repository_has_an_owner_and_a_name(repo: str, tmp_path: Path) -> None:
    """A name that no Hub takes is refused before anything is written."""
    with pytest.raises(InputError, match="no repository"):
        build(tmp_path, tmp_path / "release", ReleaseSettings(repo=repo))
    with pytest.raises(InputError, match="no tag"):
        build(tmp_path, tmp_path / "release", ReleaseSettings(tag="v 1"))


def test_trainers_find_every_split(run_folder: Path, tmp_path: Path) -> None:
    """dataset_info.json names splits of the repository, or the files of a folder."""
    shares = {"test": 0.3}
    there = build(run_folder, tmp_path / "a", ReleaseSettings(repo="me/x", shares=shares))
    found = json.loads((there.folder / "dataset_info.json").read_bytes())
    assert {(one["subset"], one["split"]) for one in found.values()} == {
        (name, split)
        for name, splits in there.rows.items()
        for split in splits
        if name not in ("raw", "rejects")
    }
    assert {one["hf_hub_url"] for one in found.values()} == {"me/x"}
    here = build(run_folder, tmp_path / "b", ReleaseSettings(shares=shares, shard_size=5000))
    found = json.loads((here.folder / "dataset_info.json").read_bytes())
    assert {one["file_name"] for one in found.values()} == {
        one.path
        for one in here.files
        if one.path.startswith("data/") and "/raw/" not in one.path and "/rejects/" not in one.path
    }


def test_a_release_of_the_scripted_run_is_as_it_was(
    run_folder: Path, tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    """The card of a small run, as a person reads it."""
    how = ReleaseSettings(repo="me/kitchen", tag="v1", shares={"validation": 0.1, "test": 0.1})
    release = build(run_folder, tmp_path / "release", how)
    golden("release-card.md", (release.folder / "README.md").read_text(encoding="utf-8"))
    golden("release-yield.svg", (release.folder / "images/yield.svg").read_text(encoding="utf-8"))
