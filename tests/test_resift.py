"""A run sifted again: the same verdicts by its own recipe, other ones by another, all explained."""

from pathlib import Path

import msgspec
import pytest
from script import write_script
from test_grow import settings_for

from selfinstruct.engines import Engine, Given, Prompt, ScriptedEngine, open_engine
from selfinstruct.grow import End, grow
from selfinstruct.prompts.files import JUDGED, load_prompts
from selfinstruct.recipe import DifficultySettings, JudgeSettings, Recipe, load_recipe
from selfinstruct.resift import Change, Recording, changes, resift
from selfinstruct.run import Run, finished_rows
from selfinstruct.settings import thawed
from selfinstruct.sift import Rejected
from selfinstruct.storage import read_rows
from selfinstruct.task import Task

FILES = ("pool.jsonl", "rejected.jsonl", *(f"rounds/{number:04d}.json" for number in (1, 2, 3)))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return the engine of a script with good and bad replies for every stage."""
    script = write_script(tmp_path_factory.mktemp("script") / "script.jsonl")
    with open_engine(f"scripted:{script}", Given()) as opened:
        return opened


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Recording:
    """Return a run of three rounds."""
    return played(tmp_path_factory.mktemp("source") / "run", engine)


def played(folder: Path, engine: Engine, **changed: object) -> Recording:
    """Grow three rounds."""
    settings = msgspec.structs.replace(settings_for(engine, prompts_per_round=40), **changed)
    with Run(folder, settings, version="test") as run:
        list(grow(run, engine, End(rounds=3)))
    return Recording(folder, settings)


def again(
    source: Recording, folder: Path, recipe: Recipe, engine: Engine | None = None
) -> Recording:
    """Sift a run again, by a recipe."""
    settings = msgspec.structs.replace(source.settings, recipe=recipe)
    with Run(folder, settings, version="test", source=source.folder) as run:
        list(resift(source, run, engine=engine))
    return Recording(folder, settings)


def same(one: Path, other: Path) -> bool:
    """Say whether two runs have the same rows and markers, byte for byte."""
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in FILES)


def tighter(recipe: Recipe) -> Recipe:
    """Return a recipe that keeps fewer instructions and fewer answers."""
    rules = tuple(
        msgspec.structs.replace(rule, max=17) if hasattr(rule, "unit") else rule
        for rule in recipe.rule
    )
    return msgspec.structs.replace(recipe, name="tighter", rule=rules)


def looser(recipe: Recipe) -> Recipe:
    """Return a recipe with fewer rules of every stage."""
    return msgspec.structs.replace(recipe, name="looser", rule=recipe.rule[::3])


def measuring(recipe: Recipe) -> Recipe:
    """Return a recipe that measures how difficult instructions are to follow."""
    return msgspec.structs.replace(recipe, difficulty=DifficultySettings(only_score=True))


def test_its_own_recipe_gives_the_same_bytes(tmp_path: Path, source: Recording) -> None:
    """A run sifted again by the recipe it was grown by is the same to the last byte."""
    recipe = source.settings.recipe
    assert same(source.folder, again(source, tmp_path / "again", recipe).folder)


@pytest.mark.parametrize(
    "changed",
    [
        {"max_tokens_per_round": 400},
        {"recipe": load_recipe("self-instruct")},
        {"recipe": measuring(load_recipe("default"))},
        {"prompts_per_round": 7},
    ],
)
def test_whatever_the_settings_were(
    tmp_path: Path, engine: Engine, changed: dict[str, object]
) -> None:
    """A budget, few-shot replies, several items a reply and recorded neighbours change nothing."""
    source = played(tmp_path / "source", engine, **changed)
    recipe = source.settings.recipe
    assert same(source.folder, again(source, tmp_path / "again", recipe).folder)


@pytest.mark.parametrize("other", [tighter, looser])
def test_there_and_back_again(tmp_path: Path, source: Recording, other: object) -> None:
    """Another recipe loses nothing: by the first one, what it left is the first run again."""
    assert callable(other)
    recipe = source.settings.recipe
    there = again(source, tmp_path / "there", other(recipe))
    assert not same(source.folder, there.folder)
    assert same(source.folder, again(there, tmp_path / "back", recipe).folder)


def test_every_draft_is_somewhere(tmp_path: Path, source: Recording) -> None:
    """Each proposal of the source is kept or refused in what it was sifted into."""
    there = again(source, tmp_path / "there", looser(source.settings.recipe))
    assert places(source.folder) == places(there.folder)


def places(folder: Path) -> set[str]:
    """Return where each draft of a run was proposed."""
    refused = {row.task.origin.prompt for row in finished_rows(folder, "rejected", Rejected)}
    return refused | {task.origin.prompt for task in finished_rows(folder, "pool", Task)}


def test_what_was_never_answered_says_so(tmp_path: Path, source: Recording) -> None:
    """A draft that passes only now has no answer: it is refused as unanswered."""
    there = again(source, tmp_path / "there", looser(source.settings.recipe))
    found = list(changes(source.folder, there.folder))
    fates = {(one.before, one.after) for one in found}
    assert ("not_a_task", "unanswered") in fates or ("unfinished", "unanswered") in fates
    assert {after for before, after in fates if before == "kept"} <= {"novelty"}


def test_an_engine_answers_what_was_never_asked(
    tmp_path: Path, source: Recording, engine: Engine
) -> None:
    """With an engine nothing stays unanswered, its answers are kept, and no other is paid again."""
    asked: list[str] = []

    class Counting(ScriptedEngine):
        def complete(self, prompts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            for prompt in prompts:
                if prompt is not None:
                    asked.append(prompt.key)
                    yield from engine.complete(iter([prompt]))

    recipe = looser(source.settings.recipe)
    there = again(source, tmp_path / "there", recipe, Counting(lambda _: ""))
    rules = {row.rule for row in finished_rows(there.folder, "rejected", Rejected)}
    assert "unanswered" not in rules
    known = {
        line.split('"key":"')[1].split('"')[0]
        for path in (source.folder / "journal").glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    }
    assert asked
    assert not known & set(asked)
    # and from its journal alone it comes out the same
    assert same(there.folder, again(there, tmp_path / "once", recipe).folder)


def test_changes_are_exactly_what_differs(tmp_path: Path, source: Recording) -> None:
    """A run has no changes against itself; against another, those whose last word differs."""
    assert not list(changes(source.folder, source.folder))
    there = again(source, tmp_path / "there", tighter(source.settings.recipe))
    found = list(changes(source.folder, there.folder))
    lost = [one for one in found if one.before == "kept"]
    before = {task.id for task in finished_rows(source.folder, "pool", Task)}
    after = {task.id for task in finished_rows(there.folder, "pool", Task)}
    assert {one.id for one in lost} == before - after
    assert all(isinstance(one, Change) and one.after == "word_count" for one in lost)


def test_a_sifting_that_was_killed_goes_on(tmp_path: Path, source: Recording) -> None:
    """Rounds that are there are not judged again, and the end is the same."""
    recipe = looser(source.settings.recipe)
    settings = msgspec.structs.replace(source.settings, recipe=recipe)
    with Run(tmp_path / "run", settings, version="test", source=source.folder) as run:
        next(resift(source, run))
    whole = again(source, tmp_path / "whole", recipe)
    assert same(whole.folder, again(source, tmp_path / "run", recipe).folder)


def test_a_sifted_run_can_grow_on(tmp_path: Path, source: Recording, engine: Engine) -> None:
    """What comes out is a run like any other: the next round begins from its pool."""
    there = again(source, tmp_path / "there", tighter(source.settings.recipe))
    with Run(there.folder, there.settings, version="test") as run:
        before = len(run.grown)
        assert [marker.round for marker in grow(run, engine, End(rounds=4))] == [4]
        assert len(run.grown) > before


def test_settings_come_back_from_what_is_frozen(source: Recording) -> None:
    """run.toml holds all that is needed to judge a run again."""
    seeds = tuple(read_rows(source.folder / "seeds.jsonl", Task))
    assert thawed(source.settings.frozen("test"), seeds) == source.settings
    with pytest.raises(ValueError, match="seed"):
        thawed({"fingerprint": {}}, seeds)


def test_a_judge_of_its_own_is_asked_once(tmp_path: Path, source: Recording) -> None:
    """A judge is asked about each task that is kept, and what it says is stored."""
    recipe = msgspec.structs.replace(
        source.settings.recipe, judge=JudgeSettings(votes=3, only_score=True)
    )
    settings = msgspec.structs.replace(
        source.settings, recipe=recipe, prompts=load_prompts("en", more=JUDGED)
    )
    vote = '{"valid_task": true, "input_fits": true, "output_correct": false, "score": 4}'
    judge = ScriptedEngine(lambda _: vote)
    with Run(tmp_path / "judged", settings, version="test", source=source.folder) as run:
        list(resift(source, run, engine=judge))
    tasks = list(finished_rows(tmp_path / "judged", "pool", Task))
    assert [task.id for task in tasks] == [
        task.id for task in finished_rows(source.folder, "pool", Task)
    ]
    for task in tasks:
        assert task.judgements is not msgspec.UNSET
        assert [(one.score, one.votes, one.output_correct) for one in task.judgements] == [
            (4.0, 3, 0.0)
        ] * len(task.instances)
    before = len(judge.prompts)
    assert before == 3 * sum(len(task.instances) for task in tasks)
    assert {stage(prompt) for prompt in judge.prompts} == {"judge"}


def stage(prompt: Prompt) -> str:
    """Return the stage of a prompt."""
    return prompt.key.split("/")[1]
