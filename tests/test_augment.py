"""Augmentation: wordings that keep the meaning, and what a run makes of them."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Self

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_grow import fanciful, settings_for

from selfinstruct.augment.meaning import drift, surface
from selfinstruct.augment.noise import disturbed
from selfinstruct.augment.step import Augmented, Helpers, augment, read_augmented
from selfinstruct.augment.translating import Translating
from selfinstruct.engines import Completion, Engine, Prompt, ScriptedEngine
from selfinstruct.engines.translators import TranslatorInfo
from selfinstruct.errors import EngineError, InputError
from selfinstruct.export import Ways, export_file, rows
from selfinstruct.export.mixture import load_mixture
from selfinstruct.grow import End, grow
from selfinstruct.prompts.files import AUGMENTED, load_prompts
from selfinstruct.recipe import AugmentSettings, Recipe, load_recipe
from selfinstruct.run import Run
from selfinstruct.sift import Rejected
from selfinstruct.stages.base import Unwatched
from selfinstruct.storage import read_rows
from selfinstruct.task import Task

CASES = Path(__file__).parent / "cases" / "wordings.jsonl"
OUTPUTS = ("augmented.jsonl", "augmented-rejected.jsonl", "augment.json")


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """One line of wordings.jsonl: why the second is no wording of the first, "" if it is one."""

    before: str
    after: str
    fault: str


WORDINGS = [msgspec.json.decode(line, type=Case) for line in CASES.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def how() -> AugmentSettings:
    """Return how the default recipe augments."""
    found = load_recipe("default").augment
    assert found is not None
    return found


@pytest.mark.parametrize("case", WORDINGS, ids=lambda case: case.after[:50])
def test_a_wording_keeps_what_matters(how: AugmentSettings, case: Case) -> None:
    """Numbers, names, quotations, code, holes, negation, topic and request are in both texts."""
    found = surface(case.before, case.after, how) or drift(case.before, case.after, how)
    assert case.fault in found
    assert bool(found) == bool(case.fault)


texts = st.lists(
    st.sampled_from(
        [
            "the",
            "old",
            "bridge",
            "is",
            "3",
            "Ann",
            "not",
            "how",
            "`x`",
            "{y}",
            '"no"',
            "and",
            "river",
        ]
    )
)


@given(texts.map(" ".join))
def test_a_text_never_drifts_from_itself(text: str) -> None:
    """Whatever is compared, nothing of a text is lost or new in itself."""
    assert not drift(text, text, AugmentSettings())


@given(st.text(), st.sampled_from(["synonym", "deletion", "swap"]), st.integers(0, 99))
def test_noise_touches_one_word(text: str, method: str, seed: int) -> None:
    """Noise is the same for a seed, and leaves all words but one or two where they were."""
    synonyms = ("big, large", "talk, speech")
    one = disturbed(text, method, Random(seed), synonyms)
    assert one == disturbed(text, method, Random(seed), synonyms)
    assert abs(len(one.split()) - len(text.split())) <= 1


def test_noise_does_what_it_says() -> None:
    """A synonym keeps its capital; a deletion loses one word; a swap exchanges two neighbours."""
    text = "Big rivers carry old sand."
    assert disturbed(text, "synonym", Random(1), ("big, large",)) == "Large rivers carry old sand."
    assert len(disturbed(text, "deletion", Random(1), ()).split()) == 4
    swapped = disturbed(text, "swap", Random(1), ())
    assert swapped != text
    assert sorted(swapped.strip(".").split()) == sorted(text.strip(".").split())


def polite(prompt: Prompt) -> str:
    """Answer as a model would that can do nothing but ask politely."""
    _, stage, _ = prompt.key.split("/")
    if stage == "paraphrase":
        text = prompt.text.rpartition("Instruction: ")[2].partition("\n")[0]
        return f" Could you please {text[0].lower()}{text[1:].rstrip('.')} for me, if you can?"
    if stage in ("translate", "back"):
        return "I would like you to write it again in a different language."
    return fanciful(prompt)


class TurnedAround:
    """A translator whose every language is the words in reverse order, with a mark."""

    info = TranslatorInfo(model="mirror", revision="1", licence="MIT")

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """Turn the words of each text around."""
        self.asked += [(source, target)] * len(texts)
        turned = [" ".join(reversed(text.split())) for text in texts]
        if target != "en":
            return turned
        return [f"please {text[:1].lower()}{text[1:]}" for text in turned]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing is open."""


def recipe_with(**changes: object) -> Recipe:
    """Return the default recipe with changes to its augmentation."""
    recipe = load_recipe("default")
    assert recipe.augment is not None
    augmenting = msgspec.structs.replace(recipe.augment, **changes)
    return msgspec.structs.replace(recipe, augment=augmenting)


def grown_run(folder: Path, engine: Engine, recipe: Recipe, rounds: int = 2) -> Run:
    """Grow a run and return it, its lock still held."""
    run = Run(folder, settings_for(engine, recipe=recipe), version="test")
    list(grow(run, engine, End(rounds=rounds)))
    return run


def augmented(run: Run, engine: Engine, translator: Engine | None = None) -> Augmented:
    """Augment a run."""
    texts = load_prompts("en", more=AUGMENTED)
    return augment(run, Helpers(engine, translator), texts, Unwatched())


def tasks(folder: Path) -> list[Task]:
    """Return the augmented tasks of a run."""
    return list(read_rows(folder / "augmented.jsonl", Task))


def bytes_of(folder: Path) -> list[bytes]:
    """Return what the step has written."""
    return [(folder / name).read_bytes() for name in OUTPUTS]


def test_a_wording_is_a_task_of_its_own(tmp_path: Path) -> None:
    """It shares what its parent has, and says who wrote it, how and from what."""
    engine = ScriptedEngine(polite)
    with grown_run(tmp_path / "run", engine, recipe_with(styles=("request",))) as run:
        found = augmented(run, engine)
        pool = {task.id: task for task in run.grown}
    assert found.accepted == len(tasks(run.folder)) > 5
    assert found.accepted + found.rejected.get("novelty", 0) == len(pool)
    for task in tasks(run.folder):
        parent = pool[task.origin.parents[0]]
        assert task.id != parent.id
        assert task.instances == parent.instances
        assert task.is_classification == parent.is_classification
        assert (task.category, task.language) == (parent.category, parent.language)
        assert task.origin.kind == "augmented"
        assert task.origin.method == "paraphrase:request"
        assert task.origin.model == engine.info.model
        assert task.origin.prompt.endswith(f"/paraphrase/{parent.id}-0")


def test_nothing_is_lost(tmp_path: Path) -> None:
    """Each wording that was asked for is kept or refused with its reason."""
    engine = ScriptedEngine(polite)
    recipe = recipe_with(paraphrases=2, back_translations=1, noises=1)
    with grown_run(tmp_path / "run", engine, recipe) as run:
        found = augmented(run, engine)
        refused = list(read_rows(run.folder / "augmented-rejected.jsonl", Rejected))
        assert found.asked == 4 * len(run.grown) == found.accepted + len(refused)
    assert {row.stage for row in refused} >= {"back-translation"}
    assert all(row.rule and row.detail for row in refused)


def test_it_is_done_once(tmp_path: Path) -> None:
    """The same pool is not asked about again; a pool that grew, about its new tasks only."""
    engine = ScriptedEngine(polite)
    with grown_run(tmp_path / "run", engine, recipe_with()) as run:
        augmented(run, engine)
        before, asked = bytes_of(run.folder), len(engine.prompts)
        augmented(run, engine)
        assert (bytes_of(run.folder), len(engine.prompts)) == (before, asked)
        known = {task.id for task in run.grown}
        list(grow(run, engine, End(rounds=3)))
        asked = len(engine.prompts)
        augmented(run, engine)
    keys = [prompt.key for prompt in engine.prompts[asked:]]
    assert keys
    assert not any(key.split("/")[2].partition("-")[0] in known for key in keys)
    whole = ScriptedEngine(polite)
    with grown_run(tmp_path / "whole", whole, recipe_with(), rounds=3) as run:
        augmented(run, whole)
    assert bytes_of(tmp_path / "whole") == bytes_of(tmp_path / "run")


def test_a_killed_step_goes_on(tmp_path: Path) -> None:
    """What a process that broke off has paid for is not paid for again; the end is the same."""

    class PulledPlug(Exception):  # noqa: N818 (no fault of anybody's)
        pass

    class Short(ScriptedEngine):
        def __init__(self) -> None:
            super().__init__(polite)
            self.left = 4

        def complete(self, prompts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            for completion in super().complete(prompts):
                if self.left == 0:
                    raise PulledPlug
                self.left -= 1
                yield completion

    engine = ScriptedEngine(polite)
    with grown_run(tmp_path / "run", engine, recipe_with()) as run:
        with pytest.raises(PulledPlug):
            augmented(run, Short())
        assert read_augmented(run.folder) is None
        before = len(engine.prompts)
        augmented(run, engine)
        assert len(engine.prompts) - before == len(run.grown) - 4
    whole = ScriptedEngine(polite)
    with grown_run(tmp_path / "whole", whole, recipe_with()) as run:
        augmented(run, whole)
    assert bytes_of(tmp_path / "whole") == bytes_of(tmp_path / "run")


def test_a_translation_model_does_the_translating(tmp_path: Path) -> None:
    """It is given codes and bare texts, and the rows name it instead of the run's model."""
    engine, mirror = ScriptedEngine(polite), TurnedAround()
    recipe = recipe_with(
        paraphrases=0, back_translations=2, pivots=("de", "fr"), max_similarity=1.0
    )
    with grown_run(tmp_path / "run", engine, recipe) as run:
        before = len(engine.prompts)
        augmented(run, engine, Translating(mirror))
        assert len(engine.prompts) == before
    assert set(mirror.asked) == {("en", "de"), ("de", "en"), ("en", "fr"), ("fr", "en")}
    found = tasks(run.folder)
    assert found
    assert {task.origin.model for task in found} == {"mirror"}
    assert {task.origin.licence for task in found} == {"MIT"}
    assert all(task.instruction.startswith("please ") for task in found)


def test_the_model_may_be_asked_whether_it_means_the_same(tmp_path: Path) -> None:
    """With a judge, what it says No to is refused by its name, and nothing else is asked about."""

    def doubtful(prompt: Prompt) -> str:
        if prompt.key.split("/")[1] == "same":
            return Random(prompt.key).choice([" Yes", " No"])
        return polite(prompt)

    engine = ScriptedEngine(doubtful)
    recipe = recipe_with(judge=True, back_translations=1)
    with grown_run(tmp_path / "run", engine, recipe) as run:
        found = augmented(run, engine)
    asked = [prompt for prompt in engine.prompts if "/same/" in prompt.key]
    assert {"paraphrase"} == {prompt.key.split("-")[-2] for prompt in asked}
    assert sum(
        found.rejected.get(rule, 0) for rule in ("judge", "novelty")
    ) + found.accepted == len(asked)
    assert found.accepted > 0


def test_an_engine_that_only_fails_is_named(tmp_path: Path) -> None:
    """Where no wording gets a reply the engine is at fault, and the next process asks again."""

    def broken(prompt: Prompt) -> str | Completion:
        if prompt.key.startswith("augment-"):
            return Completion(prompt.key, "", "error", error="no such model")
        return fanciful(prompt)

    engine = ScriptedEngine(broken)
    with grown_run(tmp_path / "run", engine, recipe_with()) as run:
        with pytest.raises(EngineError, match="no such model"):
            augmented(run, engine)
        assert augmented(run, ScriptedEngine(polite)).accepted > 0


def test_a_recipe_without_augmentation_says_so(tmp_path: Path) -> None:
    """The published loop has none."""
    engine = ScriptedEngine(fanciful)
    recipe = msgspec.structs.replace(load_recipe("default"), augment=None)
    with (
        grown_run(tmp_path / "run", engine, recipe) as run,
        pytest.raises(InputError, match=r"has no \[augment\]"),
    ):
        augmented(run, engine)


def test_exports_follow_the_pool(tmp_path: Path) -> None:
    """Wordings come after the pool, under their parent's Flan task, and go when it goes."""
    engine = ScriptedEngine(polite)
    with grown_run(tmp_path / "run", engine, recipe_with(styles=("request",))) as run:
        found = augmented(run, engine)
        many = len(run.grown)
    lines = written(run.folder, tmp_path / "flan.jsonl")
    assert len(lines) == many + found.accepted
    assert {row["task_name"] for row in lines[many:]} < {row["task_name"] for row in lines[:many]}
    assert len({row["row_id"] for row in lines}) == len(lines)
    assert {row["source"]["method"] for row in lines[many:]} == {"paraphrase:request"}
    assert len(written(run.folder, tmp_path / "flan.jsonl", augmented=False)) == many
    gone = tasks(run.folder)[0].origin.parents[0]
    only = tasks(run.folder)
    path = run.folder / "augmented.jsonl"
    lost = msgspec.structs.replace(
        only[1], origin=msgspec.structs.replace(only[1].origin, parents=("0" * 16,))
    )
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in (only[0], lost)))
    left = written(run.folder, tmp_path / "flan.jsonl")
    assert [row["task_name"] for row in left[many:]] == [gone]


def written(folder: Path, target: Path, *, augmented: bool = True) -> list[dict]:  # type: ignore[type-arg]
    """Export a run and return its rows."""
    export_file(rows(folder, augmented=augmented), "flan", target, Ways(load_mixture()))
    found = [msgspec.json.decode(line) for line in target.read_bytes().splitlines()]
    return [row for row in found if row["task_source"] != "SelfInstruct-II"]
