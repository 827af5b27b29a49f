"""What it takes to grow a run again: the files of config/, and the command on the card."""

import re
import shlex
import tomllib
from pathlib import Path

import msgspec
import pytest
from command import grown, run

from publish.made import made, plain, settings
from selfinstruct.errors import RunError
from selfinstruct.prompts.files import load_prompts
from selfinstruct.publish.release import ReleaseSettings, build
from selfinstruct.recipe import load_recipe
from selfinstruct.run import require_run
from selfinstruct.seeds import load_seeds
from selfinstruct.storage import read_rows
from selfinstruct.task import Task
from selfinstruct.topics import Steering, Topic, load_topics


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a scripted run, and its release."""
    folder = tmp_path_factory.mktemp("again")
    build(grown(folder, "--no-export", "--seed", "7"), folder / "release", ReleaseSettings())
    return folder


def test_the_command_of_the_card_grows_the_same_tasks(base: Path) -> None:
    """In the folder of the release, with the same model, it ends in the same bytes."""
    text = (base / "release" / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```text\n(selfinstruct grow .*?)\n```", text, re.DOTALL)
    assert found
    line = found[1].replace("\\\n", "")  # as a shell does
    words = shlex.split(line.replace("ENGINE:scripted", f"scripted:{base / 'script.jsonl'}"))
    words[words.index("--out") + 1] = str(base / "again")
    result = run(*words[1:], "--no-export", cwd=base / "release")
    assert result.code == 0, result
    for name in ("pool", "rejected", "augmented", "seeds"):
        one, two = (base / folder / f"{name}.jsonl" for folder in ("run", "again"))
        assert two.read_bytes() == one.read_bytes(), name
    assert require_run(base / "again")["fingerprint"] == require_run(base / "run")["fingerprint"]


def test_settings_are_read_as_they_were(base: Path) -> None:
    """Recipe, prompts and seeds have the digests that run.toml names."""
    config = base / "release" / "config"
    frozen = tomllib.loads((config / "run.toml").read_text(encoding="utf-8"))
    assert frozen["fingerprint"] == require_run(base / "run")["fingerprint"]
    assert "recipe" not in frozen
    recipe = load_recipe(str(config / "recipe.toml"))
    assert frozen["fingerprint"]["recipe"] == f"default {recipe.digest()}"
    prompts = load_prompts("en", config / "prompts")
    assert frozen["fingerprint"]["prompts"] == prompts.digest()
    seeds = load_seeds(config / "seeds" / "en.jsonl", language="en", licence="Apache-2.0")
    assert seeds == list(read_rows(base / "run" / "seeds.jsonl", Task))


def test_own_seeds_are_read_as_they_were(tmp_path: Path) -> None:
    """Labels, names and line numbers of seeds come back, and with them where rows are from."""
    run = made(tmp_path, plain(2))
    folder = build(run, tmp_path / "release", ReleaseSettings()).folder
    found = load_seeds(folder / "config/seeds/own.jsonl", language="en", licence="CC-BY-4.0")
    assert found == list(read_rows(run / "seeds.jsonl", Task))
    assert [one.origin.source for one in found] == ["own.jsonl#river", "own.jsonl#2"]


def test_given_topics_are_a_file(tmp_path: Path) -> None:
    """Topics are read back with their quotas, and the command names their file."""
    topics = (Topic("owls", 3), Topic("old clocks"))
    run = made(tmp_path, plain(2), steering=Steering(topics=topics))
    folder = build(run, tmp_path / "release", ReleaseSettings()).folder
    assert load_topics(folder / "config" / "topics.txt") == topics
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "--topics config/topics.txt" in text


def test_the_mixture_is_part_of_it(tmp_path: Path) -> None:
    """A mixture of one's own is copied, and the card says that wordings were drawn by it."""
    mixture = tmp_path / "mine.toml"
    mixture.write_text("templates_per_row = 3\n", encoding="utf-8")
    run = made(tmp_path, plain(9))
    one = build(run, tmp_path / "one", ReleaseSettings())
    two = build(run, tmp_path / "two", ReleaseSettings(mixture=mixture))
    assert (two.folder / "config/mixture.toml").read_bytes() == mixture.read_bytes()
    assert two.rows["flan"]["train"] > 2 * one.rows["flan"]["train"]
    assert "config/mixture.toml" in (two.folder / "README.md").read_text(encoding="utf-8")
    assert "config/mixture.toml" not in (one.folder / "README.md").read_text(encoding="utf-8")


def test_a_run_of_another_version_is_an_error(tmp_path: Path) -> None:
    """Settings that cannot be read are named, and a prompt's name is never a path."""
    run = made(tmp_path, plain(2))
    text = (run / "run.toml").read_text(encoding="utf-8")
    for before, after in (("[recipe.novelty]", "[recipe.other]"), ("propose = ", '"../x" = ')):
        (run / "run.toml").write_text(text.replace(before, after, 1), encoding="utf-8")
        with pytest.raises(RunError, match="not of this version"):
            build(run, tmp_path / "release", ReleaseSettings())


def test_seeds_with_a_strange_name_get_a_plain_one(tmp_path: Path) -> None:
    """A name that no Hub takes is not the name of a file."""
    named = settings(tmp_path)
    odd = "my | seeds\n.jsonl"
    seeds = [
        msgspec.structs.replace(
            one,
            origin=msgspec.structs.replace(
                one.origin, source=one.origin.source.replace("own.jsonl", odd)
            ),
        )
        for one in named.seeds
    ]
    run = made(tmp_path, plain(2), seeds=tuple(seeds), seeds_name=odd)
    folder = build(run, tmp_path / "release", ReleaseSettings()).folder
    assert [path.name for path in (folder / "config/seeds").iterdir()] == ["seeds.jsonl"]
