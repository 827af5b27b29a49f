"""The loop: what a round does, seen through an engine from a function."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Self

import msgspec
import pytest

from selfinstruct.engines import Completion, Engine, EngineInfo, Prompt, ScriptedEngine
from selfinstruct.errors import EngineError
from selfinstruct.grow import BARREN_ROUNDS, End, grow
from selfinstruct.prompts.files import load_prompts
from selfinstruct.recipe import Recipe, load_recipe
from selfinstruct.resources import seeds_file
from selfinstruct.run import Run
from selfinstruct.seeds import load_seeds
from selfinstruct.settings import Settings
from selfinstruct.sift import Rejected
from selfinstruct.storage import read_rows
from selfinstruct.task import Task

VERBS = ("gardens", "rivers", "clocks", "soups", "bridges", "songs", "owls", "maths", "trains")
MORE = ("in winter", "for children", "near Lima", "of old", "at night", "by hand", "in verse")


def fanciful(prompt: Prompt) -> str:
    """Answer as a willing model would, differently for each key."""
    random = Random(prompt.key)
    _, stage, _ = prompt.key.split("/")
    if stage == "propose":
        words = random.sample([*VERBS, *MORE], 5)
        return f" {' and '.join(words)} for {random.randint(2, 99)} people."
    if stage == "classify":
        return random.choice([" Yes", " No", " No", " No"])
    if stage == "instances":
        return " yes\nInput: The owl sings."
    return f"The answer number {random.randint(1, 10**6)} is about {random.choice(VERBS)}."


def settings_for(engine: Engine, **changes: object) -> Settings:
    """Return settings with our own seeds."""
    tasks = load_seeds(seeds_file("en"), language="en")
    settings = Settings(
        seeds_name="en.jsonl",
        seeds=tuple(tasks),
        recipe=load_recipe("default"),
        prompts=load_prompts("en"),
        engine=engine.info,
        language="en",
        prompts_per_round=12,
    )
    return msgspec.structs.replace(settings, **changes)


def grown(folder: Path, engine: Engine, rounds: int = 2, **changes: object) -> Run:
    """Grow a run and return it, its lock released."""
    with Run(folder, settings_for(engine, **changes), version="test") as run:
        list(grow(run, engine, End(rounds=rounds)))
    return run


class Shuffled:
    """An engine that takes all prompts and answers in an order of its own."""

    def __init__(self, engine: ScriptedEngine, seed: int) -> None:
        self._engine = engine
        self._seed = seed

    @property
    def info(self) -> EngineInfo:
        """Be the same model."""
        return self._engine.info

    def complete(self, prompts: Iterable[Prompt | None]) -> Iterator[Completion]:
        """Take all there is, then answer one of it by chance."""
        random, waiting = Random(self._seed), list[Prompt]()
        for prompt in prompts:
            if prompt is not None:
                waiting.append(prompt)
            else:
                chosen = waiting.pop(random.randrange(len(waiting)))
                yield from self._engine.complete([chosen])
        random.shuffle(waiting)
        yield from self._engine.complete(waiting)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to release."""


def rows(folder: Path) -> list[Task]:
    """Return the grown tasks of a run."""
    return list(read_rows(folder / "pool.jsonl", Task))


def test_proposals_can_be_asked_for_as_json(tmp_path: Path) -> None:
    """With parse "json" a prompt has a schema, and its reply's strings are the drafts."""
    recipe = load_recipe("default")
    how = msgspec.structs.replace(recipe.propose, parse="json", new=3)
    asked: list[Prompt] = []

    def reply(prompt: Prompt) -> str:
        if "/propose/" not in prompt.key:
            return fanciful(prompt)
        asked.append(prompt)
        words = Random(prompt.key).sample([*VERBS, *MORE], 6)
        return msgspec.json.encode([f"Write about {a}." for a in words[:3]]).decode()

    recipe = msgspec.structs.replace(recipe, propose=how)
    run = grown(tmp_path / "run", ScriptedEngine(reply), rounds=1, recipe=recipe)
    assert run.markers[0].proposed == 36
    assert run.markers[0].accepted > 3
    assert {msgspec.json.decode(prompt.sampling.schema)["maxItems"] for prompt in asked} == {3}


def test_slots_that_share_show_the_same_tasks(tmp_path: Path) -> None:
    """With `share`, that many prompts in a row show one sample, each with its own seed and lead."""
    recipe = load_recipe("default")
    how = msgspec.structs.replace(recipe.propose, share=4)
    engine = ScriptedEngine(fanciful)
    recipe = msgspec.structs.replace(recipe, propose=how)
    grown(tmp_path / "run", engine, rounds=1, recipe=recipe)
    proposals = [prompt for prompt in engine.prompts if "/propose/" in prompt.key]
    heads = [prompt.text.rpartition("\n")[0] for prompt in proposals]
    assert [heads.index(head) for head in heads] == [0] * 4 + [4] * 4 + [8] * 4
    assert len({prompt.text for prompt in proposals}) > 9
    assert len({prompt.sampling.seed for prompt in proposals}) == 12


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_arrival_does_not_matter(seed: int, tmp_path: Path) -> None:
    """Completions that arrive in any order give the same files."""
    grown(tmp_path / "a", ScriptedEngine(fanciful))
    grown(tmp_path / "b", Shuffled(ScriptedEngine(fanciful), seed))
    for name in ("pool.jsonl", "rejected.jsonl", "rounds/0001.json", "rounds/0002.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_every_draft_is_in_the_pool_or_rejected(tmp_path: Path) -> None:
    """Law 3: each proposed key ends in exactly one of pool.jsonl and rejected.jsonl."""
    run = grown(tmp_path / "run", ScriptedEngine(fanciful))
    kept = [task.origin.prompt for task in rows(run.folder)]
    refused = [row.task.origin.prompt for row in read_rows(run.folder / "rejected.jsonl", Rejected)]
    slots = {f"{number:04d}/propose/{slot:04d}" for number in (1, 2) for slot in range(12)}
    assert {place.partition("#")[0] for place in kept + refused} == slots
    assert not set(kept) & set(refused)
    assert sum(marker.proposed for marker in run.markers) == len(kept) + len(refused)


def test_a_task_names_its_parents_round_prompt_and_model(tmp_path: Path) -> None:
    """Law 3: an accepted task names the tasks its prompt showed, and all of those exist."""
    run = grown(tmp_path / "run", ScriptedEngine(fanciful), rounds=3)
    known = {task.id for task in run.settings.seeds} | {task.id for task in rows(run.folder)}
    for task in rows(run.folder):
        origin = task.origin
        assert len(origin.parents) == 8
        assert set(origin.parents) <= known
        assert origin.kind == "generated"
        assert origin.prompt.startswith(f"{origin.round:04d}/propose/")
        assert (origin.model, origin.licence) == ("scripted", "CC0-1.0")


def test_the_first_round_shows_seeds_only_and_later_ones_two_grown(tmp_path: Path) -> None:
    """Section 2.2 of the paper: six seeds and two grown tasks, once some are grown."""
    recipe = load_recipe("default")
    how = msgspec.structs.replace(recipe.propose, max_words=60)
    recipe = msgspec.structs.replace(recipe, propose=how)
    run = grown(tmp_path / "run", ScriptedEngine(fanciful), rounds=2, recipe=recipe)
    seeds = {task.id for task in run.settings.seeds}
    for task in rows(run.folder):
        shown = sum(parent in seeds for parent in task.origin.parents)
        assert shown == (8 if task.origin.round == 1 else 6)


def test_no_two_accepted_instructions_are_alike(tmp_path: Path) -> None:
    """A proposal repeated within a round or across rounds is refused, with its nearest task."""
    same = " a kettle that sings opera to the neighbours every Sunday."
    engine = ScriptedEngine(lambda p: same if "/propose/" in p.key else fanciful(p))
    recipe = load_recipe("default")
    plain = msgspec.structs.replace(recipe.propose, leads=("Write a story about",))
    run = grown(tmp_path / "run", engine, recipe=msgspec.structs.replace(recipe, propose=plain))
    assert len(rows(run.folder)) == 1
    refused = list(read_rows(run.folder / "rejected.jsonl", Rejected))
    assert {row.rule for row in refused} == {"novelty"}
    assert {row.nearest.id for row in refused if row.nearest} == {rows(run.folder)[0].id}
    assert all(row.nearest and row.nearest.score == 1.0 for row in refused)


def test_a_token_budget_bounds_each_round(tmp_path: Path) -> None:
    """No round generates more than its budget, and what it cut is refused by name."""
    run = grown(tmp_path / "run", ScriptedEngine(fanciful), max_tokens_per_round=900)
    assert all(marker.completion_tokens <= 900 for marker in run.markers)
    refused = list(read_rows(run.folder / "rejected.jsonl", Rejected))
    assert "budget" in {row.rule for row in refused}


def test_failed_completions_are_refused_with_the_error(tmp_path: Path) -> None:
    """An engine that fails on some prompts loses those slots only, and says why."""

    def shaky(prompt: Prompt) -> str | Completion:
        if Random(prompt.key).random() < 0.3:
            return Completion(prompt.key, "", "error", error=f"{prompt.key}: no memory")
        return fanciful(prompt)

    run = grown(tmp_path / "run", ScriptedEngine(shaky))
    refused = list(read_rows(run.folder / "rejected.jsonl", Rejected))
    failed = [row for row in refused if row.rule == "engine_error"]
    assert {row.stage for row in failed} >= {"propose", "respond"}
    assert all("no memory" in row.detail for row in failed)
    assert rows(run.folder)


def test_a_target_ends_the_run_after_the_round_that_reaches_it(tmp_path: Path) -> None:
    """With a target, rounds go on until the pool has that many tasks."""
    engine = ScriptedEngine(fanciful)
    with Run(tmp_path / "run", settings_for(engine), version="test") as run:
        list(grow(run, engine, End(rounds=None, target=20)))
    assert len(rows(run.folder)) >= 20
    assert sum(marker.accepted for marker in run.markers[:-1]) < 20


def test_a_barren_run_for_a_target_gives_up(tmp_path: Path) -> None:
    """A model that writes nothing of use does not keep a node busy for ever."""
    engine = ScriptedEngine(lambda _: "")
    with Run(tmp_path / "run", settings_for(engine), version="test") as run:
        list(grow(run, engine, End(rounds=None, target=20)))
    assert len(run.markers) == BARREN_ROUNDS


def test_the_paper_recipe_grows(tmp_path: Path) -> None:
    """`self-instruct` reads lists of seven and writes few-shot instances for every task."""

    def base(prompt: Prompt) -> str:
        stage = prompt.key.split("/")[1]
        random = Random(prompt.key)
        if stage == "propose":
            items = [" ".join(random.sample([*VERBS, *MORE], 5)) for _ in range(7)]
            return " Tell me of " + "".join(
                f"{item}.\n{number}. Tell me of " for number, item in enumerate(items, 10)
            )
        if stage == "classify":
            return random.choice(["Yes", " No"])
        return " owls\nOutput: They hoot.\n\nExample 2\nInput: cats\nOutput: They purr."

    run = grown(tmp_path / "run", ScriptedEngine(base), recipe=load_recipe("self-instruct"))
    kinds = {task.is_classification for task in rows(run.folder)}
    assert len(rows(run.folder)) > 20
    assert False in kinds
    assert all(task.instruction.startswith("Tell me of") for task in rows(run.folder))


def test_without_a_sign_nothing_is_classification(tmp_path: Path) -> None:
    """A model that says Yes to everything is asked only where an instruction asks for a choice."""

    def agreeing(prompt: Prompt) -> str:
        return " Yes" if "/classify/" in prompt.key else fanciful(prompt)

    engine = ScriptedEngine(agreeing)
    default = load_recipe("default")
    for name, signs, share in (("signs", ("(?i)never there",), 0), ("none", (), 1)):
        how = msgspec.structs.replace(default.classify, cues=(), signs=signs)
        recipe = msgspec.structs.replace(default, classify=how, rule=())
        tasks = rows(grown(tmp_path / name, engine, rounds=1, recipe=recipe).folder)
        assert {task.is_classification for task in tasks} == {bool(share)}


def test_signs_hold_for_the_seeds() -> None:
    """Each of our classification seeds has a sign or a cue; three of four others have none."""
    how = load_recipe("default").classify
    asked = {True: [0, 0], False: [0, 0]}
    for task in load_seeds(seeds_file("en"), language="en"):
        found = any(re.search(one, task.instruction) for one in (*how.cues, *how.signs))
        asked[bool(task.is_classification)][found] += 1
    assert asked[True][False] == 0
    assert asked[False][False] >= 0.75 * sum(asked[False])


def test_an_engine_that_fails_on_all_proposals_stops_the_run(tmp_path: Path) -> None:
    """When nothing can grow, the run stops with the first error and asks again next time."""
    broken = ScriptedEngine(lambda p: Completion(p.key, "", "error", error="no GPU"))
    with pytest.raises(EngineError, match="all 12 proposals failed; the first: no GPU"):
        grown(tmp_path / "run", broken)
    with pytest.raises(EngineError, match="all 2 proposals failed"):
        grown(tmp_path / "bounded", broken, max_tokens_per_round=160)
    run = grown(tmp_path / "run", ScriptedEngine(fanciful))
    assert [marker.accepted > 0 for marker in run.markers] == [True, True]


def test_items_beyond_those_asked_for_are_refused_by_name(tmp_path: Path) -> None:
    """A reply that goes on for longer than it was asked to loses nothing without a trace."""

    def wordy(prompt: Prompt) -> str:
        if "/propose/" in prompt.key:
            return fanciful(prompt) + "\n10) Name three more owls of the north.\n11) And rivers."
        return fanciful(prompt)

    run = grown(tmp_path / "run", ScriptedEngine(wordy), rounds=1, recipe=_without_stops())
    refused = list(read_rows(run.folder / "rejected.jsonl", Rejected))
    assert sum(row.rule == "surplus" for row in refused) == 24
    assert run.markers[0].proposed == 36


def _without_stops() -> Recipe:
    """Return the default recipe for an engine that does not know stop strings."""
    recipe = load_recipe("default")
    sampling = msgspec.structs.replace(recipe.propose.sampling, stop=())
    propose = msgspec.structs.replace(recipe.propose, sampling=sampling)
    return msgspec.structs.replace(recipe, propose=propose)


def test_the_default_recipe_shows_no_task_with_an_input(tmp_path: Path) -> None:
    """With `without_input`, every task that a prompt for proposals shows has none."""
    run = grown(tmp_path / "run", ScriptedEngine(fanciful), rounds=2)
    known = {task.id: task for task in (*run.settings.seeds, *rows(run.folder))}
    shown = {parent for task in rows(run.folder) for parent in task.origin.parents}
    assert any(one.input for task in known.values() for one in task.instances)
    assert not any(one.input for parent in shown for one in known[parent].instances)
