"""The loop when it is told what to grow: topics, quotas, and an end when little is new."""

from collections import Counter
from pathlib import Path
from random import Random

import msgspec
import pytest
from test_grow import MORE, VERBS, Shuffled, fanciful, settings_for

from selfinstruct.engines import Completion, Engine, Prompt, ScriptedEngine
from selfinstruct.errors import EngineError, InputError, RunError
from selfinstruct.grow import End, grow
from selfinstruct.prompts.files import NAMES, STEERED, load_prompts
from selfinstruct.recipe import load_recipe
from selfinstruct.run import Run
from selfinstruct.sift import Rejected
from selfinstruct.stages.topics import SPARE, WAVES, topic_in
from selfinstruct.stats import last_novelty
from selfinstruct.storage import read_rows
from selfinstruct.task import Task, to_json
from selfinstruct.topics import Steering, Topic

OWLS = Steering(topics=(Topic("owls", 9), Topic("rivers", 5), Topic("old clocks", 1)))
ENDLESS = Steering(topics=(Topic("owls"), Topic("rivers")))
WRITTEN = Steering(generate=6)


def steered(
    folder: Path,
    engine: Engine,
    steering: Steering | None,
    rounds: int | None = 2,
    **changes: object,
) -> Run:
    """Grow a run with topics and return it, its lock released."""
    prompts = load_prompts("en", more=STEERED if steering else ())
    settings = settings_for(engine, prompts=prompts, steering=steering, **changes)
    with Run(folder, settings, version="test") as run:
        list(grow(run, engine, End(rounds=rounds)))
    return run


def asked(engine: ScriptedEngine, stage: str) -> list[Prompt]:
    """Return the prompts of a stage."""
    return [prompt for prompt in engine.prompts if f"/{stage}/" in prompt.key]


def test_a_draft_is_asked_for_with_its_topic_and_keeps_it(tmp_path: Path) -> None:
    """The topic that a slot's prompt names is the category of all that comes of the slot."""
    engine = ScriptedEngine(fanciful)
    run = steered(tmp_path / "run", engine, ENDLESS)
    refused = read_rows(run.folder / "rejected.jsonl", Rejected)
    drafts = [*run.grown, *(row.task for row in refused)]
    told = {prompt.key: prompt.text for prompt in asked(engine, "propose")}
    assert {task.category for task in drafts} == {"owls", "rivers"}
    for task in drafts:
        key = task.origin.prompt.partition("#")[0]
        assert f"\n\nThe next task is about {task.category}.\n\n9. " in told[key]


def test_a_json_prompt_names_its_topic(tmp_path: Path) -> None:
    """With parse "json" the prompt asks for tasks about the topic, and as many as have room."""
    recipe = load_recipe("default")
    how = msgspec.structs.replace(recipe.propose, parse="json", new=4)
    engine = ScriptedEngine(lambda p: '["Count the owls."]' if "propose" in p.key else fanciful(p))
    recipe = msgspec.structs.replace(recipe, propose=how)
    steered(tmp_path / "run", engine, OWLS, rounds=1, recipe=recipe)
    bodies = [prompt.messages[0].content for prompt in asked(engine, "propose")]
    tasks = Counter(
        (name, body.partition("Write ")[2].partition(" new")[0])
        for body in bodies
        for name in ("owls", "rivers", "old clocks")
        if f"about this topic: {name}." in body
    )
    assert tasks == {
        ("owls", "4"): 2,
        ("owls", "1"): 1,
        ("rivers", "4"): 1,
        ("rivers", "1"): 1,
        ("old clocks", "1"): 1,
    }


def test_an_input_that_is_written_is_about_the_topic(tmp_path: Path) -> None:
    """A task that speaks of a text gets one about its topic, not about one of the recipe's."""
    tasks = iter(range(1000))

    def summaries(prompt: Prompt) -> str:
        if "/propose/" in prompt.key:
            return f" the text below about case {next(tasks)} in {next(tasks)} words."
        return fanciful(prompt)

    engine = ScriptedEngine(summaries)
    recipe = load_recipe("default")
    how = msgspec.structs.replace(recipe.propose, leads=("Summarise", "Shorten", "Retell"))
    recipe = msgspec.structs.replace(recipe, propose=how)
    steered(tmp_path / "run", engine, ENDLESS, rounds=1, recipe=recipe)
    bodies = [prompt.messages[0].content for prompt in asked(engine, "input")]
    assert bodies
    assert all("about owls." in body or "about rivers." in body for body in bodies)


@pytest.mark.parametrize("name", ["default", "self-instruct"])
def test_quotas_are_kept_and_end_the_run(name: str, tmp_path: Path) -> None:
    """A run whose topics all have quotas ends with each of them full, and none exceeded."""

    def willing(prompt: Prompt) -> str:
        random = Random(prompt.key)
        if "/propose/" in prompt.key:
            if prompt.key.startswith("0001"):
                random = Random("what every slot of round 1 says")
            items = [" ".join(random.sample([*VERBS, *MORE], 6)) for _ in range(9)]
            return " Tell me of " + "".join(
                f"{item}.\n{number}. Tell me of " for number, item in enumerate(items, 10)
            )
        if "/classify/" in prompt.key:
            return "No"
        return f" owls\nOutput: They hoot {random.random()}." if name != "default" else "Hoot."

    engine = ScriptedEngine(willing)
    run = steered(tmp_path / "run", engine, OWLS, rounds=None, recipe=load_recipe(name))
    grown = Counter(task.category for task in run.grown)
    assert grown == {"owls": 9, "rivers": 5, "old clocks": 1}
    assert len(run.markers) > 1
    before = len(engine.prompts)
    with Run(run.folder, run.settings, version="test") as again:
        assert not list(grow(again, engine, End()))
    assert len(engine.prompts) == before


def test_a_topic_that_fails_is_asked_for_more_often(tmp_path: Path) -> None:
    """After a round in which one topic got nothing, it gets the slots until it has caught up."""

    def partial(prompt: Prompt) -> str | Completion:
        if "0001/propose" in prompt.key and "about owls" in prompt.text:
            return Completion(prompt.key, "", "error", error="no owls today")
        return fanciful(prompt)

    engine = ScriptedEngine(partial)
    run = steered(tmp_path / "run", engine, ENDLESS, rounds=2)
    first = Counter(task.category for task in run.grown if task.origin.round == 1)
    second = Counter(
        "owls" if "about owls" in prompt.text else "rivers"
        for prompt in asked(engine, "propose")
        if prompt.key.startswith("0002")
    )
    assert first["owls"] == 0 < first["rivers"]
    assert abs(second["owls"] - second["rivers"] - min(12, first["rivers"])) <= 1


def test_small_last_rounds_are_not_given_up_early(tmp_path: Path) -> None:
    """Rounds of one prompt for the last task of a quota go on after three in vain."""

    def late(prompt: Prompt) -> str | Completion:
        number, _, place = prompt.key.split("/")
        if "/propose/" in prompt.key and (place == "0004" or 1 < int(number) < 8):
            return ""
        return fanciful(prompt)

    recipe = load_recipe("default")
    how = msgspec.structs.replace(recipe.propose, leads=("Name",))
    last = Steering(topics=(Topic("owls", 5),))
    recipe = msgspec.structs.replace(recipe, propose=how)
    run = steered(tmp_path / "run", ScriptedEngine(late), last, rounds=None, recipe=recipe)
    assert len(run.grown) == 5
    assert len(run.markers) >= 8
    assert sum(marker.proposed for marker in run.markers[1:7]) < 12
    never = ScriptedEngine(lambda _: "")
    run = steered(tmp_path / "never", never, last, rounds=None, recipe=recipe)
    assert [marker.proposed for marker in run.markers] == [5, 5, 5]


def listed(prompt: Prompt) -> str:
    """Write topics as a careless model does: repeated, numbered, or none at all."""
    if "/topics/" not in prompt.key:
        return fanciful(prompt)
    some = (" owls", "Owls.", ' "rivers"', " 3. Old  clocks", "", " " + "and on " * 9, " soups")
    return Random(prompt.key).choice([*some, " trains", " Lima"])


def test_topics_that_a_model_writes_are_frozen(tmp_path: Path) -> None:
    """They are asked for once, each is there once, and later another answer changes nothing."""
    engine = ScriptedEngine(listed)
    run = steered(tmp_path / "run", engine, WRITTEN, rounds=1)
    names = [topic.name for topic in read_rows(run.folder / "topics.jsonl", Topic)]
    assert len(names) == 6 == len({name.casefold() for name in names})
    assert {name.casefold() for name in names} == {
        "owls", "rivers", "old clocks", "soups", "trains", "lima",
    }  # fmt: skip
    kept = [row.completion.key for row in _journal(run)]
    assert kept == [prompt.key for prompt in asked(engine, "topics")]
    assert {task.category for task in run.grown} <= set(names)
    other = ScriptedEngine(lambda p: "dragons" if "/topics/" in p.key else fanciful(p))
    run = steered(tmp_path / "run", other, WRITTEN, rounds=2)
    assert not asked(other, "topics")
    assert {task.category for task in run.grown} <= set(names)


class _Entry(msgspec.Struct):
    completion: Completion


def _journal(run: Run) -> list[_Entry]:
    return list(read_rows(run.folder / "journal" / "0000-topics.jsonl", _Entry))


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_arrival_changes_no_topic(seed: int, tmp_path: Path) -> None:
    """Topics that arrive in any order are the same, in the same order, and so is what grows."""
    steered(tmp_path / "a", ScriptedEngine(listed), WRITTEN)
    steered(tmp_path / "b", Shuffled(ScriptedEngine(listed), seed), WRITTEN)
    for name in ("topics.jsonl", "pool.jsonl", "rejected.jsonl", "rounds/0002.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_topics_come_from_the_journal_after_a_kill(tmp_path: Path) -> None:
    """Replies that were written down before topics.jsonl was are used, and not asked for again."""
    run = steered(tmp_path / "run", ScriptedEngine(listed), WRITTEN, rounds=0)
    path = run.folder / "topics.jsonl"
    frozen = path.read_bytes()
    path.unlink()
    journal = run.folder / "journal" / "0000-topics.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole[: len(whole) // 2])
    engine = ScriptedEngine(listed)
    steered(tmp_path / "run", engine, WRITTEN, rounds=0)
    assert path.read_bytes() == frozen
    assert sorted(journal.read_bytes().splitlines()) == sorted(whole.splitlines())
    assert 0 < len(asked(engine, "topics")) < len(whole.splitlines())


def test_a_model_that_repeats_itself_gives_the_topics_it_has(tmp_path: Path) -> None:
    """The model is asked a bounded number of times, and fewer topics than wanted have to do."""
    engine = ScriptedEngine(lambda p: " Owls" if "/topics/" in p.key else fanciful(p))
    run = steered(tmp_path / "run", engine, WRITTEN, rounds=1)
    assert list(read_rows(run.folder / "topics.jsonl", Topic)) == [Topic("Owls")]
    assert len(asked(engine, "topics")) == 6 + SPARE + (5 + SPARE) * (WAVES - 1)


def test_a_model_that_writes_no_topic_stops_the_run(tmp_path: Path) -> None:
    """No topic at all is a fault, which names the first error and the way out; nothing is kept."""
    broken = ScriptedEngine(lambda p: Completion(p.key, "", "error", error="no GPU"))
    with pytest.raises(EngineError, match=r"no topic in 60 replies; the first: no GPU") as caught:
        steered(tmp_path / "run", broken, WRITTEN)
    assert "--topics FILE" in caught.value.hint
    assert steered(tmp_path / "run", ScriptedEngine(listed), WRITTEN, rounds=1).grown


@pytest.mark.parametrize(
    ("reply", "topic"),
    [
        (" the Roman Empire", "the Roman Empire"),
        ("12. **first aid**.", "first aid"),
        ("- \u201cC++\u201d", "C++"),
        (" 5G", "5G"),
        ("1. \u592a\u9633\u7cfb\nand more", "\u592a\u9633\u7cfb"),
        ("how to get to the station in time", ""),
        ("\u202eowls", ""),
        ("***", ""),
        ("", ""),
    ],
)
def test_a_topic_is_the_bare_first_line_of_a_reply(reply: str, topic: str) -> None:
    """Bullets, numbers and quotes go; a sentence, hidden characters or nothing is no topic."""
    assert topic_in(reply) == topic


def test_a_run_without_topics_knows_nothing_of_them(tmp_path: Path) -> None:
    """Its fingerprint, prompts and recipe are written as if there were no topics and no balance."""
    run = steered(tmp_path / "run", ScriptedEngine(fanciful), None)
    frozen = (run.folder / "run.toml").read_text(encoding="utf-8")
    assert "topic = " not in frozen
    assert "topics" not in run.settings.fingerprint()
    assert "steering" not in frozen
    assert b"balance" not in to_json(run.settings.recipe.propose)
    assert set(run.settings.prompts.texts) == set(NAMES)
    assert set(load_prompts("en", more=STEERED).texts) == {*NAMES, *STEERED}
    assert {task.category for task in run.grown} == {""}


@pytest.mark.parametrize(
    ("begun", "now"), [(OWLS, None), (None, OWLS), (OWLS, ENDLESS), (OWLS, WRITTEN)]
)
def test_a_run_goes_on_with_its_own_topics_only(
    begun: Steering | None, now: Steering | None, tmp_path: Path
) -> None:
    """Other topics, other quotas, none any more, or some all at once are refused by name."""
    steered(tmp_path / "run", ScriptedEngine(fanciful), begun, rounds=0)
    with pytest.raises(RunError, match="topics: "):
        steered(tmp_path / "run", ScriptedEngine(fanciful), now)


@pytest.mark.parametrize("number", [6, 3])
def test_a_fork_keeps_written_topics_if_it_wants_as_many(number: int, tmp_path: Path) -> None:
    """A fork with the same wish takes over the topics; with another it asks for its own."""
    old = steered(tmp_path / "old", ScriptedEngine(listed), WRITTEN, rounds=1)
    engine = ScriptedEngine(listed)
    settings = msgspec.structs.replace(old.settings, steering=Steering(generate=number), seed=7)
    with Run(tmp_path / "new", settings, version="test", fork=old.folder) as run:
        list(grow(run, engine, End(rounds=2)))
    same = (old.folder / "topics.jsonl").read_bytes() == (run.folder / "topics.jsonl").read_bytes()
    assert same == (number == 6)
    assert bool(asked(engine, "topics")) == (number != 6)


def test_own_prompts_of_a_run_with_topics_must_know_topics(tmp_path: Path) -> None:
    """A propose.txt of one's own that would not be asked is refused; with its other half it is."""
    (tmp_path / "propose.txt").write_text("Go on: {{ lead }}", encoding="utf-8")
    assert load_prompts("en", tmp_path).texts["propose"] == "Go on: {{ lead }}"
    with pytest.raises(InputError, match=r"asks propose_topic.txt, not .*propose.txt"):
        load_prompts("en", tmp_path, more=STEERED)
    (tmp_path / "propose_topic.txt").write_text("{{ topic }}: {{ leads }}", encoding="utf-8")
    with pytest.raises(InputError, match=r"propose_topic.txt:1: 'leads' is undefined"):
        load_prompts("en", tmp_path, more=STEERED)
    (tmp_path / "propose_topic.txt").write_text("{{ topic }}: {{ lead }}", encoding="utf-8")
    assert load_prompts("en", tmp_path, more=STEERED).texts["propose_topic"].startswith("{{ topic")
    assert "propose_topic" not in load_prompts("en", tmp_path).texts


def repeating(prompt: Prompt) -> str:
    """Propose ever fewer new things: in round 3 all is said."""
    number, stage, place = prompt.key.split("/")
    if stage != "propose":
        return fanciful(prompt)
    if int(place) % 4 == 3:
        return ""  # no draft: what is not judged by novelty must not count
    if int(place) % (5 - int(number)) == 0:
        return " the one kettle that everybody in the street has heard of."
    return fanciful(prompt)


def test_the_novel_share_is_counted_from_the_refusals(tmp_path: Path) -> None:
    """Judged are drafts that passed the rules on instructions; new are those not refused then."""
    recipe = load_recipe("default")
    how = msgspec.structs.replace(recipe.propose, leads=("Write a story about",))
    engine = ScriptedEngine(repeating)
    run = steered(
        tmp_path / "run", engine, None, 3, recipe=msgspec.structs.replace(recipe, propose=how)
    )
    refused = list(read_rows(run.folder / "rejected.jsonl", Rejected))
    for number in (1, 2, 3):
        of_round = [row for row in refused if row.task.origin.round == number]
        known = sum(row.rule == "novelty" for row in of_round)
        later = sum(row.stage != "propose" for row in of_round)
        found = last_novelty(run.folder, run.markers[:number])
        assert found.new == run.markers[number - 1].accepted + later
        assert found.judged == found.new + known
        assert 0 < known < found.judged


def test_a_run_stops_when_too_little_is_new(tmp_path: Path) -> None:
    """It stops after the first round below the share, again when resumed, and not without it."""
    engine = ScriptedEngine(repeating)
    recipe = load_recipe("default")
    how = msgspec.structs.replace(recipe.propose, leads=("Write a story about",))
    settings = settings_for(engine, recipe=msgspec.structs.replace(recipe, propose=how))
    shares = []
    with Run(tmp_path / "free", settings, version="test") as run:
        for _ in grow(run, engine, End(rounds=3)):
            shares.append(last_novelty(run.folder, run.markers).share)  # noqa: PERF401
    assert shares[0] > shares[1] > shares[2]
    for share, rounds in ((shares[1], 3), (shares[0], 2), (1.0, 1), (0.0, 3)):
        with Run(tmp_path / str(share), settings, version="test") as run:
            list(grow(run, engine, End(rounds=3, min_novelty=share)))
        with Run(tmp_path / str(share), settings, version="test") as run:
            assert not list(grow(run, engine, End(rounds=3, min_novelty=share)))
        assert len(run.markers) == rounds
    with Run(tmp_path / "1.0", settings, version="test") as run:
        assert len(list(grow(run, engine, End(rounds=3)))) == 2
    assert (tmp_path / "1.0/pool.jsonl").read_bytes() == (tmp_path / "free/pool.jsonl").read_bytes()


def test_a_round_with_nothing_to_judge_is_not_below(tmp_path: Path) -> None:
    """Where no draft came as far as novelty there is no share, and the run goes on."""
    engine = ScriptedEngine(lambda _: "")
    with Run(tmp_path / "run", settings_for(engine), version="test") as run:
        list(grow(run, engine, End(rounds=2, min_novelty=1.0)))
    assert len(run.markers) == 2


@pytest.mark.parametrize("name", ["balance", "without_input"])
def test_a_switch_is_part_of_a_recipe_only_when_it_is_on(name: str) -> None:
    """`balance = false` is the same recipe as one that does not speak of it."""
    recipe = load_recipe("self-instruct")
    off = msgspec.structs.replace(recipe.propose, **{name: False})
    raised = msgspec.structs.replace(recipe.propose, **{name: True})
    assert msgspec.structs.replace(recipe, propose=off).digest() == recipe.digest()
    assert msgspec.structs.replace(recipe, propose=raised).digest() != recipe.digest()


def test_balanced_prompts_show_seeds_of_different_categories(tmp_path: Path) -> None:
    """With `balance`, no prompt of a first round shows two seeds of one category."""
    recipe = load_recipe("default")
    how = msgspec.structs.replace(recipe.propose, balance=True, share=1)
    recipe = msgspec.structs.replace(recipe, propose=how)
    run = steered(tmp_path / "run", ScriptedEngine(fanciful), None, rounds=1, recipe=recipe)
    by_id: dict[str, Task] = {task.id: task for task in run.settings.seeds}
    assert run.grown
    for task in run.grown:
        kinds = {by_id[parent].category for parent in task.origin.parents}
        assert len(kinds) == len(task.origin.parents) == 8
