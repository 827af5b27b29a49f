"""Fixtures of the tests that hand exports to the libraries of trainers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command import grown, run

from trainers.exports import ALL, HOSTILE, export, write_file

ROUNDS = ("--rounds", "4", "--prompts-per-round", "32", "--no-export")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what these libraries cache out of the user's folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of the scripted engine that was not exported."""
    return grown(tmp_path_factory.mktemp("grown"), *ROUNDS)


@pytest.fixture(scope="session")
def from_run(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with a grown run in every format."""
    return export(run_folder, tmp_path_factory.mktemp("from-run"), *ALL)


@pytest.fixture(scope="session")
def from_hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the hostile rows in every format."""
    folder = tmp_path_factory.mktemp("hostile")
    source = write_file(folder / "hostile.jsonl", HOSTILE)
    return export(source, folder / "export", *ALL)


@pytest.fixture(scope="session")
def in_chinese(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the hostile rows in Chinese wordings."""
    folder = tmp_path_factory.mktemp("chinese")
    source = write_file(folder / "hostile.jsonl", HOSTILE)
    return export(source, folder / "export", "prompt_completion", more=("--language", "zh"))


@pytest.fixture(scope="session")
def in_parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the hostile rows in every format, as Parquet."""
    folder = tmp_path_factory.mktemp("parquet")
    source = write_file(folder / "hostile.jsonl", HOSTILE)
    return export(source, folder / "export", *ALL, more=("--form", "parquet"))


@pytest.fixture(scope="session")
def with_pairs(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the ranked pairs of a grown run."""
    engine = f"scripted:{run_folder.parent / 'script.jsonl'}"
    result = run("prefer", run_folder, "--engine", engine, "--votes", "0", "--quiet")
    assert result.code == 0, result
    return export(run_folder, tmp_path_factory.mktemp("with-pairs"), "preference")
