"""The judges of a run: what is on trial, what is written down, and what is read again."""

import sys
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import sentences
from test_grow import fanciful, grown, rows, settings_for

from selfinstruct.engines import ScriptedEngine
from selfinstruct.errors import EngineError
from selfinstruct.grow import End, grow
from selfinstruct.novelty import Layered, Match, RougeL
from selfinstruct.pool_novelty import SAVE_FROM, PoolNovelty
from selfinstruct.recipe import NoveltySettings, SemanticSettings, load_recipe
from selfinstruct.run import Run
from selfinstruct.sift import Kept, Rejected, sift
from selfinstruct.task import Origin, Task, new_task
from selfinstruct.text import rouge_tokens, tokens

HOW = NoveltySettings(max_similarity=0.7)


def task(instruction: str) -> Task:
    """Return a proposal."""
    return new_task(instruction, origin=Origin(kind="generated"), language="en")


@cache
def many() -> list[Task]:
    """Return enough tasks for a memory to be saved."""
    return [task(f"count w{place} and v{place * 7} to x{place * 3}") for place in range(SAVE_FROM)]


@given(st.lists(sentences, max_size=8), st.lists(sentences, max_size=8), sentences)
def test_two_layers_are_one_memory(seen: list[str], fresh: list[str], text: str) -> None:
    """What is there for good and what is on trial answer as one memory of both, in that order."""
    named = [(str(place), one) for place, one in enumerate([*seen, *fresh])]
    whole, good, trial = RougeL(0.4), RougeL(0.4), RougeL(0.4)
    whole.add_all(named)
    good.add_all(named[: len(seen)])
    layered = Layered(good, trial)
    layered.add_all(named[len(seen) :])
    assert layered.nearest(text) == whole.nearest(text)
    more = [("a", text), ("b", text)]
    assert layered.admit(more) == whole.admit(more)
    assert (len(good), layered.measure) == (len(seen), "ROUGE-L")


def test_drafts_on_trial_are_forgotten_with_their_round() -> None:
    """A draft counts within its round; the next round knows only what came into the pool."""
    judges = PoolNovelty(HOW)
    judges.add([task("name three rivers in Peru")])
    novelty, note = judges.for_a_round()
    drafts = [task("draw a map of the moon"), task("draw a map of the moon, please")]
    first, second = sift(drafts, (), novelty, note)
    assert isinstance(first, Kept)
    assert isinstance(second, Rejected)
    assert second.nearest is not None
    assert second.nearest.id == drafts[0].id
    again, _ = judges.for_a_round()
    assert all(isinstance(one, Kept) for one in sift(drafts[:1], (), again))


def test_the_published_recipe_records_what_is_similar(tmp_path: Path) -> None:
    """With `similar = 10` a task has its ten nearest and the mean over all, as the paper's code."""
    recipe = load_recipe("default")
    wanted = msgspec.structs.replace(recipe.novelty, similar=10)
    run = grown(
        tmp_path / "run", scripted(), recipe=msgspec.structs.replace(recipe, novelty=wanted)
    )
    pool = [*run.settings.seeds, *rows(run.folder)]
    first = rows(run.folder)[0]
    judge = RougeL(0.7)
    judge.add_all((one.id, one.instruction) for one in run.settings.seeds)
    assert first.origin.similar == tuple(
        (match.id, match.score) for match in judge.ranked(first.instruction, 10)
    )
    mean = judge.scores(first.instruction).mean()
    assert first.origin.mean_similarity == pytest.approx(mean, abs=1e-12)
    assert all(len(one.origin.similar) == 10 for one in rows(run.folder))
    assert {name for one in rows(run.folder) for name, _ in one.origin.similar} <= {
        one.id for one in pool
    } | set(refused_later(run.folder))
    assert load_recipe("self-instruct").novelty.similar == 10


def refused_later(folder: Path) -> set[str]:
    """Return the ids of drafts that passed novelty and failed later: they were on trial."""
    lines = (folder / "rejected.jsonl").read_bytes().splitlines()
    return {row.task.id for line in lines for row in [msgspec.json.decode(line, type=Rejected)]}


def scripted() -> ScriptedEngine:
    """Return an engine that answers fancifully."""
    return ScriptedEngine(fanciful)


def test_without_the_wish_nothing_is_recorded(tmp_path: Path) -> None:
    """Other recipes pay for no such scores."""
    run = grown(tmp_path / "run", scripted(), rounds=1)
    assert all(one.origin.similar == () for one in rows(run.folder))
    assert b"mean_similarity" not in (run.folder / "pool.jsonl").read_bytes()


def test_a_judge_by_meaning_without_its_extra_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A recipe with [novelty.semantic] needs the extra, and the error names it."""
    monkeypatch.setitem(sys.modules, "model2vec", None)  # as if it were not installed
    how = msgspec.structs.replace(HOW, semantic=SemanticSettings(model="model2vec:some/model"))
    with pytest.raises(EngineError) as raised:
        PoolNovelty(how)
    assert "selfinstruct[semantic]" in str(raised.value.hint)


@given(st.lists(sentences, unique_by=lambda text: text, max_size=12), st.integers(0, 12))
def test_a_saved_memory_is_the_same_memory(saved_in: Path, texts: list[str], more: int) -> None:
    """What was saved is taken for the texts it is of, and gives the same answers and scores."""
    named = [(f"id {place}", text) for place, text in enumerate(texts)]
    memory, again = RougeL(0.4), RougeL(0.4)
    memory.add_all(named[:more])
    memory.save(saved_in)
    assert again.restore(saved_in, [name for name, _ in named]) == len(named[:more])
    memory.add_all(named[more:])
    again.add_all(named[more:])
    assert again.nearest_all(texts) == memory.nearest_all(texts)
    for text in texts:
        assert np.array_equal(again.scores(text), memory.scores(text))


@pytest.fixture(scope="module")
def saved_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a path to save to."""
    return tmp_path_factory.mktemp("saved") / "novelty.index"


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_damaged_file_counts_as_none(saved_in: Path, cut: int) -> None:
    """A memory cut short is not read; nothing of it is taken."""
    memory = RougeL(0.7)
    memory.add("a", "write a poem about the sea")
    memory.save(saved_in)
    saved_in.write_bytes(saved_in.read_bytes()[:cut])
    empty = RougeL(0.7)
    assert (empty.restore(saved_in, ["a"]), len(empty)) == (0, 0)


def test_a_file_of_other_texts_or_another_tokeniser_counts_as_none(saved_in: Path) -> None:
    """A stale memory is not taken: its ids, or the tokeniser, are not those of now."""
    memory = RougeL(0.7, tokenise=tokens)
    memory.add_all([("a", "write a poem"), ("b", "bake a cake")])
    memory.save(saved_in)
    for ids in ([], ["a"], ["b", "a"], ["a", "c"]):
        assert RougeL(0.7).restore(saved_in, ids) == 0
    assert RougeL(0.7, tokenise=rouge_tokens).restore(saved_in, ["a", "b"]) == 0
    assert RougeL(0.7).restore(saved_in.with_name("absent.npz"), ["a", "b"]) == 0
    assert RougeL(0.7).restore(saved_in, ["a", "b", "c"]) == 2


def test_a_large_run_saves_its_memory_and_takes_it_up(tmp_path: Path) -> None:
    """From SAVE_FROM tasks on the memory lies beside the run; the answers are the same with it."""
    path = tmp_path / "novelty.index"
    first, second = PoolNovelty(HOW), PoolNovelty(HOW)
    first.recall(many()[:-1], path)
    first.save(path)
    assert not path.exists()
    first.add(many()[-1:])
    first.save(path)
    extra = [*many(), task("sing about the sea at night")]
    first.add(extra[-1:])
    second.recall(extra, path)
    for text in ("sing about the sea at noon", many()[77].instruction, "nothing like it"):
        assert first.seen[0].nearest(text) == second.seen[0].nearest(text)
    assert second.seen[0].nearest(many()[77].instruction) == Match(many()[77].id, 1.0)


def test_a_small_run_keeps_no_memory_file(tmp_path: Path) -> None:
    """A small pool is read again in no time, so its folder has one file less."""
    with Run(tmp_path / "run", settings_for(scripted()), version="test") as run:
        list(grow(run, scripted(), End(rounds=1)))
    assert not (tmp_path / "run" / "novelty.index").exists()
