"""The card: its front matter, its licence, and texts that try to break out of it."""

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
import yaml
from command import files, grown
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publish.made import BREAKERS, MODEL, made, plain, refusal, task
from publish.made import settings as told
from publish.test_markdown import tokens
from selfinstruct.publish.licences import HUB, front_licence, meaning
from selfinstruct.publish.release import Release, ReleaseSettings, build
from selfinstruct.task import Judgement, Task, clean


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return the release of a scripted run, its rows in several files."""
    folder = tmp_path_factory.mktemp("card")
    run = grown(folder, "--rounds", "3", "--prompts-per-round", "30", "--no-export")
    how = ReleaseSettings(repo="me/kitchen", shares={"test": 0.3}, shard_size=20_000)
    return build(run, folder / "release", how)


def text_of(release: Release) -> str:
    """Return README.md."""
    return (release.folder / "README.md").read_text(encoding="utf-8")


def front_of(release: Release) -> dict[str, Any]:
    """Return the front matter as YAML reads it."""
    _, front, _ = text_of(release).split("---\n", 2)
    found: dict[str, Any] = yaml.safe_load(front)
    return found


def test_every_file_is_in_one_split_of_one_configuration(release: Release) -> None:
    """The patterns of the front matter find every file of rows, and each of them once."""
    names = [name for name in files(release.folder) if name.startswith("data/")]
    patterns = [
        (one["config_name"], part["split"], part["path"])
        for one in front_of(release)["configs"]
        for part in one["data_files"]
    ]
    for name in names:
        found = [which for which in patterns if fnmatch(name, which[2])]
        assert len(found) == 1, (name, found)
        assert name.startswith(f"data/{found[0][0]}/{found[0][1]}")
    assert all(any(fnmatch(name, path) for name in names) for *_, path in patterns)
    assert any("*" in path for *_, path in patterns)


def test_one_configuration_is_the_default(release: Release) -> None:
    """`flan` is what is read where nobody names one; it comes first."""
    configs = front_of(release)["configs"]
    assert [one["config_name"] for one in configs if one.get("default")] == ["flan"]
    assert configs[0]["config_name"] == "flan"
    expected = ["flan", "alpaca", "messages", "prompt_completion", "raw", "rejects"]
    assert [one["config_name"] for one in configs] == expected
    assert [one["config_name"] for one in front_of(release)["dataset_info"]] == expected


def test_links_and_pictures_of_the_card_are_there(release: Release) -> None:
    """What the card links to is in the folder, and every picture has words."""
    for token in tokens(text_of(release).split("---\n", 2)[2]):
        if token.type == "image":
            assert (release.folder / str(token.attrs["src"])).is_file()
            assert len(token.content) > 20
        if token.type == "link_open" and not str(token.attrs["href"]).startswith("https:"):
            assert (release.folder / str(token.attrs["href"])).exists()


def test_counts_of_the_card_are_those_of_the_files(release: Release) -> None:
    """The table of configurations has the rows that were written."""
    for name, splits in release.rows.items():
        counts = ", ".join(f"{split} {count}" for split, count in splits.items())
        assert re.search(rf"\| `{name}`[^|]*\| {counts} \|", text_of(release)), name


def test_what_a_run_recorded_is_shown(tmp_path: Path) -> None:
    """Similarities, judgements and difficulties have their place where they are known."""
    replace = msgspec.structs.replace
    said = Judgement(1.0, 0.5, 0.0, 4.0, 2, "other")
    kept = [
        replace(
            one,
            origin=replace(one.origin, similar=(("a", 0.4),), mean_similarity=0.125),
            judgements=(said,),
            difficulties=(0.75,),
        )
        for one in plain(4)
    ]
    found = build(made(tmp_path, kept), tmp_path / "release", ReleaseSettings())
    text = text_of(found)
    assert "mean 0.40, 95 % at most 0.40" in text
    assert "mean 0.125" in text
    assert "A judge gave 4 rows a score from 1 to 5: mean 4.00." in text
    assert "`input_fits`: yes 50.0 %" in text
    assert "difficulty of 4 rows has a mean of 0.75" in text
    assert (found.folder / "images/similarity.svg").is_file()
    assert "images/similarity.svg" in text
    without = build(made(tmp_path / "b", plain(4)), tmp_path / "without", ReleaseSettings())
    assert "Similarities were not recorded" in text_of(without)
    assert "A judge gave" not in text_of(without)
    assert not (without.folder / "images/similarity.svg").exists()


# --- Licences ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "seeds", "front"),
    [
        ("Apache-2.0", "Apache-2.0", {"license": "apache-2.0"}),
        ("MIT", "CC-BY-4.0", {"license": ["cc-by-4.0", "mit"]}),
        ("", "Apache-2.0", {"license": "other", "license_name": "unknown"}),
        ("Apache-2.0", "", {"license": "other", "license_name": "unknown"}),
        ("", "", {"license": "other", "license_name": "unknown"}),
        ("My Own: terms", "MIT", {"license": "other", "license_name": "mit-and-my-own-terms"}),
    ],
)
def test_a_licence_is_what_rows_and_seeds_say(
    model: str, seeds: str, front: dict[str, object], tmp_path: Path
) -> None:
    """One that is not known makes the whole unknown; none is taken for another."""
    base = told(tmp_path)
    replace = msgspec.structs.replace
    own = [replace(one, origin=replace(one.origin, licence=seeds)) for one in base.seeds]
    kept = [replace(one, origin=replace(one.origin, licence=model)) for one in plain(3)]
    engine = replace(MODEL, licence=model)
    run = made(tmp_path, kept, engine=engine, seeds=tuple(own))
    found = build(run, tmp_path / "release", ReleaseSettings())
    fields = {name: one for name, one in front_of(found).items() if name.startswith("license")}
    assert fields == front
    assert ("claimed" in text_of(found)) == ("" in (model, seeds))
    assert (found.folder / "config" / "seeds").exists() == bool(seeds)
    assert ("its digest" in text_of(found).replace("their", "its")) == (not seeds)


def test_licences_of_single_rows_count(tmp_path: Path) -> None:
    """A row under another licence than the model's makes the whole have both."""
    replace = msgspec.structs.replace
    kept = plain(3)
    kept[1] = replace(kept[1], origin=replace(kept[1].origin, licence="CC-BY-NC-4.0"))
    found = build(made(tmp_path, kept), tmp_path / "release", ReleaseSettings())
    assert front_of(found)["license"] == ["apache-2.0", "cc-by-4.0", "cc-by-nc-4.0"]


@given(st.lists(st.one_of(st.sampled_from([*sorted(HUB), "", "x"]), st.text(max_size=9))))
def test_unknown_stays_unknown(licences: list[str]) -> None:
    """The front matter names a licence of the Hub only where all are of those."""
    found = front_licence(licences)
    if found["license"] != ["other"]:
        assert {one.strip().lower() for one in licences} == set(found["license"])
    assert meaning("") != meaning("mit") != meaning("llama3.1") != meaning("cc-by-4.0")


# --- Hostile texts ----------------------------------------------------------------------------


def hostile_release(folder: Path, texts: list[str]) -> Release:
    """Return the release of a run in which every text that is not ours is hostile."""
    kept: list[Task] = []
    for number, text in enumerate(texts):
        instruction = clean(f"{text} {number}")
        one = task(instruction, clean(text) or "x", clean(text), number=number)
        mean = Judgement(1.0, 1.0, 1.0, 5.0, 1, clean(text))
        kept.append(msgspec.structs.replace(one, category=clean(text), judgements=(mean,)))
    text = clean(texts[0])
    replace = msgspec.structs.replace
    base = told(folder)
    recipe = replace(base.recipe, name=text, description=text)
    engine = replace(MODEL, model=text, revision=text, licence=text, arguments=(f"a={text}",))
    seeds = tuple(replace(one, origin=replace(one.origin, licence=text)) for one in base.seeds)
    refused = [refusal(one, clean(texts[-1]) or "x", clean(texts[-1])) for one in kept]
    run = made(
        folder, kept, refused, recipe=recipe, engine=engine, seeds=seeds, seeds_name=text or "x"
    )
    return build(run, folder / "release", ReleaseSettings(repo="me/x"))


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(BREAKERS))
def test_no_text_breaks_out_of_the_card(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    """Whatever a model or user wrote: the YAML, the tables and the pictures stay what they are."""
    found = hostile_release(tmp_path_factory.mktemp("hostile"), texts)
    front = front_of(found)
    assert front["license"] != "mit"
    assert all(re.fullmatch(r"[\w.-]+", tag) for tag in front["tags"])
    body = text_of(found).split("\n---\n", 1)[1]
    everything = list(tokens(body))
    assert {token.type for token in everything} & {"html_block", "html_inline"} == set()
    links = [str(one.attrs["href"]) for one in everything if one.type == "link_open"]
    assert all("evil" not in link and "mailto" not in link for link in links)
    images = [str(one.attrs["src"]) for one in everything if one.type == "image"]
    assert all(image.startswith("images/") for image in images)
    heads = [one.content for one, before in zip(everything[1:], everything, strict=False)
             if before.type == "heading_open"]  # fmt: skip
    expected = ("x", "Load", "Train", "How it was made", "Licence", "Yield", "What is in it")
    more = ("Wordings of `flan`", "Samples", "Known limits", "Check", "Grow it again")
    assert heads == [*expected, *more]
    assert "49" not in re.sub(r"\d{3,}", "", "".join(links))
    for path in (found.folder / "images").iterdir():
        names = {one.tag.rpartition("}")[2] for one in ET.parse(path).iter()}  # noqa: S314
        assert names <= {"svg", "title", "desc", "style", "rect", "line", "text"}


def test_templates_in_texts_are_texts(tmp_path: Path) -> None:
    """What looks like a template is shown, and not filled."""
    found = build(
        made(tmp_path, [task("Say {{ 7 * 7 }} {% raw %}.", "{{ place }}")]),
        tmp_path / "release",
        ReleaseSettings(),
    )
    assert "Say {{ 7 * 7 }} {% raw %}." in text_of(found)
    assert "{{ place }}" in text_of(found)


def test_languages_that_the_hub_does_not_know_are_not_in_the_front_matter(tmp_path: Path) -> None:
    """A code of two or three letters is a language; "en-GB" is English."""
    replace = msgspec.structs.replace
    named = ["en-GB", "zh", "Klingon spoken", "no"]
    kept = [replace(one, language=name) for one, name in zip(plain(4), named, strict=True)]
    found = build(made(tmp_path, kept), tmp_path / "release", ReleaseSettings())
    assert front_of(found)["language"] == ["en", "no", "zh"]
