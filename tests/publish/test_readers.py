"""Releases as others read them: the library datasets, the Hub's own card class, mlcroissant."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from command import grown, run
from trainers.exports import HOSTILE, mended, written

from publish.made import made, task
from selfinstruct.publish.release import Release, ReleaseSettings, build

pytestmark = pytest.mark.filterwarnings("default")  # what libraries deprecate is not ours to mend

CONFIGS = ("flan", "alpaca", "messages", "prompt_completion", "raw", "preference", "rejects")
SPLIT = {"validation": 0.2, "test": 0.2}


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what these libraries cache out of the user's folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return the release of a scripted run with pairs, its rows in splits and several files."""
    folder = tmp_path_factory.mktemp("readers")
    there = grown(folder, "--rounds", "4", "--prompts-per-round", "32", "--no-export")
    engine = f"scripted:{folder / 'script.jsonl'}"
    result = run("prefer", there, "--engine", engine, "--votes", "0", "--quiet")
    assert result.code == 0, result
    return build(there, folder / "release", ReleaseSettings(shares=SPLIT, shard_size=20_000))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return the release of rows that readers have been seen to change."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = [(mended(one), mended(given), mended(output)) for one, given, output in HOSTILE]
    kept = [task(f"{one} ({n})", output, given) for n, (one, given, output) in enumerate(rows)]
    return build(made(folder, kept), folder / "release", ReleaseSettings())


def rows_of(found: Release, name: str, split: str) -> list[dict[str, Any]]:
    """Return the rows of a split, over all of its files."""
    return written(found.folder / "data", name, split)


@pytest.mark.datasets
@pytest.mark.parametrize("name", CONFIGS)
def test_every_configuration_is_read_as_it_is(name: str, release: Release) -> None:
    """Rows, splits and column names are those of the files; streamed too."""
    datasets = pytest.importorskip("datasets")
    found = datasets.load_dataset(str(release.folder), name)
    assert {split: len(rows) for split, rows in found.items()} == release.rows[name]
    for split, rows in found.items():
        expected = rows_of(release, name, split)
        assert list(rows) == expected
        streamed = datasets.load_dataset(str(release.folder), name, split=split, streaming=True)
        assert list(streamed) == expected


@pytest.mark.datasets
@pytest.mark.parametrize("name", ["flan", "alpaca", "messages", "prompt_completion", "raw"])
def test_hostile_rows_are_read_as_they_are(name: str, hostile: Release) -> None:
    """Numbers, dates, JSON and odd white space stay the texts that they are."""
    datasets = pytest.importorskip("datasets")
    found = datasets.load_dataset(str(hostile.folder), name, split="train")
    assert list(found) == rows_of(hostile, name, "train")


@pytest.mark.datasets
def test_flan_is_read_where_nothing_is_named(release: Release) -> None:
    """The default configuration is `flan`."""
    datasets = pytest.importorskip("datasets")
    found = datasets.load_dataset(str(release.folder), split="train")
    assert list(found) == rows_of(release, "flan", "train")
    names = datasets.get_dataset_config_names(str(release.folder))
    assert sorted(names) == sorted(release.rows)


@pytest.mark.datasets
def test_the_card_is_one_for_the_hub(release: Release) -> None:
    """The Hub's own class reads the front matter, and what it writes again says the same."""
    hub = pytest.importorskip("huggingface_hub")
    text = (release.folder / "README.md").read_text(encoding="utf-8")
    card = hub.DatasetCard(text)
    again = hub.DatasetCard(str(card))
    assert card.data.to_dict() == again.data.to_dict()
    assert card.data.size_categories in (["n<1K"], "n<1K")
    assert [one["config_name"] for one in card.data.configs] == list(release.rows)
    assert card.text == again.text


@pytest.mark.croissant
def test_mlcroissant_reads_every_record(release: Release, caplog: pytest.LogCaptureFixture) -> None:
    """The description is valid: no error, no warning but for what is recommended and not known."""
    mlcroissant = pytest.importorskip("mlcroissant")
    path = release.folder / "croissant.json"
    with caplog.at_level(logging.WARNING):
        found = mlcroissant.Dataset(str(path))
    issues = found.metadata.ctx.issues
    assert not issues.errors
    assert all("is recommended, but does not exist" in one for one in issues.warnings)
    assert "not standard" not in caplog.text
    counts = {one.id: sum(1 for _ in found.records(one.id)) for one in found.metadata.record_sets}
    assert counts == {
        f"{name}/{split}": count
        for name, splits in release.rows.items()
        for split, count in splits.items()
    }
    rows = list(found.records("messages/train"))
    expected = rows_of(release, "messages", "train")
    outputs = [row["messages/train/messages"][-1] for row in rows]
    said = [one["messages/train/messages/content"].decode() for one in outputs]
    assert said == [row["messages"][-1]["content"] for row in expected]


def test_every_data_file_is_described(release: Release) -> None:
    """Each file of rows is there with its size and checksum, and no file else."""
    tree = json.loads((release.folder / "croissant.json").read_bytes())
    found = {
        (one["contentUrl"], one["contentSize"], one["sha256"])
        for one in tree["distribution"]
        if one["@type"] == "cr:FileObject"
    }
    assert found == {
        (one.path, f"{one.size} B", one.sha256)
        for one in release.files
        if one.path.startswith("data/")
    }
